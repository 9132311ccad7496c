"""Collects what is wrong with a file, each with its place, so that all is told at once."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from types import TracebackType
from typing import TypeAlias

from sockreply.config.scalars import shown_number
from sockreply.errors import ConfigError
from sockreply.notation import quoted
from sockreply.shown import show_text

Key: TypeAlias = str | int
"""A key of a table, or the number of an entry in a list, from 1."""

_SHOWN = 60  # characters of a text: enough to find it by
_LINE = 500  # characters of a reason, which may quote what a library or a file says

_PLAIN = re.compile(r"[\w-]+")


class Problems:
    """The list of what is wrong, which grows while the file is read."""

    def __init__(self) -> None:
        self._found: list[tuple[tuple[Key, ...], str]] = []
        self._here: list[Key] = []
        self._places: set[tuple[Key, ...]] = set()  # all that lead to one

    def at(self, *keys: Key) -> _Place:
        """Within it, a `ConfigError` is collected with the place that these keys lead to.

        Places stand within each other. What follows the `with` goes on after an error, too.
        """
        return _Place(self, keys)

    def add(self, reason: str, *keys: Key) -> None:
        """Collect one more, at a place below the present one."""
        line = show_text(" ".join(reason.split()))
        line = line if len(line) <= _LINE else f"{line[:_LINE]}..."
        full = (*self._here, *keys)
        self._found.append((full, line))
        self._places |= {full[:size] for size in range(len(full) + 1)}

    def here(self, *keys: Key) -> bool:
        """Is anything wrong at the present place or below it, or where these keys lead from it?"""
        return (*self._here, *keys) in self._places

    def keys(self) -> tuple[Key, ...]:
        """The present place."""
        return tuple(self._here)

    def lines(self) -> tuple[str, ...]:
        """`services.scale.rules.unit.when.regex: reason`, one for each, each once."""
        return tuple(
            dict.fromkeys(
                f"{place(keys)}: {reason}" if keys else reason for keys, reason in self._found
            )
        )

    def enter(self, keys: Sequence[Key]) -> None:
        """Go to a place below the present one."""
        self._here += keys

    def leave(self, keys: Sequence[Key]) -> None:
        """Go back."""
        del self._here[len(self._here) - len(keys) :]


class _Place:
    def __init__(self, problems: Problems, keys: Sequence[Key]) -> None:
        self._problems = problems
        self._keys = keys

    def __enter__(self) -> None:
        self._problems.enter(self._keys)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if isinstance(error, ConfigError):
            self._problems.add(str(error))
        self._problems.leave(self._keys)
        return isinstance(error, ConfigError)


def place(keys: Sequence[Key]) -> str:
    """The way to something in the file; keys that are not plain words are quoted."""
    said = ""
    for key in keys:
        if isinstance(key, int):
            said += f"[{key}]"
        else:
            plain = len(key) <= _SHOWN and _PLAIN.fullmatch(key)
            said += ("." if said else "") + (key if plain else shown_text(key))
    return said


def shown_text(text: str) -> str:
    """A text of the file, quoted, the first part of it."""
    return quoted(text) if len(text) <= _SHOWN else f"{quoted(text[:_SHOWN])}..."


def found(value: object) -> str:
    """What stands somewhere, in the words of TOML."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return f"number {shown_number(value)}"
        case str():
            return f"text {shown_text(value)}"
        case dict():
            return "a table"
        case list():
            return "a list"
        case datetime.date() | datetime.time():
            return f"a {'date' if isinstance(value, datetime.date) else 'time'}"
    return type(value).__name__
