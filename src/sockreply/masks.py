"""Bytes to compare messages with, some of which may be anything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from sockreply.errors import ConfigError
from sockreply.shown import show_bytes

_BYTE = re.compile(r"\s*(?:([0-9A-Fa-f]{2})|(\?\?))\s*")


@dataclass(frozen=True, slots=True)
class Mask:
    """Bytes, some of which may be anything.

    Args:
        data: The bytes.
        wild: Where in `data` any byte will do, from 0.
    """

    data: bytes
    wild: frozenset[int] = frozenset()

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Exactly these bytes."""
        return cls(data)

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Read hex digits; `??` is any byte, and white space between bytes does not count.

        Raises:
            ConfigError: It is something else.
        """
        data = bytearray()
        wild = set()
        at, end = 0, len(text.rstrip())
        while at < end:
            found = _BYTE.match(text, at)
            if found is None:
                raise ConfigError(
                    f"'{text[at : at + 2]}' at character {at} (from 0) of {text!r} is no byte:"
                    " it is written as two hex digits, or as ?? for any"
                )
            if found[1] is None:
                wild.add(len(data))
            data += bytes.fromhex(found[1] or "00")
            at = found.end()
        return cls(bytes(data), frozenset(wild))

    def __str__(self) -> str:
        if not self.wild:
            return show_bytes(self.data)
        return " ".join("??" if at in self.wild else f"{b:02x}" for at, b in enumerate(self.data))

    def __len__(self) -> int:
        return len(self.data)

    def lower(self) -> Mask:
        """The same with ASCII's capital letters made small."""
        return Mask(self.data.lower(), self.wild)

    def pattern(self) -> re.Pattern[bytes]:
        """A regular expression that matches whatever fits."""
        return re.compile(
            b"".join(
                b"." if at in self.wild else re.escape(self.data[at : at + 1])
                for at in range(len(self.data))
            ),
            re.DOTALL,
        )

    def fits(self, at: int, byte: int) -> bool:
        """May that byte stand there?"""
        return self.data[at] == byte or at in self.wild

    def differs(self, data: bytes) -> int | None:
        """Where bytes first differ from it, from 0; None: nowhere, as far as both go."""
        for at, byte in enumerate(data[: len(self.data)]):
            if not self.fits(at, byte):
                return at
        return None

    def covers(self, other: Mask) -> bool:
        """Does everything that begins with the other also begin with this?"""
        return len(self) <= len(other) and all(
            at in self.wild or (at not in other.wild and self.data[at] == other.data[at])
            for at in range(len(self))
        )
