"""Peers that send slowly, or without end, are let go, cost little and hold up nobody."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.clients import connect, read_bytes
from tests.end_to_end.daemons import Daemon, Start, needs_proc
from tests.hostile.figures import Figure, Promise
from tests.hostile.naive import ANYWHERE, NAIVE
from tests.hostile.test_deadlines import SLACK

SLOW = 1_000
"""Clients that never finish their message."""

MESSAGE = 2.0
"""Seconds that a message may take here."""

EVERY = 0.25
"""Seconds between two bytes of a slow client."""

MIB = 1 << 20
ENDLESS = 64 * MIB
"""Bytes of a message that has no end."""

A_FEW = 2 * MIB

SLOW_SERVICE = f"""
[services.default]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
keep_alive = true
message_timeout = {MESSAGE}
otherwise = {{ echo = true }}
"""


@contextmanager
def crowd(port: int, count: int) -> Iterator[list[socket.socket]]:
    """So many clients, each of which has sent the first byte of a message."""
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(port)) for _ in range(count)]
        for client in clients:
            client.sendall(b"x")
            client.setblocking(False)
        yield clients


@dataclass(frozen=True)
class Beside:
    """What became of slow clients, and of one beside them that asks and asks."""

    gone: int
    last: float
    """Seconds after which the last of the slow ones was let go that was."""
    answers: int
    longest_ms: int

    def __str__(self) -> str:
        return (
            f"{self.gone:,} of {SLOW:,} let go, the last after {self.last:.1f} s; beside them "
            f"{self.answers:,} answers, longest wait {self.longest_ms} ms"
        )


def beside_slow_clients(port: int) -> Beside:
    """Let clients send a byte now and then, and ask beside them all the time."""
    with crowd(port, SLOW) as slow, connect(port) as good:
        begun, dripped, longest, answers, last = time.monotonic(), 0.0, 0.0, 0, 0.0
        look, left = select.poll(), {client.fileno(): client for client in slow}
        for client in slow:
            look.register(client, select.POLLIN)
        while left and (now := time.monotonic()) < begun + MESSAGE + SLACK:
            if now - dripped > EVERY:
                dripped = now
                for client in left.values():
                    with suppress(OSError):  # it was let go
                        client.send(b"x")
            good.sendall(b"hello\n")
            assert read_bytes(good, 6) == b"hello\n"
            answers += 1
            longest = max(longest, time.monotonic() - now)
            for descriptor, _ in look.poll(0):
                look.unregister(descriptor)
                del left[descriptor]
                last = time.monotonic() - begun
        return Beside(SLOW - len(left), last, answers, round(longest * 1000))


def assert_slow_ones_are_let_go(what: Beside) -> None:
    """All of them, in their time; and nobody had to wait for that."""
    assert what.gone == SLOW
    assert what.last > MESSAGE - EVERY
    assert what.longest_ms < 1000


def test_slow_senders_are_let_go_and_hold_up_nobody(
    start_daemon: Start, figure: Figure, tmp_path: Path
) -> None:
    """A message has its time from its first byte on, at whatever pace the others come."""
    (tmp_path / "slow.toml").write_text(SLOW_SERVICE)
    daemon = start_daemon("--config", "slow.toml")
    what = beside_slow_clients(daemon.port)
    figure(Promise.SLOW_SENDERS, f"message_timeout {MESSAGE:g} s: {what}")
    assert_slow_ones_are_let_go(what)


def test_slow_senders_that_stay(start_daemon: Start, figure: Figure) -> None:
    """The control: what gathers lines and has no time-out keeps them all."""
    where = "tcp:0:interface=127.0.0.1:backlog=4096"  # so that they find room
    what = beside_slow_clients(start_daemon("--listen", where, "--lines", runner=NAIVE).port)
    figure(Promise.SLOW_SENDERS, f"no time-out: {what}", control=True)
    with pytest.raises(AssertionError):
        assert_slow_ones_are_let_go(what)


@dataclass(frozen=True)
class Taken:
    """What became of a message without an end."""

    sent: int
    """Bytes that the server took, the kernel's buffers included."""
    closed: bool
    grown: int
    """Bytes of the server's memory, at most."""

    def __str__(self) -> str:
        end = "closed" if self.closed else "open"
        return f"{self.sent / MIB:.1f} MiB sent, then {end}; memory + {self.grown / MIB:.1f} MiB"


def send_without_end(daemon: Daemon, most: int = ENDLESS) -> Taken:
    """Send a message that does not end until the server has enough of it, or so much was sent."""
    piece, sent, grown = b"x" * 65_536, 0, 0
    with connect(daemon.port) as client:
        client.sendall(b"hello\n")
        assert read_bytes(client, 6) == b"hello\n"
        before = daemon.memory()
        try:
            while sent < most:
                sent += client.send(piece)
                grown = max(grown, daemon.memory() - before)
            closed = bool(select.select([client], [], [], SLACK)[0])
        except ConnectionError:
            closed = True
        grown = max(grown, daemon.memory() - before)
    return Taken(sent, closed, grown)


def assert_cheap(what: Taken) -> None:
    """It was refused, and not kept before."""
    assert what.closed
    assert what.grown < A_FEW


@needs_proc
def test_message_without_end_costs_little(start_daemon: Start, figure: Figure) -> None:
    """A message that is too long ends its connection, and little of it is ever held."""
    what = send_without_end(start_daemon("-f", "line", "-k", "--echo"))
    figure(Promise.OVERSIZED, f"a line without end, max_message 65,536: {what}")
    assert_cheap(what)


@needs_proc
def test_message_without_end_that_is_kept(start_daemon: Start, figure: Figure) -> None:
    """The control: what gathers lines without a limit keeps all of it."""
    what = send_without_end(start_daemon(*ANYWHERE, "--lines", runner=NAIVE), ENDLESS // 4)
    figure(Promise.OVERSIZED, f"lines without a limit: {what}", control=True)
    with pytest.raises(AssertionError):
        assert_cheap(what)
