"""Many who come at once are all served; no more at a time than may be."""

from __future__ import annotations

import signal
from dataclasses import dataclass

import pytest

from tests.end_to_end.clients import ask
from tests.end_to_end.daemons import RESPONDERS, Daemon, Start
from tests.end_to_end.waiting import eventually
from tests.hostile.figures import Figure, Promise
from tests.hostile.load import Load, Tally
from tests.hostile.naive import ANYWHERE, NAIVE
from tests.hostile.namespace import ON_LOOPBACK, beside, listen_overflows, needs_namespace, queued

PLACES = 200
VISITORS = 3_000
BACKLOG = 4_096
STORM = 5_000


def assert_all_served(tally: Tally) -> None:
    """Nobody was turned away, or forgotten."""
    assert tally.lost == 0, tally


def test_limit_is_kept_and_all_are_served(load: Load, start_daemon: Start, figure: Figure) -> None:
    """Of 3,000 clients at once never more than 200 are connected, and each is served."""
    crowd = ("--responder", f"{RESPONDERS}:Crowd")
    daemon = start_daemon("-f", "line", "--max-connections", str(PLACES), *crowd)
    port = daemon.port
    tally = load.send(port, workers=VISITORS, count=VISITORS, reply=None)
    most = int(ask(port, b"hello\n"))
    figure(Promise.LIMIT, f"max_connections {PLACES}: {tally}, at most {most} at a time")
    assert most == PLACES
    assert_all_served(tally)


def test_limit_that_refuses(load: Load, start_daemon: Start, figure: Figure) -> None:
    """The control: a factory that makes no protocol when there are too many turns them away."""
    options = ("--close", "--delay", "0.05", "--most", str(PLACES))
    where = "tcp:0:interface=127.0.0.1:backlog=4096"  # so that nobody is lost before
    port = start_daemon("--listen", where, *options, runner=NAIVE).port
    tally = load.send(port, workers=VISITORS, count=VISITORS)
    figure(Promise.LIMIT, f"refusing beyond {PLACES}: {tally}", control=True)
    with pytest.raises(AssertionError):
        assert_all_served(tally)


@dataclass(frozen=True)
class Storm:
    """What became of clients who came at once."""

    tally: Tally
    overflows: int
    """How often the kernel found no room for one."""

    def __str__(self) -> str:
        return f"{self.tally}, {self.overflows:,} listen overflows"


def storm(load: Load, daemon: Daemon, clients: int) -> Storm:
    """Send clients at once."""
    port, before = daemon.port, listen_overflows(daemon)
    tally = load.send(port, workers=clients, count=clients, under=beside(daemon))
    return Storm(tally, listen_overflows(daemon) - before)


def storm_while_it_stands_still(load: Load, daemon: Daemon, clients: int) -> Storm:
    """Send clients at once while the daemon does not run at all, and then let it run."""
    port, before = daemon.port, listen_overflows(daemon)
    daemon.signal(signal.SIGSTOP)
    with load.crowd(port, workers=clients, count=clients, under=beside(daemon)) as crowd:
        eventually(lambda: queued(daemon) == clients or listen_overflows(daemon) > before)
        daemon.signal(signal.SIGCONT)
        return Storm(crowd.tally(), listen_overflows(daemon) - before)


def assert_absorbed(what: Storm) -> None:
    """The kernel had room for all, and all were served."""
    assert what.overflows == 0, what
    assert_all_served(what.tally)


@needs_namespace
def test_storm_is_absorbed(load: Load, start_daemon: Start, figure: Figure) -> None:
    """5,000 clients at once are served; as many as the backlog has places, however busy it is."""
    daemon = start_daemon("-f", "line", "--echo", under=ON_LOOPBACK)
    running = storm(load, daemon, STORM)
    figure(Promise.STORM, f"{STORM:,} at once: {running}")
    still = storm_while_it_stands_still(load, daemon, BACKLOG)
    figure(Promise.STORM, f"{BACKLOG:,} at once to a process that stands still: {still}")
    assert_all_served(running.tally)
    assert_absorbed(still)


@needs_namespace
def test_storm_with_twisteds_backlog(load: Load, start_daemon: Start, figure: Figure) -> None:
    """The control: in a queue of 50 most find no place."""
    daemon = start_daemon(*ANYWHERE, "--close", runner=NAIVE, under=ON_LOOPBACK)
    running = storm(load, daemon, STORM)
    figure(Promise.STORM, f"{STORM:,} at once: {running}", control=True)
    still = storm_while_it_stands_still(load, daemon, BACKLOG)
    figure(
        Promise.STORM, f"{BACKLOG:,} at once to a process that stands still: {still}", control=True
    )
    with pytest.raises(AssertionError):
        assert_absorbed(running)
    with pytest.raises(AssertionError):
        assert_absorbed(still)
