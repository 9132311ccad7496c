"""A running daemon."""
