"""A daemon that receives messages on a socket and answers them, and its client."""
