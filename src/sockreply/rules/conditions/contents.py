"""Conditions on the bytes of a message."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from sockreply.masks import Mask
from sockreply.rules.asked import Asked
from sockreply.rules.conditions.unseen import (
    IN_CASE,
    IN_WHITE_SPACE,
    stripped,
    unseen_difference,
    unseen_end,
)
from sockreply.shown import show_bytes

ALMOST = 0.999
"""How close a message is that only differs in what nobody sees: closer than one with another byte,
and less close than the very message in the wrong state."""


class Miss(NamedTuple):
    """Why a condition does not hold.

    Args:
        reason: In a line.
        closeness: How little is missing, from 0 (nothing fits) to 1 (almost all does).
    """

    reason: str
    closeness: float


class _Compares:
    """A message is compared with bytes.

    Args:
        data: The bytes; a mask may leave some of them open.
        ignore_case: Are ASCII's letters the same in both cases?
    """

    name: ClassVar[str]

    def __init__(self, data: Mask | bytes, ignore_case: bool = False) -> None:
        data = Mask.of(data) if isinstance(data, bytes) else data
        self.data = data.lower() if ignore_case else data
        self.ignore_case = ignore_case
        self._written = data
        self._pattern = self.data.pattern() if data.wild else None

    def __str__(self) -> str:
        return f"{self.name} {self._written}" + " (in any case)" * self.ignore_case

    def why_not(self, asked: Asked) -> Miss:
        """See `Condition`."""
        miss = self._miss(asked)
        if self._pattern is not None:
            return miss
        unseen = unseen_difference(self._seen(asked), self.data.data, self._fits)
        return miss if unseen is None else Miss(f"{miss.reason}; {unseen}", ALMOST)

    @staticmethod
    @abstractmethod
    def _fits(message: bytes, data: bytes) -> bool:
        """Does it hold for that message, if these are the bytes?"""

    @abstractmethod
    def _miss(self, asked: Asked) -> Miss:
        """What is missing, byte by byte."""

    def _seen(self, asked: Asked) -> bytes:
        """The message as it is compared."""
        return asked.message.lower() if self.ignore_case else asked.message

    def _first_difference(self, asked: Asked, start: int, places: Iterable[int]) -> Miss | None:
        """Where the message differs from the bytes, laid beside it from `start` on.

        Args:
            asked: Has the message.
            start: Where in the message the bytes begin; it may be before its beginning.
            places: In the bytes, in the order in which they are looked at.
        """
        message = self._seen(asked)
        for fitting, at in enumerate(places):
            if not self.data.fits(at, message[start + at]):
                return Miss(
                    f"{self.name}: byte {start + at} (from 0) is"
                    f" {_show_byte(asked.message[start + at])},"
                    f" not {_show_byte(self._written.data[at])}",
                    fitting / max(len(self.data), len(message) if self.name == "equals" else 0),
                )
        return None

    def _short(self, message: bytes) -> Miss:
        """So far it fits, but there is not enough of it."""
        missing = _count(len(self.data) - len(message))
        return Miss(f"{self.name}: {missing} too short", len(message) / len(self.data))


class Equals(_Compares):
    """The message is these bytes."""

    name = "equals"

    def holds(self, asked: Asked) -> bool:
        message = self._seen(asked)
        if self._pattern is None:
            return message == self.data.data
        return self._pattern.fullmatch(message) is not None

    @staticmethod
    def _fits(message: bytes, data: bytes) -> bool:
        return message == data

    def _miss(self, asked: Asked) -> Miss:
        message = self._seen(asked)
        common = range(min(len(message), len(self.data)))
        differs = self._first_difference(asked, 0, common)
        if differs is not None:
            return self._closer(differs, message)
        if len(message) < len(self.data):
            return self._short(message)
        longer = _count(len(message) - len(self.data))
        return Miss(f"{self.name}: {longer} too long", len(self.data) / len(message))

    def _closer(self, differs: Miss, message: bytes) -> Miss:
        """The same miss, but the bytes at the end count, too, that fit when laid beside the end."""
        size, length = len(self.data), len(message)
        longer = max(size, length)
        room = min(size, length) - round(differs.closeness * longer)  # not counted before
        alike = 0
        while alike < room and self.data.fits(size - 1 - alike, message[length - 1 - alike]):
            alike += 1
        return Miss(differs.reason, differs.closeness + alike / longer)


class StartsWith(_Compares):
    """The message begins with these bytes."""

    name = "starts_with"

    def holds(self, asked: Asked) -> bool:
        message = self._seen(asked)
        if self._pattern is None:
            return message.startswith(self.data.data)
        return self._pattern.match(message) is not None

    @staticmethod
    def _fits(message: bytes, data: bytes) -> bool:
        return message.startswith(data)

    def _miss(self, asked: Asked) -> Miss:
        message = self._seen(asked)
        common = range(min(len(message), len(self.data)))
        return self._first_difference(asked, 0, common) or self._short(message)


class EndsWith(_Compares):
    """The message ends with these bytes."""

    name = "ends_with"

    def holds(self, asked: Asked) -> bool:
        message = self._seen(asked)
        if self._pattern is None:
            return message.endswith(self.data.data)
        start = len(message) - len(self.data)
        return start >= 0 and self._pattern.match(message, start) is not None

    @staticmethod
    def _fits(message: bytes, data: bytes) -> bool:
        return message.endswith(data)

    def _miss(self, asked: Asked) -> Miss:
        message = self._seen(asked)
        start = len(message) - len(self.data)
        common = reversed(range(max(0, -start), len(self.data)))
        return self._first_difference(asked, start, common) or self._short(message)


class Contains(_Compares):
    """These bytes stand somewhere in the message."""

    name = "contains"

    def holds(self, asked: Asked) -> bool:
        message = self._seen(asked)
        if self._pattern is None:
            return self.data.data in message
        return self._pattern.search(message) is not None

    @staticmethod
    def _fits(message: bytes, data: bytes) -> bool:
        return data in message

    def _miss(self, asked: Asked) -> Miss:
        nowhere = f"{self.name}: {self._written} is not in it"
        if self._pattern is not None:
            return Miss(nowhere, 0.0)
        message, data = self._seen(asked), self.data.data
        found, too_much = 0, len(data)  # how much of its beginning is there
        while too_much - found > 1:
            tried = (found + too_much) // 2
            if data[:tried] in message:
                found = tried
            else:
                too_much = tried
        if not found:
            return Miss(nowhere, 0.0)
        begins = f"{show_bytes(self._written.data[:found])} at byte {message.index(data[:found])}"
        return Miss(f"{nowhere}, only {begins} (from 0)", found / len(data))


class Regex:
    """A regular expression finds something in the message.

    Args:
        pattern: The expression.
    """

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._pattern = pattern
        self._search = pattern.search
        self._any_case: re.Pattern[bytes] | None = None  # made when it is first needed

    def __str__(self) -> str:
        shown = show_bytes(self._pattern.pattern).replace(r"\\", "\\")  # as it was written
        return f"regex {shown}"

    def holds(self, asked: Asked) -> bool:
        found = self._search(asked.message)
        if found is None:
            return False
        asked.match = found
        return True

    def why_not(self, asked: Asked) -> Miss:
        nowhere = f"{self} finds no match"
        if (unseen := self._unseen_difference(asked.message)) is None:
            return Miss(nowhere, 0.0)  # how far it got nobody knows
        return Miss(f"{nowhere}; {unseen}", ALMOST)

    def _unseen_difference(self, message: bytes) -> str | None:
        """See `unseen.unseen_difference`."""

        def finds(other: bytes) -> bool:
            return self._search(other) is not None

        if (ends := unseen_end(message, finds)) is not None:
            return ends
        if finds(stripped(message)):
            return IN_WHITE_SPACE
        if self._any_case is None:
            self._any_case = re.compile(self._pattern.pattern, self._pattern.flags | re.IGNORECASE)
        return IN_CASE if self._any_case.search(message) else None


def _show_byte(byte: int) -> str:
    """Its number, and for ASCII what it stands for."""
    return f"0x{byte:02x} {show_bytes(bytes([byte]))}" if byte < 0x80 else f"0x{byte:02x}"


def _count(size: int) -> str:
    return f"{size} byte" + "s" * (size != 1)
