"""Answers told by a table of rules."""
