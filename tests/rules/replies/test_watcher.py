"""Who ends groups that outlive us, with processes that only seem to run."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from sockreply.rules.replies.process_group import Groups
from sockreply.rules.replies.watcher import AGAIN, TOLD_EVERY, WATCHER, Watcher

GONE = BrokenPipeError(errno.EPIPE, "Broken pipe")
FULL = BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
NO_SHELL = FileNotFoundError(errno.ENOENT, "No such file or directory")
NO_ROOM = OSError(errno.EMFILE, "Too many open files")


class StandInWatcher:
    """What is told of groups, in the place of a process.

    Args:
        protocol: Is told of its end.
        groups: Those that it was started with.
    """

    def __init__(self, protocol: ProcessProtocol, groups: Sequence[str]) -> None:
        self.groups = set(map(int, groups))
        self.error: OSError | None = None  # what telling it fails with
        self.killed = False
        self.protocol = protocol
        protocol.makeConnection(self)

    def tell(self, line: bytes) -> None:
        if self.error is not None:
            raise self.error
        change, group = line.split()
        assert line == b"%b %b\n" % (change, group)
        (self.groups.add if change == b"+" else self.groups.remove)(int(group))

    def end(self) -> None:
        self.killed = True
        self.protocol.childConnectionLost(0)


class System:
    """Starts groups and those who watch them, on a clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.error: OSError | None = None  # what it fails with to start a watcher
        self.tried = 0  # how often one was to be started
        self.watchers: list[StandInWatcher] = []
        self.watcher = Watcher(self.spawn)

    def spawn(
        self,
        reactor: Any,
        protocol: ProcessProtocol,
        argv: Sequence[str],
        environment: Mapping[str, str],
        groups: Groups | None = None,
    ) -> None:
        assert reactor is self.clock
        if groups is not None:
            groups.add(int(argv[0]))
            return
        self.tried += 1
        if self.error is not None:
            raise self.error
        assert (tuple(argv[: len(WATCHER)]), environment) == (WATCHER, {})
        self.watchers.append(StandInWatcher(protocol, argv[len(WATCHER) :]))

    def start(self, *groups: int) -> None:
        """Start groups of these numbers."""
        for group in groups:
            self.watcher.start(self.clock, ProcessProtocol(), (str(group),), {})

    def pass_by(self, seconds: float) -> None:
        """Let time pass, and another moment."""
        self.clock.advance(seconds)
        self.clock.advance(0)

    @property
    def watched(self) -> set[int]:
        """What the last watcher watches."""
        return self.watchers[-1].groups


@pytest.fixture
def system() -> System:
    """One on which nothing runs."""
    return System()


def logged(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """The lines that were logged."""
    return [event["log_format"].format(**event) for event in events]


def test_groups_are_watched_while_they_run(system: System) -> None:
    """The first group brings the watcher, which knows at any time what runs."""
    assert not system.watchers
    system.start(7)
    assert system.watched == {7}
    system.start(8, 9)
    assert system.watched == {7, 8, 9}
    system.watcher.discard(8)
    assert system.watched == {7, 9}
    system.watcher.discard(7)
    system.watcher.discard(9)
    system.start(10)
    assert system.watched == {10}
    assert len(system.watchers) == 1


def test_group_that_is_killed_twice(system: System) -> None:
    """Its end is told once: the number may be another's by then."""
    system.start(7)
    system.watcher.discard(7)
    system.watcher.discard(7)  # the stand-in would fail
    assert system.watched == set()


@pytest.mark.parametrize("error", [GONE, FULL])
def test_watcher_that_is_told_in_vain(system: System, error: OSError) -> None:
    """One that is gone, or has stopped reading, is killed, and another knows what runs."""
    system.start(7, 8)
    system.pass_by(AGAIN)
    system.watchers[0].error = error
    system.watcher.discard(7)
    assert system.watchers[0].killed
    system.pass_by(0)
    assert system.watched == {8}
    system.start(9)
    assert system.watched == {8, 9}
    assert len(system.watchers) == 2


def test_watcher_that_is_lost(system: System) -> None:
    """One that ends is missed at once, and the log tells how it ended."""
    system.start(7)
    system.pass_by(AGAIN)
    with capturedLogs() as events:
        system.watcher.childConnectionLost(0)
        system.watcher.processEnded(Failure(ProcessTerminated(None, signal.SIGKILL)))
        system.pass_by(0)
    assert system.watched == {7}
    assert len(system.watchers) == 2
    assert logged(events) == ["commands might outlive the daemon: the watcher ended by signal 9"]


def test_watchers_that_do_not_live_long(system: System) -> None:
    """They are started now and then only, with whatever runs by then."""
    system.start(7)
    for group in range(8, 100):
        if system.watcher.transport is not None:
            system.watcher.childConnectionLost(0)
        system.start(group)
        system.pass_by(AGAIN / 20)
    assert 5 <= len(system.watchers) <= 6
    system.pass_by(AGAIN)
    assert system.watched == set(range(7, 100))


@pytest.mark.parametrize("status", [0, 127])
def test_what_is_told_of_its_ends(system: System, status: int) -> None:
    """A line a minute tells of ends that are none of a daemon's, and how the first came about."""
    system.start(7)
    with capturedLogs() as events:
        for _ in range(int(2.5 * TOLD_EVERY / AGAIN)):
            ended = ProcessTerminated(status) if status else ProcessDone(0)
            system.watcher.processEnded(Failure(ended))
            system.pass_by(AGAIN)
    line = f"commands might outlive the daemon: the watcher ended with status {status}"
    assert logged(events) == ([line] * 3 if status else [])


def test_nothing_to_watch(system: System) -> None:
    """Without a group, a watcher that is lost is not missed."""
    system.start(7)
    system.watcher.discard(7)
    system.watcher.childConnectionLost(0)
    system.pass_by(AGAIN)
    assert len(system.watchers) == 1


def test_end_of_the_loop(system: System) -> None:
    """When the loop closes all that is open, and the watcher ends, it is not missed."""
    system.start(7)
    with capturedLogs() as events:
        system.watcher.childConnectionLost(0)
        system.watcher.processEnded(Failure(ProcessDone(0)))
    assert len(system.watchers) == 1
    assert not logged(events)


def test_no_shell(system: System) -> None:
    """Where there is no shell, groups run without a watcher, and one line says so."""
    system.error = NO_SHELL
    with capturedLogs() as events:
        for group in (7, 8):
            system.start(group)
            system.pass_by(AGAIN)
            system.watcher.discard(group)
    assert system.tried == 1
    why = "cannot start /bin/sh: No such file or directory"
    assert logged(events) == [f"commands might outlive the daemon: {why}"]


def test_no_room_for_a_watcher(system: System) -> None:
    """One for which there were no descriptors is started later, and knows what runs."""
    system.error = NO_ROOM
    with capturedLogs() as events:
        system.start(7, 8, 9)
    assert system.tried == 1
    assert [line.rpartition(": ")[2] for line in logged(events)] == [os.strerror(errno.EMFILE)]
    system.watcher.discard(8)
    system.error = None
    system.pass_by(AGAIN)
    assert system.watched == {7, 9}
