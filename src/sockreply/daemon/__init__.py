"""A running daemon and the process around it."""
