"""Which rule answers a message, and why the others do not."""
