"""P4 and P5: SIGTERM lets finish what was begun, for as long as it may; a second one does not."""

from __future__ import annotations

import signal
import socket
import time
from dataclasses import dataclass

import pytest

from tests.end_to_end.clients import connect, read_all
from tests.end_to_end.daemons import RESPONDERS, Daemon, Start
from tests.end_to_end.waiting import PATIENCE
from tests.hostile.figures import Figure
from tests.hostile.naive import ANYWHERE, NAIVE

CLIENTS = 200
DELAYED = ("-f", "line", "--responder", f"{RESPONDERS}:waiting")
NEVER = ("-f", "line", "--responder", f"{RESPONDERS}:never")


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
    figure("P4", f"{answered} of {CLIENTS} requests in flight answered, exit status {status}")
    assert answered == CLIENTS
    assert status == 0


def test_sigterm_drops_what_is_in_flight_without_a_drain(
    start_daemon: Start, figure: Figure
) -> None:
    """The control: Twisted's own service drops them."""
    daemon = start_daemon(*ANYWHERE, "--close", "--delay", "0.5", runner=NAIVE)
    answered = answered_after_sigterm(daemon, b"0.5\n")
    figure("P4", f"control: {answered} of {CLIENTS} requests in flight answered")
    assert answered < CLIENTS


@dataclass(frozen=True)
class Ends:
    """Seconds from a signal to the end of the idle connection, and of the process."""

    idle: float
    process: float


def ends(daemon: Daemon, signals: int) -> Ends:
    """How long a daemon takes to end with an idle client, and one that it does not answer.

    Args:
        daemon: Answers no `stuck`.
        signals: How many SIGTERM it is sent; counted is from the last.
    """
    with connect(daemon.port) as idle, connect(daemon.port) as stuck:
        stuck.sendall(b"stuck\n")
        daemon.wait_for("stuck")
        for _ in range(signals):
            begun = time.monotonic()
            daemon.signal(signal.SIGTERM)
            daemon.wait_for("SIGTERM")
        assert read_all(idle) == b""
        idle_took = time.monotonic() - begun
        daemon.process.wait(PATIENCE)
        return Ends(idle_took, time.monotonic() - begun)
