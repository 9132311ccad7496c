"""Lines that end in whatever way the other side ends them."""

from __future__ import annotations

import re

from sockreply.errors import MessageTooLong
from sockreply.framing.delimited import WINDOW, DelimitedFramer
from sockreply.framing.marks import end_of

LATE_ENDS = (b"\n", b"\0")
"""What belongs to the end of a line when it follows the CR: most protocols end lines in CR LF, and
telnet sends a CR alone as CR NUL (RFC 854)."""

_CR = 0x0D
_TEXT = re.compile(rb"[^\r\n]*+")


class AnyEndingFramer(DelimitedFramer):
    r"""Lines up to LF, CR LF, CR NUL or CR.

    A line is handed out as soon as its CR has come. The LF or NUL that may follow is still part of
    its end, and is dropped from what comes next.

    Args:
        max_message: The most bytes that a line may have, without its end.
    """

    __slots__ = ("_after_cr",)

    def __init__(self, max_message: int) -> None:
        super().__init__(max_message, b"\n")
        self._after_cr = False  # was a CR the last byte that came?

    @property
    def late(self) -> tuple[bytes, ...]:
        """See `BufferedFramer`."""
        return LATE_ENDS if self._after_cr else ()

    def take(self, data: bytes) -> list[bytes] | None:
        if not self.empty or self.ready or len(data) > min(WINDOW, self._max_message):
            return None
        if (self._after_cr and data.startswith(LATE_ENDS)) or not data.endswith((b"\n", b"\r\0")):
            return None
        self._after_cr = False
        return data.replace(b"\r\0", b"\r\n").splitlines()

    def receive_data(self, data: bytes) -> None:
        if self._after_cr and data:
            self._after_cr = False
            if data.startswith(LATE_ENDS):
                data = data[1:]
        if data:
            super().receive_data(data)

    def next_message(self) -> bytes | None:
        if self.ready:
            return self.ready.pop()
        data, start = self._data, self._start
        at = end_of(_TEXT, data, start + self._searched)
        if at - start > self._max_message:
            raise MessageTooLong(self._max_message)
        if at == len(data):
            self._searched = at - start
            return None
        self._searched = 0
        self._pass(at)
        return bytes(data[start:at])

    def missing(self) -> str:
        return "no CR or LF yet"

    def _pass(self, at: int) -> None:
        """Go on after the line's end, which begins there."""
        data, end = self._data, at + 1
        if data[at] == _CR:
            self._after_cr = end == len(data)
            end += data[end : end + 1] in (b"\n", b"\0")
        self._start = end
        self._forget()
        if not self.empty:
            self._cut_apart()

    def _window(self) -> bytes:
        return super()._window().removesuffix(b"\r")  # what follows decides how long this end is

    def _only_mark(self, window: bytes) -> bytes:
        returns, feeds = window.count(b"\r"), window.count(b"\n")
        if not returns:
            return b"\n"
        if feeds:
            return b"\r\n" if returns == feeds == window.count(b"\r\n") else b""
        if nuls := window.count(b"\r\0"):
            return b"\r\0" if nuls == returns else b""
        return b"\r"
