"""What a number, a name or a variable in a configuration can be."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from sockreply.config.wording import excerpt, found, shown_number
from sockreply.errors import ConfigError
from sockreply.notation import SIZE_LIMIT, quoted
from sockreply.rules.replies.environment import OWN


@dataclass(frozen=True)
class Whole:
    """A whole number.

    Args:
        least: The smallest that can be.
        most: The largest.
    """

    least: int
    most: int = SIZE_LIMIT

    @property
    def expected(self) -> str:
        return f"a whole number from {self.least} to {self.most}"

    def fits(self, value: object) -> bool:
        """Is it of the right type?"""
        return isinstance(value, int) and not isinstance(value, bool)

    def read(self, value: int) -> int:
        """The number, if it is in the range.

        Raises:
            ConfigError: It is not.
        """
        if not self.least <= value <= self.most:
            raise ConfigError(f"{shown_number(value)} is not {self.expected}")
        return value


@dataclass(frozen=True)
class Number:
    """A number, whole or not.

    Args:
        expected: What it is, with its range.
        most: The largest that can be.
        above: It is more than this.
        least: It is at least this.
    """

    expected: str
    most: float
    above: float = -math.inf
    least: float = -math.inf

    def fits(self, value: object) -> bool:
        """Is it of the right type?"""
        return isinstance(value, int | float) and not isinstance(value, bool)

    def read(self, value: float) -> float:
        """The number, if it is in the range.

        Raises:
            ConfigError: It is not.
        """
        if not (self.above < value <= self.most and self.least <= value):
            raise ConfigError(f"{shown_number(value)} is not {self.expected}")
        return float(value)


@dataclass(frozen=True)
class NumberOrNone(Number):
    """The same, or 0, which stands for none."""

    def read(self, value: float) -> float:
        """The number, if it is in the range, or 0.

        Raises:
            ConfigError: It is not.
        """
        return super().read(value) if value else 0.0


@dataclass(frozen=True)
class PlainText:
    """A text that is not empty and that prints, because it is a name in logs, counts and errors."""

    expected: str = "a name"

    def fits(self, value: object) -> bool:
        """Is it of the right type?"""
        return isinstance(value, str)

    def read(self, value: str) -> str:
        """The name.

        Raises:
            ConfigError: It is not one.
        """
        if not value or not value.isprintable():
            raise ConfigError(
                f"{quoted(value)} is not a name: a name is one or more printable characters"
            )
        return value


@dataclass(frozen=True)
class Variables:
    """Variables of an environment: text, or true for the daemon's own value."""

    expected: str = 'a table of variables, as in { NAME = "value" }'

    def fits(self, value: object) -> bool:
        """Is it of the right type?"""
        return isinstance(value, dict)

    def read(self, value: dict[str, object]) -> dict[str, str | None]:
        """The variables; None is the daemon's own value.

        Raises:
            ConfigError: One cannot be.
        """
        return {name: self._read(name, each) for name, each in value.items()}

    def _read(self, name: str, value: object) -> str | None:
        if not name or "=" in name or not _in_environment(name):
            raise ConfigError(f"{excerpt(name)} is not the name of a variable")
        if name.startswith(OWN):
            raise ConfigError(f"{name}: names that begin with {OWN} are reserved")
        if value is True:
            return None
        if not isinstance(value, str):
            raise ConfigError(f"{name}: expected text or true, found {found(value)}")
        if not _in_environment(value):
            raise ConfigError(f"{name}: {excerpt(value)} cannot be the value of a variable")
        return value


def _in_environment(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False
