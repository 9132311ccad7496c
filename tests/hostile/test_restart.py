"""A daemon on a port that systemd keeps open is restarted, or killed, under load."""

from __future__ import annotations

import signal
from functools import partial
from socket import socket

import pytest

from sockreply.server.listening import BACKLOG
from tests.end_to_end.activation import port_of, start_on, tcp_listener
from tests.end_to_end.clients import connect, read_all
from tests.end_to_end.daemons import Start
from tests.hostile.figures import Figure, Promise
from tests.hostile.load import Load, Tally
from tests.hostile.naive import NAIVE, NAIVE_LINGERS
from tests.hostile.supervisor import Again, kept_port, restart_under

WORKERS = 32
"""Clients at a time: as many requests are in flight."""

OURS = ("--listen", "systemd:domain=INET:name=ours")
SERVES_LINES = ("-f", "line", "--echo")


def restarted(
    load: Load, port: int, again: Again, *, times: int, every: int, number: signal.Signals
) -> Tally:
    """What becomes of a crowd whose daemon is restarted that often."""
    daemon = again()
    daemon.ports(1)
    with load.crowd(port, workers=WORKERS, count=(times + 1) * every) as crowd:
        return restart_under(crowd, daemon, again, times=times, every=every, number=number)


def assert_nothing_lost(tally: Tally) -> None:
    """Every connection was answered."""
    assert tally.lost == 0, tally


def assert_only_lost_in_flight(tally: Tally, kills: int) -> None:
    """Nobody was refused, and a kill cost no more than what was being answered."""
    assert tally.refused == tally.wrong == tally.timeout == 0, tally
    assert tally.cut <= kills * WORKERS, tally


def test_restart_loses_no_connection(load: Load, start_daemon: Start, figure: Figure) -> None:
    """Over 17 restarts none of 108,000 connections is lost, and the longest wait is a start."""
    with tcp_listener(backlog=BACKLOG) as listener:
        again = partial(start_on, start_daemon, [listener], "ours", *OURS, *SERVES_LINES)
        tally = restarted(
            load, port_of(listener), again, times=17, every=6_000, number=signal.SIGTERM
        )
    figure(Promise.RESTART, f"17 restarts: {tally}")
    assert tally.all == 108_000
    assert_nothing_lost(tally)


@pytest.mark.xfail(strict=True, reason="a drain takes who has not asked yet for idle")
def test_restart_waits_for_the_first_request(start_daemon: Start, figure: Figure) -> None:
    """Who is connected when SIGTERM comes and asks a moment later is answered all the same."""
    with tcp_listener(backlog=BACKLOG) as listener:
        again = partial(start_on, start_daemon, [listener], "ours", *OURS, *SERVES_LINES)
        daemon = again()
        clients = [connect(port_of(listener)) for _ in range(20)]
        daemon.wait_for("connected")
        daemon.signal(signal.SIGTERM)
        daemon.wait_for("SIGTERM")
        for client in clients:
            client.sendall(b"hello\n")
        daemon.wait()
        again()
        answered = [answer(client) for client in clients].count(b"hello\n")
    figure(
        Promise.RESTART, f"connected, and asking a moment after SIGTERM: {answered} of 20 answered"
    )
    assert answered == 20


def answer(client: socket) -> bytes:
    """What a client gets until the end, however that comes."""
    with client:
        try:
            return read_all(client)
        except ConnectionResetError:
            return b""


def test_restart_loses_without_a_drain(load: Load, start_daemon: Start, figure: Figure) -> None:
    """The control: a plain Twisted service on such a port loses what it was answering."""
    with tcp_listener(backlog=BACKLOG) as listener:
        words = (*OURS, *NAIVE_LINGERS)
        again = partial(start_on, start_daemon, [listener], "ours", *words, runner=NAIVE)
        tally = restarted(
            load, port_of(listener), again, times=3, every=1_000, number=signal.SIGTERM
        )
    figure(Promise.RESTART, f"port kept open, no drain: 3 restarts: {tally}", control=True)
    with pytest.raises(AssertionError):
        assert_nothing_lost(tally)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_restart_loses_without_a_port_that_is_kept_open(
    load: Load, start_daemon: Start, figure: Figure, number: signal.Signals
) -> None:
    """The control: whoever opens its own port refuses clients until it is there again."""
    with kept_port() as port:
        where = f"tcp:{port}:interface=127.0.0.1"
        again = partial(start_daemon, "--listen", where, "--close", runner=NAIVE)
        tally = restarted(load, port, again, times=3, every=2_000, number=number)
    promise = Promise.RESTART if number == signal.SIGTERM else Promise.KILL
    figure(promise, f"port of its own: 3 times {number.name}: {tally}", control=True)
    with pytest.raises(AssertionError):
        assert_nothing_lost(tally)
    with pytest.raises(AssertionError):
        assert_only_lost_in_flight(tally, kills=3)


def test_kill_loses_only_what_was_in_flight(
    load: Load, start_daemon: Start, figure: Figure
) -> None:
    """Of 36,000 connections, 8 SIGKILL cost at most 32 each, and nobody is refused."""
    with tcp_listener(backlog=BACKLOG) as listener:
        again = partial(start_on, start_daemon, [listener], "ours", *OURS, *SERVES_LINES)
        tally = restarted(
            load, port_of(listener), again, times=8, every=4_000, number=signal.SIGKILL
        )
    figure(Promise.KILL, f"8 SIGKILL, {WORKERS} requests in flight: {tally}")
    assert_only_lost_in_flight(tally, kills=8)
