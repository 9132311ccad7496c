"""What an operator sets, as plain typed values."""
