"""Messages after a header that counts their bytes: their framers."""

from __future__ import annotations

from typing import Protocol

from sockreply.errors import MessageTooLong
from sockreply.framing.buffer import BufferedFramer, missing_bytes


class Counting(Protocol):
    """What framers know of the framing `length`, which says what its arguments mean."""

    @property
    def offset(self) -> int:
        """The bytes of the header that stand before the number."""

    @property
    def width(self) -> int:
        """The bytes of the number, at least."""

    @property
    def header(self) -> int:
        """The bytes of the header, at least."""

    @property
    def adjust(self) -> int:
        """Added to the number that is read."""

    @property
    def strip(self) -> bool:
        """Do messages come without their header?"""

    def read_count(self, found: bytes) -> int:
        """What a number of a fixed size says about the bytes after the header.

        Raises:
            Malformed: It is not a number, or it leaves fewer than no bytes.
        """

    def size_after(self, header: int, told: int, found: bytes) -> int:
        """The bytes after a header of so many bytes whose number says this.

        Args:
            header: Its bytes.
            told: Its number.
            found: The bytes of that, for the error.

        Raises:
            Malformed: The number says that there are fewer than none.
        """


class Number(Protocol):
    """How numbers of one kind are written.

    A number may be written longer than it has to be, as most programs allow; ours are as short as
    they can be.
    """

    @property
    def least(self) -> int:
        """The fewest bytes of a number."""

    @property
    def longest(self) -> int:
        """The most bytes of a number."""

    @property
    def greatest(self) -> int:
        """No number is greater."""

    def read(self, field: bytes, most: int) -> tuple[int, int] | None:
        """A number, and how many bytes it takes; None: it is not complete.

        Args:
            field: Begins with the number; more than `longest` bytes change nothing.
            most: Of a number above that, only the first bytes may be read.

        Raises:
            Malformed: It is not a number.
        """

    def write(self, number: int) -> bytes:
        """The number as it is written, in as few bytes as can be."""

    def missing(self, field: bytes) -> str:
        """What an incomplete number lacks, for `Framer.missing`."""


class LengthFramer(BufferedFramer):
    """Messages after a header that counts their bytes.

    Args:
        max_message: The most bytes that a message, as it is handed out, may have.
        framing: Tells how to read the header.
    """

    __slots__ = ("_framing", "_header", "_whole")

    def __init__(self, max_message: int, framing: Counting) -> None:
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


class VaryingFramer(LengthFramer):
    """Messages after a header whose own size varies.

    Args:
        max_message: The most bytes that a message, as it is handed out, may have.
        framing: Tells what follows the header.
        number: Tells how to read the count in the header.
    """

    __slots__ = ("_most", "_number")

    def __init__(self, max_message: int, framing: Counting, number: Number) -> None:
        super().__init__(max_message, framing)
        self._number = number
        longest = framing.offset + number.longest
        self._most = max(0, max_message - framing.adjust + longest)  # any count above is too much

    def next_message(self) -> bytes | None:
        if not self._whole and not self._read_header():
            return None
        return super().next_message()

    def missing(self) -> str:
        if self._whole:
            return super().missing()
        offset = self._framing.offset
        if self.buffered < offset:
            return missing_bytes(offset - self.buffered, " before the count")
        return self._number.missing(self.rest()[offset:])

    def _read_header(self) -> bool:
        """Learn the sizes of the header and of the message, if the header is here."""
        framing = self._framing
        start = self._start + framing.offset
        field = bytes(self._data[start : start + self._number.longest])
        found = self._number.read(field, self._most)
        if found is None:
            return False
        told, width = found
        self._header = framing.offset + width
        size = framing.size_after(self._header, told, field[:width])
        if size + (0 if framing.strip else self._header) > self._max_message:
            raise MessageTooLong(self._max_message)
        self._whole = self._header + size
        return True


class PaddedFramer(LengthFramer):
    """Messages with a byte that counts the padding after them, which is a part of them.

    Args:
        max_message: The most bytes that a message may have, with its header and its padding.
        framing: Tells how to read the header.
        padding: Where in a message that byte stands.
    """

    __slots__ = ("_padding",)

    def __init__(self, max_message: int, framing: Counting, padding: int) -> None:
        super().__init__(max_message, framing)
        self._padding = padding
        self._header = max(framing.header, padding + 1)

    def _body(self) -> int:
        """The bytes of the message after the last of its two counts."""
        end = self._start + self._framing.header
        size = self._framing.read_count(bytes(self._data[end - self._framing.width : end]))
        whole = self._framing.header + size + self._data[self._start + self._padding]
        if whole > self._max_message:
            raise MessageTooLong(self._max_message)
        return whole - self._header
