"""What is seen of a running daemon."""
