"""An unexpected exception ends one connection, and leaves nothing of it behind."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from twisted.python.failure import Failure


class Breakable(Protocol):
    """A connection, or a part of one."""

    def broke(self, failure: Failure) -> None:
        """An unexpected exception: end the connection."""


_P = ParamSpec("_P")
_B = TypeVar("_B", bound=Breakable)


def guarded(step: Callable[Concatenate[_B, _P], None]) -> Callable[Concatenate[_B, _P], None]:
    """Wrap a method that the loop, say, calls: if it raises, only its connection ends."""

    @wraps(step)
    def take(self: _B, /, *args: _P.args, **named: _P.kwargs) -> None:
        try:
            step(self, *args, **named)
        except KeyboardInterrupt:
            raise
        except BaseException:  # others' code is among what hears of exchanges
            self.broke(Failure())

    return take
