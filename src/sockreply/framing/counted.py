"""Messages whose length is known before they come: `netstring`, `fixed`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sockreply.errors import ConfigError, Malformed, MessageTooLong
from sockreply.framing.affixed import Affixed
from sockreply.framing.buffer import BufferedFramer, missing_bytes
from sockreply.framing.interfaces import Framing
from sockreply.notation import SIZE_LIMIT, Key, whole


class NetstringFramer(BufferedFramer):
    """Messages in D. J. Bernstein's netstrings, strictly: no leading zero, no missing comma.

    Args:
        max_message: The most bytes that a message may have.
    """

    __slots__ = ("_header", "_most_digits", "_size")

    def __init__(self, max_message: int) -> None:
        super().__init__(max_message)
        self._most_digits = len(str(max_message))
        self._header = 0  # bytes of `5:` before the message that is coming; 0: not known
        self._size = 0  # of that message

    def next_message(self) -> bytes | None:
        if not self._header and not self._read_header():
            return None
        start = self._start + self._header
        end = start + self._size
        if end >= len(self._data):
            return None
        if self._data[end] != 0x2C:
            raise Malformed("a comma", bytes(self._data[end : end + 1]))
        self._start = end + 1
        self._header = 0
        message = bytes(self._data[start:end])
        self._forget()
        return message

    def missing(self) -> str:
        """See `Framer`."""
        if not self._header:
            return "no ':' after the length yet"
        body = self._header + self._size - self.buffered
        return f"{missing_bytes(body)}, and the comma" if body else "the comma is missing"

    def _read_header(self) -> bool:
        """Learn the size from what stands before the colon, if that is there."""
        field = bytes(self._data[self._start : self._start + self._most_digits + 1])
        digits, colon, _ = field.partition(b":")
        if (digits and not digits.isdigit()) or (colon and not digits):
            raise Malformed("a length and a colon", field)
        if len(digits) > 1 and digits[0] == 0x30:
            raise Malformed("a length without leading zeros", digits)
        if len(digits) > self._most_digits or (colon and int(digits) > self._max_message):
            raise MessageTooLong(self._max_message)
        if not colon:
            return False
        self._header = len(digits) + 1
        self._size = int(digits)
        return True


@dataclass(frozen=True)
class Netstring(Framing):
    """`5:hello,` (https://cr.yp.to/proto/netstrings.txt)."""

    def framer(self, max_message: int) -> NetstringFramer:
        return NetstringFramer(max_message)

    def frame(self, message: bytes) -> bytes:
        return b"%d:%b," % (len(message), message)


class FixedFramer(BufferedFramer):
    """Messages of one size, which is at most `max_message`."""

    __slots__ = ()

    def take(self, data: bytes) -> list[bytes] | None:
        size = self._max_message
        if not self.empty or len(data) % size:
            return None
        return [data[at : at + size] for at in range(0, len(data), size)]

    def missing(self) -> str:
        """See `Framer`."""
        return missing_bytes(self._max_message - self.buffered)

    def next_message(self) -> bytes | None:
        start = self._start
        end = start + self._max_message
        if end > len(self._data):
            return None
        self._start = end
        message = bytes(self._data[start:end])
        self._forget()
        return message


@dataclass(frozen=True)
class Fixed(Affixed):
    """Every message has the same size; a reply is sent as it is.

    Args:
        size: In bytes.
    """

    size: Annotated[int, Key(whole(1, SIZE_LIMIT))]

    @property
    def message_size(self) -> int:
        return self.size

    def framer(self, max_message: int) -> FixedFramer:
        if self.size > max_message:
            raise ConfigError(f"fixed: size={self.size} is more than max_message = {max_message}")
        return FixedFramer(self.size)
