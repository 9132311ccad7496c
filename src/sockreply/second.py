"""The second for which the log counts before it says how much more there was."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Second:
    """A second that begins with the first thing that happens in it.

    Args:
        clock: Tells when it is over.
        over: Called then.
    """

    __slots__ = ("_call", "_clock", "_over")

    def __init__(self, clock: IReactorTime, over: Callable[[], object]) -> None:
        self._clock = clock
        self._over = over
        self._call: IDelayedCall | None = None

    def begin(self) -> None:
        """Begin it, unless it runs."""
        if self._call is None:
            self._call = self._clock.callLater(1, self._end)

    def cancel(self) -> bool:
        """Let it not come to its end. Did it run?"""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()
        return call is not None

    def _end(self) -> None:
        self._call = None
        self._over()
