"""What is seen of a running daemon: its logs, its record and its counts."""
