"""The client, against a server in memory."""
