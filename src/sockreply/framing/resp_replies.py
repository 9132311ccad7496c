"""Redis's protocol as its clients read it: one value after the other, of RESP2 or RESP3.

See https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md. Values that are
streamed in parts (`$?`, `*?`) are not known: no Redis sends them.
"""

from __future__ import annotations

import re

from sockreply.errors import Malformed, MessageTooLong
from sockreply.framing.buffer import BufferedFramer, missing_bytes
from sockreply.framing.resp_commands import FIELD, NUMBER

_NUMBER = re.compile(NUMBER)

_LINES = b"+-:_#,("
"""Types whose value is in the line itself."""

_BLOBS = b"$!="
"""Types with as many bytes after the line as it says, and CR LF."""

_PARTS = {b"*": 1, b"~": 1, b">": 1, b"%": 2, b"|": 2}
"""Types with other values after the line: how many for each that it counts."""

_TYPES = _LINES + _BLOBS + b"".join(_PARTS)

_ATTRIBUTE = b"|"
"""Not a value: it comes before one."""

_WITH_NULL = b"$*"
"""Types that are null with a length of -1, as in RESP2."""

_LEAST = 3
"""Bytes of the shortest value."""


class ReplyFramer(BufferedFramer):
    """Values, as they are. Nested ones are only counted, so no depth of them takes memory.

    Args:
        max_message: The most bytes that a value may have.
    """

    __slots__ = ("_at", "_in_blob", "_left", "_searched")

    def __init__(self, max_message: int) -> None:
        super().__init__(max_message)
        self._reset()

    def _reset(self) -> None:
        self._at = 0  # where the next line begins, or where the present blob ends
        self._in_blob = False
        self._left = 1  # values still to come before this one is complete
        self._searched = 0  # how far the end of a line was looked for

    def next_message(self) -> bytes | None:
        while self._left:
            if not (self._pass_blob() if self._in_blob else self._pass_line()):
                return None
        end = self._start + self._at
        message = bytes(self._data[self._start : end])
        self._start = end
        self._reset()
        self._forget()
        return message

    def missing(self) -> str:
        """See `Framer`."""
        if self._in_blob:
            return missing_bytes(self._at - self.buffered, " of a string and its CR LF")
        if self._at < self.buffered:
            return "no CR LF yet"
        return f"values that are missing: {self._left}"

    def _pass_blob(self) -> bool:
        """Look at the end of a blob. Is it here?"""
        end = self._start + self._at
        if end > len(self._data):
            return False
        after = bytes(self._data[end - 2 : end])
        if after != b"\r\n":
            raise Malformed("CR LF after a string", after)
        self._in_blob = False
        self._left -= 1
        return True

    def _pass_line(self) -> bool:
        """Look at the next line. Is all of it here?"""
        begin = self._start + self._at
        kind = bytes(self._data[begin : begin + 1])
        if kind and kind not in _TYPES:
            raise Malformed("the type of a value", kind)
        searched = max(begin, self._start + self._searched)
        end = self._data.find(b"\r\n", searched, self._start + self._max_message)
        if end < 0:
            if self.buffered >= self._max_message:
                raise MessageTooLong(self._max_message)
            self._searched = max(0, self.buffered - 1)  # the last one may be CR
            return False
        self._at = end + 2 - self._start
        if kind not in _LINES:
            self._begin(kind, bytes(self._data[begin + 1 : min(end, begin + 1 + FIELD)]))
        else:
            self._left -= 1
        if self._at + _LEAST * (self._left - self._in_blob) > self._max_message:
            raise MessageTooLong(self._max_message)
        return True

    def _begin(self, kind: bytes, digits: bytes) -> None:
        """Begin what follows a line that counts it."""
        number = int(digits) if _NUMBER.fullmatch(digits) else -2
        if number == -1 and kind in _WITH_NULL:
            self._left -= 1
        elif number < 0:
            raise Malformed(f"a length after {kind.decode()}", digits)
        elif kind in _BLOBS:
            self._at += number + 2
            self._in_blob = True
        else:
            self._left += number * _PARTS[kind] - (kind != _ATTRIBUTE)
