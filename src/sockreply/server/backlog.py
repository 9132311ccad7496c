"""Whether a peer takes what waits for it."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from sockreply.server.transport import SendsAtOnce

LOOKS = 8
"""How often in its time we look whether a peer takes what waits for it, so long as some does."""


class Backlog:
    """What waits for one peer, from when this is made.

    Args:
        wire: The connection; None: nothing tells what the peer takes of it.
        clock: Tells the time.
    """

    __slots__ = ("_clock", "_taken", "_taken_at", "_times", "_wire")

    def __init__(self, wire: SendsAtOnce | None, clock: IReactorTime) -> None:
        self._wire = wire
        self._clock = clock
        self._taken = self._taken_by_now()
        self._taken_at = clock.seconds()
        self._times = 0  # that the peer was seen to have taken some

    def left(self, seconds: float, if_slow: float) -> float:
        """Look what the peer has taken since the last look.

        Args:
            seconds: How long it may take nothing.
            if_slow: How long one may that takes some again and again: it is slow, not gone, and
                may do so in lumps.

        Returns:
            The seconds that it still has; 0 or less: its time is over.
        """
        now, taken = self._clock.seconds(), self._taken_by_now()
        if taken > self._taken:
            self._taken, self._taken_at = taken, now
            self._times += 1
        slow = self._times > 1 and self._wire is not None and taken < self._wire.written
        return self._taken_at + (if_slow if slow else seconds) - now

    def _taken_by_now(self) -> int:
        return 0 if self._wire is None else self._wire.taken
