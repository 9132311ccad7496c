"""Byte strings that mark where messages begin or end, and how they are looked for."""

from __future__ import annotations

import re
import sys
from functools import lru_cache

from sockreply.shown import show_bytes

_NAMES = {b"\n": "LF", b"\r": "CR", b"\r\n": "CR LF", b"\0": "NUL"}


def shown(mark: bytes) -> str:
    """A mark as people call it."""
    return _NAMES.get(mark) or show_bytes(mark)


@lru_cache(maxsize=64)  # a daemon has few marks, and asks with each read that holds noise
def beginnings(*marks: bytes) -> tuple[bytes, ...]:
    """What a read can end with of the marks, as far as they have come; the longest first."""
    found = {mark[:size] for mark in marks for size in range(1, len(mark))}
    return tuple(sorted(found, key=len, reverse=True))


def overlap(data: bytes | bytearray, beginnings: tuple[bytes, ...], start: int) -> int:
    """The length of the first of `beginnings` with which `data` ends, from `start` on."""
    return next((len(part) for part in beginnings if data.endswith(part, start)), 0)


def end_of(
    pattern: re.Pattern[bytes], data: bytes | bytearray, at: int, last: int = sys.maxsize
) -> int:
    """Where the match of a pattern that may match nothing ends, in the data up to `last`."""
    found = pattern.match(data, at, last)
    return at if found is None else found.end()
