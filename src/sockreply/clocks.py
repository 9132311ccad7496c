"""Two clocks: a monotonic one for everything that waits, and the time of day for what is shown.

Twisted's reactors take the time of day for both. When that is set by an hour, a delay of a second
takes an hour, or none.
"""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.base import ReactorBase
from twisted.internet.interfaces import IReactorTime


def keep_steady(reactor: Any) -> None:
    """Let a reactor use a monotonic clock.

    Only for the reactor of a process that is all ours, and before anything is scheduled: the times
    of the two clocks cannot be compared. A reactor that does something already is left as it is.
    """
    if isinstance(reactor, ReactorBase) and not (reactor.running or reactor.getDelayedCalls()):
        reactor.seconds = time.monotonic


def time_of_day(clock: IReactorTime, seconds: float | None = None) -> float:
    """The time of day, in seconds since 1970.

    Args:
        clock: The reactor, whether or not it was made steady.
        seconds: When, by that clock; None: now.
    """
    if clock.seconds is time.monotonic:
        return time.time() if seconds is None else seconds + time.time() - time.monotonic()
    return clock.seconds() if seconds is None else seconds
