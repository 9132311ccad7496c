"""The ASCII digits in which messages say how long they are."""

DIGITS = {10: b"0123456789", 16: b"0123456789abcdefABCDEF"}
"""The digits of a number, by its base."""

DIGITS_LIMIT = 18
"""Digits of a number, with zeros in front; that many decimal ones always fit in 64 bits. Without
zeros in front, a number with more is more than any message may have."""
