"""Replies that are filled in with what was asked."""
