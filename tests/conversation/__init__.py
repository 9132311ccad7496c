"""One connection's dialogue."""
