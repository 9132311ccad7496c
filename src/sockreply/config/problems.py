"""Collects what is wrong with a configuration, each with its place, to show all of it at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TypeVar

from sockreply.config.wording import Key, place
from sockreply.errors import ConfigError
from sockreply.shown import show_text

_T = TypeVar("_T")

_LINE = 500  # characters of a reason, which may quote what a library or a file says


class Problems:
    """The list of what is wrong, which grows while the configuration is read."""

    def __init__(self) -> None:
        self._found: list[tuple[tuple[Key, ...], str]] = []
        self._here: list[Key] = []
        self._places: set[tuple[Key, ...]] = set()  # all that lead to one

    def at(self, *keys: Key) -> Place:
        """Within it, a `ConfigError` is collected with the place that these keys lead to.

        Places stand within each other. What follows the `with` goes on after an error, too.
        """
        return Place(self, keys)

    def each(self, written: _T | list[_T]) -> Iterator[tuple[Place, _T]]:
        """The entries of a list, each with its place; what is not a list is the only entry."""
        if isinstance(written, list):
            yield from self.entries(written)
        else:
            yield self.at(), written

    def entries(self, written: list[_T]) -> Iterator[tuple[Place, _T]]:
        """The entries of a list, each with its place."""
        for number, entry in enumerate(written, 1):
            yield self.at(number), entry

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


class Place:
    """A place for a `with`: see `Problems.at`."""

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
