"""SIGTERM lets finish what was begun, for as long as it may; a second one does not."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.clients import connect, read_all, read_bytes
from tests.end_to_end.daemons import RESPONDERS, Daemon, Start
from tests.hostile.figures import Figure, Promise
from tests.hostile.naive import ANYWHERE, NAIVE

CLIENTS = 200
DELAYED = ("-f", "line", "--responder", f"{RESPONDERS}:waiting")


def whole_reply(client: socket.socket, expected: bytes) -> bool:
    """Does a client get what it is owed, and nothing else?"""
    with client:
        try:
            return read_all(client) == expected
        except ConnectionResetError:
            return False


def answered_after_sigterm(daemon: Daemon, request: bytes) -> int:
    """How many of the clients get their answers that have asked when SIGTERM comes."""
    clients = [connect(daemon.port) for _ in range(CLIENTS)]
    for client in clients:
        client.sendall(request)
    daemon.signal(signal.SIGTERM)
    return sum(whole_reply(client, request) for client in clients)


def test_sigterm_answers_what_is_in_flight(start_daemon: Start, figure: Figure) -> None:
    """Each of 200 requests is answered that wait for their replies when SIGTERM comes."""
    daemon = start_daemon(*DELAYED)
    answered = answered_after_sigterm(daemon, b"0.5\n")
    status = daemon.wait()
    figure(
        Promise.DRAIN, f"{answered} of {CLIENTS} requests in flight answered, exit status {status}"
    )
    assert answered == CLIENTS
    assert status == 0


def test_sigterm_drops_what_is_in_flight_without_a_drain(
    start_daemon: Start, figure: Figure
) -> None:
    """The control: Twisted's own service drops them."""
    daemon = start_daemon(*ANYWHERE, "--close", "--delay", "0.5", runner=NAIVE)
    answered = answered_after_sigterm(daemon, b"0.5\n")
    figure(Promise.DRAIN, f"{answered} of {CLIENTS} requests in flight answered", control=True)
    assert answered < CLIENTS


STUCK = """
[services.stuck]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
keep_alive = true
drain_timeout = {seconds}
otherwise = {{ echo = true }}
rules = [{{ when = {{ equals = "stuck" }}, reply = [{{ delay = 600 }}, "at last"] }}]
"""
"""Never answers one of its requests, for as long as it may live."""

DRAIN = 3.0
"""Seconds that a drain may take here."""

AT_ONCE = 2.0
"""Seconds in which what need not wait is over: half a second, on a machine that has other work."""


@dataclass(frozen=True)
class Ends:
    """Seconds from a signal to the end of the idle connection, and of the process."""

    idle: float
    process: float

    def __str__(self) -> str:
        return (
            f"idle client closed after {self.idle:.2f} s, process gone after {self.process:.2f} s"
        )


def ends(daemon: Daemon, signals: int) -> Ends:
    """How long a daemon takes to end with an idle client, and one that it does not answer.

    Args:
        daemon: Answers, but for `stuck`.
        signals: How many SIGTERM it is sent; counted is from the last.
    """
    with connect(daemon.port) as stuck, connect(daemon.port) as idle:
        stuck.sendall(b"stuck\n")
        idle.sendall(b"hello\n")
        assert read_bytes(idle, 6) == b"hello\n"
        for _ in range(signals):
            begun = time.monotonic()
            daemon.signal(signal.SIGTERM)
            daemon.wait_for("SIGTERM")
        assert read_all(idle) == b""
        idle_took = time.monotonic() - begun
        daemon.wait()
        return Ends(idle_took, time.monotonic() - begun)


def start_stuck(start: Start, directory: Path, seconds: float) -> Daemon:
    """A daemon of which one request keeps a drain waiting for so long."""
    file = directory / "stuck.toml"
    file.write_text(STUCK.format(seconds=seconds))
    return start("--config", str(file))


def assert_drained(took: Ends) -> None:
    """What is idle went at once, what is stuck when the time was over."""
    assert took.idle < AT_ONCE
    assert DRAIN <= took.process < DRAIN + AT_ONCE


def assert_over_at_once(took: Ends) -> None:
    """Nothing waited."""
    assert took.process < AT_ONCE


def test_drain_ends_in_time(start_daemon: Start, figure: Figure, tmp_path: Path) -> None:
    """What is idle is closed at once; what is never answered goes at `drain_timeout`."""
    took = ends(start_stuck(start_daemon, tmp_path, DRAIN), signals=1)
    figure(Promise.DRAIN, f"drain_timeout {DRAIN:g} s: {took}")
    assert_drained(took)


def test_second_sigterm_ends_it_at_once(
    start_daemon: Start, figure: Figure, tmp_path: Path
) -> None:
    """A second SIGTERM does not wait for what the first one waits for."""
    took = ends(start_stuck(start_daemon, tmp_path, 600), signals=2)
    figure(Promise.SECOND_SIGNAL, f"drain_timeout 600 s, second SIGTERM: {took}")
    assert_over_at_once(took)


@pytest.mark.parametrize(("signals", "check"), [(1, assert_drained), (2, assert_over_at_once)])
def test_drain_that_only_waits(
    start_daemon: Start, figure: Figure, signals: int, check: Callable[[Ends], None]
) -> None:
    """The control: a stopService that waits keeps idle clients, and no second signal ends it."""
    daemon = start_daemon(*ANYWHERE, "--drain", str(DRAIN), runner=NAIVE)
    took = ends(daemon, signals)
    figure(
        Promise.DRAIN if signals == 1 else Promise.SECOND_SIGNAL,
        f"a drain of {DRAIN:g} s: {took}",
        control=True,
    )
    with pytest.raises(AssertionError):
        check(took)
