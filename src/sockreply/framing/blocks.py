"""Lines that contain blocks of any bytes, as instruments send them (IEEE 488.2)."""

from __future__ import annotations

import re

from sockreply.errors import MessageTooLong
from sockreply.framing.buffer import missing_bytes
from sockreply.framing.delimited import WINDOW, DelimitedFramer
from sockreply.framing.marks import end_of

_LF, _CR, _HASH = b"\n\r#"

_SHORT = "|".join(f"{size}[0-9]{{0,{size - 1}}}[^0-9]" for size in range(1, 10))
_WHOLE = "|".join(f"{size}[0-9]{{{size}}}" for size in range(1, 10))

# A quote that is doubled in a string ends one and begins the next. No pattern can backtrack.
_TEXT = re.compile(
    rf"""(?:[^\n#"']++|"[^"\n]*+"|'[^'\n]*+'|#(?=[^0-9]|{_SHORT}))*+""".encode(),
)
_HEADER = re.compile(f"#(?:0|{_WHOLE})".encode())
_STRINGS = {quote: re.compile(b"[^\n%c]*+" % quote) for quote in b"\"'"}
_INDEFINITE = re.compile(rb"[^\n]*+")


class BlockFramer(DelimitedFramer):
    """Lines up to LF, but a block outside strings may contain LF; one CR before LF is dropped.

    `#` with a digit from 1 to 9, so many digits, and as many bytes as these say is a block. `#0`
    begins one that only LF ends, and `#` before anything else is text. So is it in strings, which
    stand between quotes of either kind, and end with their line if they are not closed.

    Args:
        max_message: The most bytes that a line may have, with its blocks.
    """

    __slots__ = ("_inside", "_solid")

    def __init__(self, max_message: int) -> None:
        super().__init__(max_message, b"\n", drop_cr=True)
        self._inside: re.Pattern[bytes] | None = None  # matches the rest of an open string
        self._solid = 0  # where the last block ends; a CR in it is not dropped

    def take(self, data: bytes) -> list[bytes] | None:
        return None if b"#" in data else super().take(data)

    def next_message(self) -> bytes | None:
        if self.ready:
            return self.ready.pop()
        line_end = self._end_of_line()
        data, start = self._data, self._start
        at = len(data) if line_end is None else line_end
        if at - start > self._solid and data[at - 1] == _CR:
            at -= 1
        if at - start > self._max_message:
            raise MessageTooLong(self._max_message)
        if line_end is None:
            return None
        self._searched = self._solid = 0
        self._inside = None
        self._start = line_end + 1
        self._forget()
        if not self.empty:
            self._cut_apart()
        return bytes(data[start:at])

    def missing(self) -> str:
        lacks = self._searched - self.buffered
        if lacks <= 0:
            return super().missing()
        return missing_bytes(lacks, " of a block")

    def _cut_apart(self) -> None:
        if self._data.find(b"#", self._start, self._start + WINDOW) < 0:
            super()._cut_apart()

    def _end_of_line(self) -> int | None:
        """Where the line ends; None: its end has not come."""
        data, start = self._data, self._start
        at = start + self._searched  # past all data, while a block is incomplete
        while at < len(data):
            at = end_of(self._inside or _TEXT, data, at)
            if at == len(data):
                break
            if data[at] == _LF:
                return at
            if self._inside is not None:
                self._inside = None
                at += 1
            elif data[at] != _HASH:
                self._inside = _STRINGS[data[at]]
                at += 1
            elif header := _HEADER.match(data, at):
                at = self._begin_block(header)
            else:
                break  # of a header, the rest is still to come
        self._searched = at - start
        return None

    def _begin_block(self, header: re.Match[bytes]) -> int:
        """Where the block ends; if only LF ends it, where it begins."""
        at = header.end()
        if header[0] == b"#0":
            self._inside = _INDEFINITE
            return at
        at += int(header[0][2:])
        if at - self._start > self._max_message:
            raise MessageTooLong(self._max_message)
        self._solid = at - self._start
        return at
