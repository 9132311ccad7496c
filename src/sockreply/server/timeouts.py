"""The deadlines of one connection, on one timer.

Moving a deadline later, as every message does with `idle`, only stores a number: the timer wakes at
the earliest time that it was ever set for, looks, and sleeps again until the next deadline.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from twisted.internet.interfaces import IDelayedCall, IReactorTime

Kind: TypeAlias = Literal["close", "write", "message", "reply", "idle", "silence"]

NEVER = float("inf")
"""A deadline that does not run."""

_KINDS: tuple[Kind, ...] = ("close", "write", "message", "reply", "idle", "silence")


class Timeouts:
    """Deadlines by kind, none of them running at first.

    Args:
        clock: Tells and calls at the time.
        expired: Called with the kind of each deadline that has passed; it no longer runs then.
    """

    __slots__ = ("_call", "_clock", "_expired", "_wakes", *_KINDS)

    message: float

    def __init__(self, clock: IReactorTime, expired: Callable[[Kind], None]) -> None:
        self._clock = clock
        self._expired = expired
        self._call: IDelayedCall | None = None
        self._wakes = NEVER
        self.stop()

    def begin(self, kind: Kind, seconds: float) -> None:
        """Set a deadline, or set it anew.

        Args:
            kind: Which one.
            seconds: From now; 0: there is none.
        """
        if not seconds:
            self.end(kind)
            return
        deadline = self._clock.seconds() + seconds
        setattr(self, kind, deadline)
        if deadline < self._wakes:
            self._wake_in(seconds, deadline)

    def end(self, kind: Kind) -> None:
        """Take a deadline away."""
        setattr(self, kind, NEVER)

    def runs(self, kind: Kind) -> bool:
        """Is there such a deadline?"""
        return bool(getattr(self, kind) < NEVER)

    def stop(self) -> None:
        """Take all deadlines away, and the timer."""
        for kind in _KINDS:
            setattr(self, kind, NEVER)
        if self._call is not None:
            self._call.cancel()
            self._call = None
            self._wakes = NEVER

    def _wake_in(self, seconds: float, deadline: float) -> None:
        self._wakes = deadline
        if self._call is None:
            self._call = self._clock.callLater(seconds, self._look)
        else:
            self._call.reset(seconds)

    def _look(self) -> None:
        self._call = None
        self._wakes = NEVER
        now = self._clock.seconds()
        for kind in _KINDS:
            if getattr(self, kind) <= now:
                self.end(kind)
                self._expired(kind)
        deadline = min(getattr(self, kind) for kind in _KINDS)
        if deadline < self._wakes:
            self._wake_in(max(0.0, deadline - now), deadline)
