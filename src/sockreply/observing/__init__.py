"""What a running daemon shows: its logs, its record and its counts."""
