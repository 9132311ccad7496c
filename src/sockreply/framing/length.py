"""Messages after a header that counts their bytes: `length`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from sockreply.errors import CannotFrame, ConfigError, Malformed
from sockreply.framing.digits import DIGITS, DIGITS_LIMIT
from sockreply.framing.headers import (
    LengthFramer,
    Number,
    PaddedFramer,
    VaryingFramer,
)
from sockreply.framing.interfaces import Framing
from sockreply.notation import SIZE_LIMIT, Key, mark, one_of, whole, yes_or_no

_WIDTHS = {str(octets): octets for octets in (1, 2, 3, 4, 8)}


def _derived() -> Any:
    """A field that follows from the others: a plain attribute, because messages wait for it."""
    return field(init=False, repr=False, compare=False)


@dataclass(frozen=True)
class Length(Framing):
    """A number in front of a message counts its bytes.

    One of the first four says how it is written.

    Args:
        octets: The bytes of a binary number, or 0.
        digits: The digits of an ASCII number, or 0.
        until: What ends the digits of an ASCII number of any size, or nothing.
        form: A number of any size that is not text, or nothing.
        base: Of ASCII digits; ours are in lower case.
        order: Of the binary number's bytes.
        adjust: Added to the number that is read.
        inclusive: Does the number count the header? In text, one that is less than the header then
            counts nothing else, as git's `0000` does.
        offset: The bytes of the header that stand before the number.
        padding: Where in a message a byte says how much padding comes after the bytes that the
            number counts, as in FastCGI. The padding is part of the message.
        strip: Is the header ours to read and to write? If not, messages and replies include it.
    """

    octets: Annotated[int, Key(one_of(**_WIDTHS), name="bytes")] = 0
    digits: Annotated[int, Key(whole(1, DIGITS_LIMIT))] = 0
    until: Annotated[bytes, Key(mark)] = b""
    form: Annotated[Literal["", "leb128", "ber"], Key(one_of(leb128="leb128", ber="ber"))] = ""
    base: Annotated[Literal[10, 16], Key(one_of(**{"10": 10, "16": 16}))] = 10
    order: Annotated[Literal["big", "little"], Key(one_of(big="big", little="little"))] = "big"
    adjust: Annotated[int, Key(whole(-SIZE_LIMIT, SIZE_LIMIT))] = 0
    inclusive: Annotated[bool, Key(yes_or_no)] = False
    offset: Annotated[int, Key(whole(0, SIZE_LIMIT))] = 0
    padding: Annotated[int | None, Key(whole(0, SIZE_LIMIT))] = None
    strip: Annotated[bool, Key(yes_or_no)] = True

    width: int = _derived()
    """The bytes of the number, at least."""

    header: int = _derived()
    """The bytes of the header, at least."""

    _number: Number | None = _derived()  # noqa: RUF009 - it makes a field
    """How the number is written if its size varies; None: its size is fixed."""

    _added: int = _derived()
    """From the number to the bytes after the header, if its size is fixed."""

    _most: int = _derived()
    """The greatest number that fits, if its size is fixed."""

    def __post_init__(self) -> None:
        if sum(map(bool, (self.octets, self.digits, self.until, self.form))) != 1:
            raise ConfigError(
                "needs one of bytes=1|2|3|4|8, digits=N, until=... and form=leb128|ber"
            )
        number = None if self.octets or self.digits else self._number_of_any_size()
        width = number.least if number else self.octets or self.digits
        header = self.offset + width
        derived = {
            "width": width,
            "header": header,
            "_number": number,
            "_added": self.adjust - (header if self.inclusive else 0),
            "_most": -1 if number else self.base**self.digits * 256**self.octets - 1,
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        for mistake in self._mistakes():
            raise ConfigError(mistake)

    @property
    def binary(self) -> bool:
        return bool(self.octets or self.form)

    def framer(self, max_message: int) -> LengthFramer:
        header = self.header if self.padding is None else max(self.header, self.padding + 1)
        if not self.strip and header > max_message:
            raise ConfigError(
                f"length: a header of {header} bytes is more than max_message = {max_message}"
            )
        if self.padding is not None:
            return PaddedFramer(max_message, self, self.padding)
        if self._number:
            return VaryingFramer(max_message, self, self._number)
        return LengthFramer(max_message, self)

    def read_count(self, found: bytes) -> int:
        """See `Counting`."""
        if self.octets:
            told = int.from_bytes(found, self.order)
        elif self.base == 10 and found.isdigit():
            told = int(found)
        elif self.base == 16 and not found.strip(DIGITS[16]):
            told = int(found, 16)
        else:
            kind = "digits" if self.base == 10 else "hexadecimal digits"
            raise Malformed(f"{self.digits} {kind}", found)
        size = told + self._added
        return size if size >= 0 else self.size_after(self.header, told, found)

    def size_after(self, header: int, told: int, found: bytes) -> int:
        """See `Counting`."""
        size = told + self.adjust - (header if self.inclusive else 0)
        if size >= 0:
            return size
        if self.inclusive and not self.binary:
            return 0
        raise Malformed(f"a count of at least {told - size}", found)

    def frame(self, message: bytes) -> bytes:
        if not self.strip:
            return message
        told = len(message) - self._added
        if 0 <= told <= self._most:
            if self.octets:
                return told.to_bytes(self.octets, self.order) + message
            return (b"%0*d%b" if self.base == 10 else b"%0*x%b") % (self.digits, told, message)
        if self._number:
            return self._shortest_header(len(message), self._number) + message
        raise CannotFrame(len(message), max(0, self._added), self._most + self._added)

    def _number_of_any_size(self) -> Number:
        from sockreply.framing.numbers import Ber, DigitsUpTo, Leb128  # now, because few want them

        if self.until:
            return DigitsUpTo(self.until, self.base, self.offset)
        return Ber(self.offset) if self.form == "ber" else Leb128(self.offset)

    def _shortest_header(self, size: int, number: Number) -> bytes:
        """The header of so many bytes, which is one number."""
        told = size - self.adjust
        header = number.least if self.inclusive else 0
        if told + header < 0:
            least = max(0, self.adjust - header)
            raise CannotFrame(size, least, number.greatest + self.adjust - header)
        written = number.write(told + header)
        while self.inclusive and len(written) > header:  # it counts itself
            header += 1
            written = number.write(told + header)
        return written

    def _mistakes(self) -> Iterator[str]:
        """Which keys do not go together, and why."""
        if self.strip and self.offset:
            yield "offset needs strip=no, because nothing says what a reply would have there"
        if self.order == "little" and not self.octets:
            yield "order=little needs bytes=...: only binary numbers of a fixed size have an order"
        if self.base == 16 and self.binary:
            yield "base=16 needs digits=N or until=...: only digits have a base"
        if self.until and not self.until[:1].strip(DIGITS[self.base]):
            yield "until begins with a digit, which would be read as one of the number"
        if self.form == "ber" and self.inclusive:
            yield "a length in BER never counts itself, so inclusive=yes means nothing"
        if self.padding is not None:
            yield from self._mistakes_of_padding(self.padding)

    def _mistakes_of_padding(self, padding: int) -> Iterator[str]:
        shortest = self.header + max(0, self._added)
        if not self.octets:
            yield "padding needs bytes=..., because only binary headers count padding"
        elif self.strip:
            yield "padding needs strip=no, because nothing says how much of it a reply would have"
        elif self.offset <= padding < self.header:
            yield f"padding={padding} is a byte of the number, which ends at byte {self.header - 1}"
        elif padding >= shortest:
            yield (
                f"padding={padding} is not in every message, because the shortest one has "
                f"{shortest} bytes; adjust=N makes it longer"
            )
