"""One service, over connections in memory."""
