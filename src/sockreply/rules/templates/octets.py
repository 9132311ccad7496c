"""Bytes as a template sees them: in text like text, in positions and checksums like bytes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

from sockreply.rules.templates.bounds import text_of


class Bytes(bytes):
    """Bytes that print as themselves, and that a template uses like text.

    They equal the same text, and methods take bytes or text and give such bytes. Positions,
    slices and the length count bytes. `bytes_in` makes the classes that are used, one an encoding.
    """

    encoding: ClassVar[str] = "utf-8"
    """What their text is in."""

    as_hex: ClassVar[bool] = False
    """Do they print as hex digits?"""

    mark: ClassVar[bytes] = b""
    """What the encoding puts before any text: the byte order mark of "utf-16", for one."""

    @classmethod
    def of(cls, value: object) -> Bytes:
        """Bytes or text as these.

        Raises:
            TypeError: It is neither.
            UnicodeEncodeError: The encoding does not have one of the characters.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, bytes):
            return cls(value)
        if isinstance(value, str):
            return cls(cls.encoded(value))
        raise TypeError(f"expected bytes or text, not {type(value).__name__}")

    @classmethod
    def encoded(cls, text: str) -> bytes:
        """The bytes of text, without a mark.

        Raises:
            UnicodeEncodeError: The encoding does not have one of the characters.
        """
        return text.encode(cls.encoding, "surrogateescape").removeprefix(cls.mark)

    @classmethod
    def printed(cls, piece: object) -> str:
        """A piece of what a template prints as text; with `as_hex`, the digits of bytes."""
        return str(cls(piece)) if isinstance(piece, bytes) else text_of(piece)

    @classmethod
    def printed_bytes(cls, piece: object) -> bytes:
        """A piece of what a template prints as bytes."""
        return piece if isinstance(piece, bytes) else cls.encoded(text_of(piece))

    def text(self) -> str:
        """The text that they are; bytes that are none become surrogates, as PEP 383 has it."""
        return self.decode(self.encoding, "surrogateescape")

    def __str__(self) -> str:
        return self.hex() if self.as_hex else self.text()

    def __repr__(self) -> str:
        text = self.hex() if self.as_hex else self.decode(self.encoding, "backslashreplace")
        return repr(text)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __hash__(self) -> int:
        return hash(self.text())

    def __eq__(self, other: object) -> bool:
        try:
            return bytes.__eq__(self, self.of(other))
        except (TypeError, UnicodeError):
            return False

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __contains__(self, item: Any) -> bool:
        return item in self.text() if isinstance(item, str) else bytes.__contains__(self, item)

    def __add__(self, other: object) -> Bytes:
        return type(self)(bytes.__add__(self, self.of(other)))

    def __radd__(self, other: object) -> Bytes:
        return type(self)(bytes.__add__(self.of(other), self))

    def __getitem__(self, place: Any) -> Any:
        found = bytes.__getitem__(self, place)
        return type(self)(found) if isinstance(found, bytes) else found


def _given(value: object) -> object:
    """An argument as a method of text takes it."""
    return value.text() if isinstance(value, Bytes) else value


def _lend(name: str) -> Callable[..., Any]:
    """A method of text."""
    method: Callable[..., Any] = getattr(str, name)

    def call(self: Bytes, *args: object, **named: object) -> Any:
        taken = {key: _given(value) for key, value in named.items()}
        result = method(self.text(), *map(_given, args), **taken)
        if isinstance(result, (list, tuple)):
            return type(result)(map(self.of, result))
        return self.of(result) if isinstance(result, str) else result

    call.__name__ = name
    return call


def _lend_search(name: str) -> Callable[..., int]:
    """A method of text that finds a place; what it gives and takes is counted in bytes."""
    method: Callable[[str, object], int] = getattr(str, name)

    def call(self: Bytes, sought: object, start: int | None = None, end: int | None = None) -> int:
        begin = slice(start, end).indices(len(self))[0]
        text = self[start:end].text()
        place = method(text, _given(sought))
        return place if place < 0 else begin + len(self.of(text[:place]))

    return call


# Taken from text and not from bytes, for case, white space and what a character is are matters of
# the encoding: the second byte of a CP949 character is none that one looks for.
for _name in (
    *("capitalize", "casefold", "center", "count", "endswith", "expandtabs", "isalnum", "isalpha"),
    *("isascii", "isdecimal", "isdigit", "islower", "isspace", "istitle", "isupper"),
    *("ljust", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace"),
    *("rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip"),
    *("swapcase", "title", "upper", "zfill"),
):
    setattr(Bytes, _name, _lend(_name))
for _name in ("find", "index", "rfind", "rindex"):
    setattr(Bytes, _name, _lend_search(_name))


@cache
def bytes_in(encoding: str, as_hex: bool) -> type[Bytes]:
    """The kind of bytes that a template prints.

    Args:
        encoding: Of their text.
        as_hex: Do they print as hex digits, and not as text?

    Raises:
        LookupError: There is no such encoding of text.
    """
    members = {"encoding": encoding, "as_hex": as_hex, "mark": "".encode(encoding)}
    return type("Bytes", (Bytes,), {"__module__": __name__} | members)
