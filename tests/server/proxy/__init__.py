"""PROXY headers, over bytes and over connections in memory."""
