"""What a template may use up until it is filled in: time, and memory for what it makes on the way.

Each single step is bounded by the size of its result (`bounds`, `growth`); this bounds how many
steps there are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from time import perf_counter, thread_time
from typing import Any, TypeVar

from sockreply.rules.templates.bounds import LONGEST

SECONDS = 0.1
"""Of processor time: nobody else is answered meanwhile. A template takes less than a thousandth."""

MOST_MADE = 32 * LONGEST
"""Characters and items that a template may make on the way to its result."""

_ROUNDS = 64  # of a loop between two looks at the time

_Value = TypeVar("_Value")


class Allowance:
    """Of one filling in of a template. It begins when it is made."""

    __slots__ = ("_began", "_made", "_until")

    def __init__(self) -> None:
        self._made = 0
        self._began = thread_time()
        self._until = (
            perf_counter() + SECONDS
        )  # no more of the processor's time passes than of this

    def spend(self, made: _Value) -> _Value:
        """Something was made.

        Raises:
            ValueError: That was too much.
        """
        if isinstance(made, (str, bytes, list, tuple, dict)):
            self._made += len(made)
            if self._made > MOST_MADE:
                raise ValueError(f"it makes more than {MOST_MADE} bytes on the way to its result")
        if perf_counter() > self._until:
            used = thread_time() - self._began
            if used > SECONDS:
                raise ValueError(f"it takes more than {SECONDS:g} s")
            self._until = perf_counter() + SECONDS - used
        return made

    def each(self, items: Iterable[_Value]) -> Iterator[_Value]:
        """The items, one by one, for which time is spent."""
        for number, item in enumerate(items):
            if number % _ROUNDS == 0:
                self.spend(None)
            yield item


class Spending(threading.local):
    """Knows the allowance of what is filled in, in this thread.

    Templates are compiled while others are filled in, and what is constant is computed then: with
    no allowance, because the operator waits for it and nobody else does.
    """

    allowance: Allowance | None = None

    def spend(self, made: _Value) -> _Value:
        """Something was made; see `Allowance`."""
        return made if self.allowance is None else self.allowance.spend(made)

    def each(self, items: Iterable[_Value]) -> Iterable[_Value]:
        """The items; see `Allowance`."""
        return items if self.allowance is None else self.allowance.each(items)

    def spent_by(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function; what it makes is spent."""

        @wraps(function)  # Jinja2 keeps there what the function is to be called with
        def call(*args: Any, **named: Any) -> Any:
            return self.spend(function(*args, **named))

        return call
