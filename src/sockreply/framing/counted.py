"""Messages whose length is known before they come: `length`, `netstring`, `fixed`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from sockreply.errors import CannotFrame, ConfigError, Malformed, MessageTooLong
from sockreply.framing.affixed import Affixed
from sockreply.framing.buffer import BufferedFramer
from sockreply.framing.interfaces import Framing
from sockreply.notation import SIZE_LIMIT, Key, one_of, whole, yes_or_no

_WIDTHS = {str(octets): octets for octets in (1, 2, 3, 4, 8)}

_DIGITS_LIMIT = 18
"""Decimal digits of a count; that many always fit in 64 bits."""


def _missing(size: int, where: str = "") -> str:
    return f"{size} byte{where} is missing" if size == 1 else f"{size} bytes{where} are missing"


class LengthFramer(BufferedFramer):
    """Messages after a header that counts their bytes.

    Args:
        max_message: The most bytes that a message, as it is handed out, may have.
        framing: Tells how to read the header.
    """

    __slots__ = ("_framing", "_header", "_whole")

    def __init__(self, max_message: int, framing: Length) -> None:
        super().__init__(max_message)
        self._framing = framing
        self._header = framing.header
        self._whole = 0  # bytes of the message that is coming, with its header; 0: not known

    def next_message(self) -> bytes | None:
        held = len(self._data) - self._start
        if not self._whole:
            if held < self._header:
                return None
            self._whole = self._header + self._body()
        if held < self._whole:
            return None
        start = self._start
        self._start = end = start + self._whole
        self._whole = 0
        if self._framing.strip:
            start += self._header
        message = bytes(self._data[start:end])
        self._forget()
        return message

    def missing(self) -> str:
        """See `Framer`."""
        if not self._whole:
            return _missing(self._header - self.buffered, " of the header")
        return _missing(self._whole - self.buffered, " after the header")

    def _body(self) -> int:
        """The bytes that the header says will follow it."""
        end = self._start + self._header
        size = self._framing.read_count(bytes(self._data[end - self._framing.width : end]))
        if size + (0 if self._framing.strip else self._header) > self._max_message:
            raise MessageTooLong(self._max_message)
        return size


@dataclass(frozen=True)
class Length(Framing):
    """A number in front of a message counts its bytes.

    Args:
        octets: The bytes of a binary number, or 0.
        digits: The digits of an ASCII decimal number, or 0.
        order: Of the binary number's bytes.
        adjust: Added to the number that is read.
        inclusive: Does the number count the header?
        offset: The bytes of the header that stand before the number.
        strip: Is the header ours to read and to write? If not, messages and replies include it.
    """

    octets: Annotated[int, Key(one_of(**_WIDTHS), name="bytes")] = 0
    digits: Annotated[int, Key(whole(1, _DIGITS_LIMIT))] = 0
    order: Annotated[Literal["big", "little"], Key(one_of(big="big", little="little"))] = "big"
    adjust: Annotated[int, Key(whole(-SIZE_LIMIT, SIZE_LIMIT))] = 0
    inclusive: Annotated[bool, Key(yes_or_no)] = False
    offset: Annotated[int, Key(whole(0, SIZE_LIMIT))] = 0
    strip: Annotated[bool, Key(yes_or_no)] = True

    def __post_init__(self) -> None:
        if bool(self.octets) == bool(self.digits):
            raise ConfigError("needs either bytes=1|2|3|4|8 or digits=N")
        if self.strip and self.offset:
            raise ConfigError(
                "offset needs strip=no, because nothing says what a reply would have there"
            )

    @property
    def width(self) -> int:
        """The bytes of the number."""
        return self.octets or self.digits

    @property
    def header(self) -> int:
        """The bytes of the header."""
        return self.offset + self.width

    @property
    def binary(self) -> bool:
        return self.octets > 0

    def framer(self, max_message: int) -> LengthFramer:
        if not self.strip and self.header > max_message:
            raise ConfigError(
                f"length: a header of {self.header} bytes is more than max_message = {max_message}"
            )
        return LengthFramer(max_message, self)

    def read_count(self, field: bytes) -> int:
        """What the number says about the bytes after the header.

        Raises:
            Malformed: It is not a number, or it is less than none.
        """
        if self.octets:
            told = int.from_bytes(field, self.order)
        elif field.isdigit():
            told = int(field)
        else:
            raise Malformed(f"{self.digits} digits", field)
        size = told + self._added
        if size < 0:
            raise Malformed(f"a count of at least {-self._added}", field)
        return size

    def frame(self, message: bytes) -> bytes:
        if not self.strip:
            return message
        told = len(message) - self._added
        most = (256**self.octets if self.octets else 10**self.digits) - 1
        if not 0 <= told <= most:
            raise CannotFrame(len(message), max(0, self._added), most + self._added)
        if self.octets:
            return told.to_bytes(self.octets, self.order) + message
        return b"%0*d%b" % (self.digits, told, message)

    @property
    def _added(self) -> int:
        """From the number to the bytes after the header."""
        return self.adjust - (self.header if self.inclusive else 0)


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
        return f"{_missing(body)}, and the comma" if body else "the comma is missing"

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
        return _missing(self._max_message - self.buffered)

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
