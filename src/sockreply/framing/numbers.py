"""Numbers whose own size varies: digits up to a mark, varints, and BER lengths."""

from __future__ import annotations

from dataclasses import dataclass

from sockreply.errors import Malformed
from sockreply.framing.buffer import missing_bytes
from sockreply.framing.digits import DIGITS, DIGITS_LIMIT
from sockreply.shown import show_bytes

_LEB128_BYTES = 10
"""Of a varint; that many hold 64 bits."""

_BER_BYTES = 8
"""After the first byte of a length; that many hold 64 bits."""


@dataclass(frozen=True)
class DigitsUpTo:
    r"""ASCII digits and the bytes that end them, such as `99 ` and `1a\r\n`.

    RFC 6587 does not allow zeros in front of a count, and RFC 9112 allows them in front of the size
    of a chunk. They are taken.

    Args:
        end: Ends the digits.
        base: 10 or 16.
        place: Where the number stands in a message, from 0; errors say it.
    """

    end: bytes
    base: int
    place: int

    @property
    def least(self) -> int:
        return 1 + len(self.end)

    @property
    def longest(self) -> int:
        return DIGITS_LIMIT + len(self.end)

    @property
    def greatest(self) -> int:
        return int(self.base**DIGITS_LIMIT) - 1

    def read(self, field: bytes, most: int) -> tuple[int, int] | None:
        """See `Number`."""
        size = len(field) - len(field.lstrip(DIGITS[self.base]))
        digits = field[: min(size, DIGITS_LIMIT + 1)]
        if len(digits.lstrip(b"0")) > len(self._digits(most)):
            return int(digits, self.base), size
        if size > DIGITS_LIMIT:
            raise Malformed(f"at most {DIGITS_LIMIT} digits", digits)
        after = field[size : size + len(self.end)]
        if (field and not size) or not self.end.startswith(after):
            raise self._malformed(field, size)
        return (int(digits, self.base), size + len(after)) if after == self.end else None

    def write(self, number: int) -> bytes:
        """See `Number`."""
        return self._digits(number) + self.end

    def missing(self, field: bytes) -> str:  # noqa: ARG002 - whatever is there
        """See `Number`."""
        return f"no {show_bytes(self.end)} after the count yet"

    def _digits(self, number: int) -> bytes:
        return (b"%d" if self.base == 10 else b"%x") % number

    def _malformed(self, field: bytes, size: int) -> Malformed:
        """Says what is there after so many digits."""
        expected = ["a hexadecimal digit" if self.base == 16 else "a digit"]
        if size:
            expected.append(show_bytes(self.end))
        at = size
        while size and field[at] == self.end[at - size]:
            at += 1
            expected = [f"all of {show_bytes(self.end)}"]
        return Malformed(" or ".join(expected), field[: at + 1], self.place + at)


@dataclass(frozen=True)
class Leb128:
    """Unsigned LEB128, or varints: seven bits in a byte, the lowest first; the last is below 0x80.

    Protocol Buffers, MQTT and Minecraft use them; MQTT takes at most 4 bytes, and Minecraft 3.

    Args:
        place: Where the number stands in a message, from 0; errors say it.
    """

    place: int

    least = 1
    longest = _LEB128_BYTES
    greatest = 2 ** (7 * _LEB128_BYTES) - 1

    def read(self, field: bytes, most: int) -> tuple[int, int] | None:
        """See `Number`."""
        number = 0
        for at, octet in enumerate(field[:_LEB128_BYTES]):
            number |= (octet & 0x7F) << (7 * at)
            if octet < 0x80 or number > most:
                return number, at + 1
        if len(field) < _LEB128_BYTES:
            return None
        last = self.place + _LEB128_BYTES - 1
        raise Malformed("the last byte of a varint, below 0x80,", field[:_LEB128_BYTES], last)

    def write(self, number: int) -> bytes:
        """See `Number`."""
        octets = bytearray()
        while number >= 0x80:
            octets.append(number & 0x7F | 0x80)
            number >>= 7
        octets.append(number)
        return bytes(octets)

    def missing(self, field: bytes) -> str:
        """See `Number`."""
        return "the last byte of the count is missing" if field else "the count is missing"


@dataclass(frozen=True)
class Ber:
    """Definite lengths in BER (X.690, section 8.1.3), as in LDAP and SNMP.

    A length below 0x80 is one byte. Otherwise that byte is 0x80 plus the number of bytes of length
    that follow it. These may begin with zeros: some programs leave room, and fill in the length
    later.

    Args:
        place: Where the length stands in a message, from 0; errors say it.
    """

    place: int

    least = 1
    longest = 1 + _BER_BYTES
    greatest = 256**_BER_BYTES - 1

    def read(self, field: bytes, most: int) -> tuple[int, int] | None:  # noqa: ARG002 - short
        """See `Number`."""
        if not field:
            return None
        if field[0] < 0x80:
            return field[0], 1
        size = 1 + self._more(field[0])
        return (int.from_bytes(field[1:size]), size) if len(field) >= size else None

    def write(self, number: int) -> bytes:
        """See `Number`."""
        if number < 0x80:
            return bytes([number])
        size = (number.bit_length() + 7) // 8
        return bytes([0x80 + size]) + number.to_bytes(size)

    def missing(self, field: bytes) -> str:
        """See `Number`."""
        if not field:
            return "the count is missing"
        return missing_bytes(1 + self._more(field[0]) - len(field), " of the count")

    def _more(self, first: int) -> int:
        """How many bytes of length follow, as the first byte says."""
        match first:
            case 0x80:
                expected = "a definite length, not the indefinite form,"
            case 0xFF:
                expected = "a length, not the reserved 0xff,"
            case _ if first > 0x80 + _BER_BYTES:
                expected = f"a length of at most {_BER_BYTES} bytes"
            case _:
                return first - 0x80
        raise Malformed(expected, bytes([first]), self.place)
