"""The watchdog hears of the loop itself: when that is stuck, it hears nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.clients import connect, read_bytes
from tests.end_to_end.daemons import RESPONDERS, Daemon, Start
from tests.end_to_end.manager import Manager, manager_in
from tests.end_to_end.responders import ARRIVED, GATE
from tests.end_to_end.waiting import eventually
from tests.hostile.figures import Figure, Promise
from tests.hostile.naive import ANYWHERE, NAIVE

MICROSECONDS = 400_000
"""That the watchdog waits for a ping; they come twice as often."""

SILENCE = 2.0
"""Seconds without a ping of a loop that stands still: five times what the watchdog waits."""


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """Stands for systemd, which would end a daemon that says nothing."""
    with manager_in(tmp_path) as manager:
        yield manager


def wait_for_pings(manager: Manager) -> None:
    """Return when three have come."""
    for _ in range(3):
        while manager.next() != ["WATCHDOG=1"]:
            pass


def silent_while_it_stands_still(daemon: Daemon, directory: Path, manager: Manager) -> bool:
    """Does the watchdog hear nothing while the loop is blocked, and hear again afterwards?"""
    port = daemon.port
    wait_for_pings(manager)
    with connect(port) as client:
        client.sendall(b"block")
        eventually((directory / ARRIVED).exists)
        manager.catch_up()
        silent = manager.silent_for(SILENCE)
        (directory / GATE).touch()
        assert read_bytes(client, 5) == b"block"
    wait_for_pings(manager)
    return silent


def test_watchdog_hears_nothing_of_a_stuck_loop(
    start_daemon: Start, figure: Figure, tmp_path: Path, manager: Manager
) -> None:
    """Pings come while the loop turns, cease while a responder blocks it, and come again."""
    under = manager.starting(WATCHDOG_USEC=MICROSECONDS)
    daemon = start_daemon("--responder", f"{RESPONDERS}:blocking", under=under)
    silent = silent_while_it_stands_still(daemon, tmp_path, manager)
    figure(Promise.WATCHDOG, f"{'no ' * silent}pings in {SILENCE:g} s of a loop that stands still")
    assert silent


def test_watchdog_is_pinged_whatever_happens(
    start_daemon: Start, figure: Figure, tmp_path: Path, manager: Manager
) -> None:
    """The control: a thread goes on to say that all is well."""
    under = manager.starting(WATCHDOG_USEC=MICROSECONDS)
    daemon = start_daemon(*ANYWHERE, "--watchdog", runner=NAIVE, under=under)
    silent = silent_while_it_stands_still(daemon, tmp_path, manager)
    text = f"{'no ' * silent}pings in {SILENCE:g} s of a loop that stands still"
    figure(Promise.WATCHDOG, text, control=True)
    with pytest.raises(AssertionError):
        assert silent
