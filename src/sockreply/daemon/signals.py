"""The signals of the process: SIGTERM and SIGINT stop the daemon, SIGHUP reloads it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any


class Signals:
    """Calls the daemon from the loop when a signal has come.

    Args:
        reactor: Calls.
        stop: Is given the name of the signal that asks to stop.
        reload: Called for SIGHUP, where there is one.
    """

    def __init__(
        self, reactor: Any, stop: Callable[[str], object], reload: Callable[[], object]
    ) -> None:
        self._reactor = reactor
        self._stop = stop
        self._reload = reload

    def take(self) -> None:
        """Put our handlers in place of those that are there."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._to_stop)
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, self._to_reload)

    def _to_stop(self, number: int, _: FrameType | None) -> None:
        self._reactor.callFromThread(self._stop, signal.Signals(number).name)

    def _to_reload(self, _: int, __: FrameType | None) -> None:
        self._reactor.callFromThread(self._reload)
