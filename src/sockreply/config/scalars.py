"""What a number or a name in a configuration can be."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sockreply.config.wording import shown_number
from sockreply.errors import ConfigError
from sockreply.notation import SIZE_LIMIT, quoted


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
