"""One connection's dialogue: what came is answered in order. It touches no transport."""
