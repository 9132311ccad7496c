"""What is computed and written for `make bench`, without a load."""
