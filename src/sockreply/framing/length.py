"""Messages after a header that counts their bytes: `length`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from sockreply.errors import CannotFrame, ConfigError, Malformed, MessageTooLong
from sockreply.framing.buffer import BufferedFramer, missing_bytes
from sockreply.framing.interfaces import Framing
from sockreply.notation import SIZE_LIMIT, Key, one_of, whole, yes_or_no

_WIDTHS = {str(octets): octets for octets in (1, 2, 3, 4, 8)}

_DIGITS_LIMIT = 18
"""Decimal digits of a count; that many always fit in 64 bits."""


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
            return missing_bytes(self._header - self.buffered, " of the header")
        return missing_bytes(self._whole - self.buffered, " after the header")

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
