"""What a connection takes is little while it is there, and nothing once it is gone."""

from __future__ import annotations

import resource
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.clients import connect, read_all, read_bytes, reset
from tests.end_to_end.daemons import Daemon, Start, needs_proc
from tests.end_to_end.waiting import eventually
from tests.hostile.figures import Figure, Promise
from tests.hostile.naive import ANYWHERE, NAIVE
from tests.hostile.test_deadlines import listen_on

pytestmark = needs_proc

KIB = 1 << 10

WARM, HELD = 1_000, 8_000
"""Idle connections before and after those that are counted."""

WARM_TLS, HELD_TLS = 200, 1_200

MOST_IDLE, MOST_IDLE_TLS = 2.5, 32.0
"""KiB that an idle connection may take."""

ROUNDS, EACH = 10, 4_000
"""Rounds of connections, and how many there are in each."""

MOST_GROWN = 50
"""Bytes by which a connection that is over may have the memory grow, in the last half."""


@pytest.fixture(autouse=True)
def _many_files() -> Iterator[None]:
    """Let this process have as many open files as it may."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


Connect = Callable[[int], socket.socket]


def connect_tls(port: int) -> socket.socket:
    """A connection in TLS."""
    return ssl._create_unverified_context().wrap_socket(connect(port))


def ask(client: socket.socket, message: bytes = b"hello\n") -> None:
    """Let a client ask, and see that it is answered."""
    client.sendall(message)
    assert read_bytes(client, len(message)) == message


@contextmanager
def idle(port: int, count: int, connect: Connect) -> Iterator[None]:
    """So many connections that have been used once, and stay."""
    with ExitStack() as stack:
        for _ in range(count):
            ask(stack.enter_context(connect(port)))
        yield


@dataclass(frozen=True)
class Taken:
    """What idle connections take."""

    held: int
    each: float
    """KiB."""
    again: float
    """By how much the memory is larger when as many are there once more: 1 is twice as large."""

    def __str__(self) -> str:
        return (
            f"{self.each} KiB for each of {self.held:,} idle connections; "
            f"{self.again:.0%} more with as many once more"
        )


def idle_connections(daemon: Daemon, connect: Connect, warm: int, held: int) -> Taken:
    """What idle connections take, and whether others get that memory when they are gone."""
    port, descriptors = daemon.port, Path(f"/proc/{daemon.pid}/fd")
    with idle(port, warm, connect):
        before = daemon.memory()
        with idle(port, held, connect):
            full = daemon.memory()
        eventually(lambda: len(list(descriptors.iterdir())) < warm + 100)
        with idle(port, held, connect):
            again = daemon.memory()
    return Taken(held, round((full - before) / held / KIB, 2), (again - full) / (full - before))


KINDS = pytest.mark.parametrize(
    ("kind", "connect", "warm", "held", "most"),
    [
        pytest.param("tcp", connect, WARM, HELD, MOST_IDLE, id="plain"),
        pytest.param("ssl", connect_tls, WARM_TLS, HELD_TLS, MOST_IDLE_TLS, id="TLS"),
    ],
)


@KINDS
def test_idle_connections_take_little(
    start_daemon: Start,
    certificate: Path,
    figure: Figure,
    kind: str,
    connect: Connect,
    warm: int,
    held: int,
    most: float,
) -> None:
    """An idle connection takes little, and leaves all of it to others when it has gone."""
    listen = ("--listen", listen_on(kind, certificate))
    daemon = start_daemon("-f", "line", "-k", "--echo", *listen)
    what = idle_connections(daemon, connect, warm, held)
    figure(Promise.MEMORY, f"{kind}: {what}")
    assert what.each < most
    assert what.again < 0.2  # a tenth is how much it varies; twice as much would be 1


@KINDS
def test_idle_connections_with_buffers_of_their_own(
    start_daemon: Start,
    certificate: Path,
    figure: Figure,
    kind: str,
    connect: Connect,
    warm: int,
    held: int,
    most: float,
) -> None:
    """The control: a buffer for each, which many servers have, takes more."""
    listen = ("--listen", listen_on(kind, certificate))
    daemon = start_daemon(*listen, "--buffer", "65536", runner=NAIVE)
    what = idle_connections(daemon, connect, warm, held // 4)
    figure(Promise.MEMORY, f"{kind}, buffers of 64 KiB: {what}", control=True)
    with pytest.raises(AssertionError):
        assert what.each < most


def leave(client: socket.socket, number: int) -> None:
    """Use a connection, and end it in one of several ways, most of which are rude."""
    match number % 8:
        case 0:
            client.sendall(b"x" * 70_000)  # more than a message may have
        case 1:
            client.sendall(b"hello\nunfinished")
            reset(client)
        case 2:
            client.sendall(b"hello\n" * 10)
            client.shutdown(socket.SHUT_WR)
            read_all(client)
        case 3:
            client.sendall(b"hello\n" * 100)  # and away, without a look at the answers
        case 4:
            pass
        case _:
            ask(client)


@dataclass(frozen=True)
class Leaks:
    """What is left of connections that are over."""

    grown: float
    """Bytes of memory for each, in the last half."""
    descriptors: int
    """More than before."""

    def __str__(self) -> str:
        return (
            f"{ROUNDS * EACH:,} connections, half of them rude: memory + {self.grown:.1f} bytes "
            f"for each of the last half, descriptors + {self.descriptors}"
        )


def come_and_go(daemon: Daemon) -> Leaks:
    """Let many come and go."""
    port, memory = daemon.port, []
    descriptors = Path(f"/proc/{daemon.pid}/fd")
    with connect(port) as client:  # for what is made at the first use
        ask(client)
    eventually(lambda: daemon.log)
    before = len(list(descriptors.iterdir()))
    for _ in range(ROUNDS):
        for number in range(EACH):
            with connect(port) as client, suppress(ConnectionError):
                leave(client, number)
        with suppress(AssertionError):  # they stay for ever: the count below says it
            eventually(lambda: len(list(descriptors.iterdir())) <= before + 1)
        memory.append(daemon.memory())
    half = ROUNDS // 2
    return Leaks(
        (memory[-1] - memory[half - 1]) / (half * EACH), len(list(descriptors.iterdir())) - before
    )


def assert_nothing_is_left(what: Leaks) -> None:
    """Neither memory nor descriptors."""
    assert what.grown < MOST_GROWN
    assert what.descriptors <= 1


def test_nothing_is_left_of_connections(start_daemon: Start, figure: Figure) -> None:
    """However connections end, nothing of them stays."""
    daemon = start_daemon("-f", "line", "-k", "--echo")
    what = come_and_go(daemon)
    figure(Promise.LEAKS, str(what))
    assert_nothing_is_left(what)
    assert daemon.stop() == 0
    assert "Traceback" not in daemon.log


def test_something_is_left_of_connections(start_daemon: Start, figure: Figure) -> None:
    """The control: a server that keeps a list of its connections forgets to shorten it."""
    what = come_and_go(start_daemon(*ANYWHERE, "--lines", "--keep", runner=NAIVE))
    figure(Promise.LEAKS, str(what), control=True)
    with pytest.raises(AssertionError):
        assert_nothing_is_left(what)
