"""The deadlines of one connection, on one timer, which those of many share.

Moving a deadline later, as every message does with `idle`, only stores a number: the timer wakes at
the earliest time that it was ever set for, looks, and sleeps again until the next deadline.
"""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from sockreply.conversation.guard import Breakable, guarded

Kind: TypeAlias = Literal["close", "write", "message", "reply", "idle", "silence"]

NEVER = float("inf")
"""A deadline that does not run."""

SHARED = 2.0
"""A deadline at least this many seconds away shares its timer: it wakes up to a second too early,
looks, and waits for the rest on a timer of its own."""

_KINDS: tuple[Kind, ...] = ("close", "write", "message", "reply", "idle", "silence")


class Alarms:
    """Wakes everything that waits for the same second, on one timer: a service has one of these.

    Args:
        clock: Tells the time, and calls.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self.clock = clock
        self.now = clock.seconds
        """Tells the time, in seconds."""
        self._waiting: dict[int, tuple[int, IDelayedCall, set[Deadlines]]] = {}

    def wait(self, second: int, who: Deadlines) -> int:
        """Call `who.look` at that time of the clock.

        Returns:
            The same number, as one object for all who wait for it.
        """
        waiting = self._waiting.get(second)
        if waiting is None:
            call = self.clock.callLater(second - self.clock.seconds(), self._ring, second)
            waiting = self._waiting[second] = second, call, set()
        waiting[2].add(who)
        return waiting[0]

    def leave(self, second: int, who: Deadlines) -> None:
        """Do not call it then."""
        if second in self._waiting:
            _, call, waiting = self._waiting[second]
            waiting.discard(who)
            if not waiting:
                call.cancel()
                del self._waiting[second]

    def _ring(self, second: int) -> None:
        _, _, waiting = self._waiting.pop(second)
        while waiting:  # one may let go of others
            waiting.pop().look()


class Bound(Breakable, Protocol):
    """Who has deadlines."""

    def expired(self, kind: Kind) -> None:
        """One of them has passed; it no longer runs."""


class Deadlines:
    """Deadlines by kind, none of them running at first.

    Args:
        alarms: Tells the time, and wakes.
        owner: Is told when one has passed.
    """

    __slots__ = ("_alarms", "_call", "_now", "_owner", "_second", "_wakes", *_KINDS)

    message: float
    idle: float

    def __init__(self, alarms: Alarms, owner: Bound) -> None:
        self._alarms = alarms
        self._now = alarms.now
        self._owner = owner
        self._call: IDelayedCall | None = None
        self._second: int | None = None  # for which it waits with others
        self._wakes = NEVER
        self.close = self.write = self.message = self.reply = self.idle = self.silence = NEVER

    def begin(self, kind: Kind, seconds: float) -> None:
        """Set a deadline, or move it.

        Args:
            kind: Which one.
            seconds: From now; 0: there is none.
        """
        if not seconds:
            self.end(kind)
            return
        now = self._now  # apart: Python looks for what it calls in the class first
        deadline = now() + seconds
        setattr(self, kind, deadline)
        if deadline < self._wakes:
            self._wake_in(seconds, deadline)

    def begin_idle(self, seconds: float) -> None:
        """The same for `idle`, which is set for every read."""
        if not seconds:
            self.idle = NEVER
            return
        now = self._now
        self.idle = deadline = now() + seconds
        if deadline < self._wakes:
            self._wake_in(seconds, deadline)

    def end(self, kind: Kind) -> None:
        """Remove a deadline."""
        setattr(self, kind, NEVER)

    def runs(self, kind: Kind) -> bool:
        """Is there such a deadline?"""
        return bool(getattr(self, kind) < NEVER)

    def stop(self) -> None:
        """Remove all deadlines, and the timer."""
        self.close = self.write = self.message = self.reply = self.idle = self.silence = NEVER
        if self._wakes < NEVER:
            self._sleep()

    def _sleep(self) -> None:
        self._wakes = NEVER
        if self._second is not None:
            self._alarms.leave(self._second, self)
            self._second = None
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _wake_in(self, seconds: float, deadline: float) -> None:
        if self._call is not None and seconds < SHARED:
            self._call.reset(seconds)
            self._wakes = deadline
            return
        self._sleep()
        if seconds < SHARED:
            self._wakes = deadline
            self._call = self._alarms.clock.callLater(seconds, self.look)
        else:
            self._wakes = self._second = self._alarms.wait(int(deadline), self)

    def broke(self, failure: Failure) -> None:
        """Report an unexpected exception to the owner."""
        self._owner.broke(failure)

    @guarded
    def look(self) -> None:
        """Report the deadlines that have passed, and wait for the others: the timer has fired."""
        self._call = self._second = None
        self._wakes = NEVER
        now = self._now()
        for kind in _KINDS:
            if getattr(self, kind) <= now:
                self.end(kind)
                try:
                    self._owner.expired(kind)
                except Exception:  # of an owner that goes on, the others still have to be met
                    self.broke(Failure())
        deadline = min(getattr(self, kind) for kind in _KINDS)
        if deadline < self._wakes:
            self._wake_in(max(0.0, deadline - now), deadline)
