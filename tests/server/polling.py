"""Stand-ins for an epoll and its connections: what the kernel would report is a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogEvent, capturedLogs
from twisted.python.failure import Failure

from sockreply.server.hub import Hub


class Script:
    """What an epoll would be: it reports the events that a test gives it, and is as strict."""

    def __init__(self) -> None:
        self.watched: dict[int, int] = {}
        self.reports: list[list[tuple[int, int]]] = []
        self.polls = 0

    def fileno(self) -> int:
        return 999

    def register(self, number: int, events: int) -> None:
        assert number >= 0
        assert number not in self.watched
        self.watched[number] = events

    def modify(self, number: int, events: int) -> None:
        assert self.watched[number] != events
        self.watched[number] = events

    def unregister(self, number: int) -> None:
        del self.watched[number]

    def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
        assert timeout == 0
        self.polls += 1
        report = self.reports.pop(0) if self.reports else []
        assert len(report) <= most
        return report


class Connection:
    """A connection that notes what it is told.

    Args:
        number: Its descriptor.
        on_read: What reading does.
        on_write: What writing does.
    """

    def __init__(
        self,
        number: int,
        on_read: Callable[[], object] = lambda: None,
        on_write: Callable[[], object] = lambda: None,
    ) -> None:
        self.number = number
        self.told: list[object] = []
        self._on_read = on_read
        self._on_write = on_write

    def fileno(self) -> int:
        return self.number

    def logPrefix(self) -> str:  # noqa: N802 - Twisted's
        return f"number {self.number}"

    def doRead(self) -> Any:
        self.told.append("read")
        return self._on_read()

    def doWrite(self) -> Any:
        self.told.append("write")
        return self._on_write()

    def readConnectionLost(self, reason: Failure) -> None:
        self.told += ["read lost", reason.type]

    def connectionLost(self, reason: Failure) -> None:
        self.told.append(reason.type)


class Site:
    """A hub in a reactor with a clock, over a scripted epoll."""

    def __init__(self) -> None:
        self.reactor = MemoryReactorClock()
        self.epoll = Script()
        self.hub = Hub(self.reactor, lambda: self.epoll)

    def add(self, *connections: Connection, writes: bool = False, reads: bool = True) -> None:
        """Let connections wait."""
        for each in connections:
            if reads:
                self.hub.addReader(each)
            if writes:
                self.hub.addWriter(each)

    def turn(self, *reports: list[tuple[int, int]]) -> list[LogEvent]:
        """One call by the reactor, in which polls report this; what was logged as an error."""
        self.epoll.reports = list(reports)
        with capturedLogs() as events:
            self.hub.doRead()
        return [event for event in events if event["isError"]]
