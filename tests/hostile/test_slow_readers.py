"""Who reads slowly is served for ever; who takes nothing, or is gone without a word, is let go."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.daemons import Daemon, Start
from tests.end_to_end.waiting import PATIENCE, eventually, within
from tests.hostile.figures import Figure, Promise
from tests.hostile.metrics import count
from tests.hostile.naive import ANYWHERE, NAIVE
from tests.hostile.namespace import ON_LOOPBACK, beside, needs_namespace
from tests.hostile.test_deadlines import leaves_after

WRITE = 2.0
"""Seconds for which a peer may take nothing here."""

SLACK = 3.0
"""Seconds by which that may be late: a second or so, on a machine that has other work."""

EVERY = 0.25
"""Seconds between the reads of a steady reader."""

LUMP = 6.0
"""Seconds for which a steady reader may take nothing: the window of one that reads half of its
buffer in a second opens in lumps that are up to 4 s apart."""

LONG = 20.0
"""Seconds for which it is watched."""

WINDOWS = (4096, 8192, 16384)
"""Receive buffers of steady readers, in bytes."""

CONFIG = """
[metrics]
listen = "unix:metrics"

[services.default]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
keep_alive = true
idle_timeout = 0
write_timeout = {write_timeout}
rules = [
  {{ when = {{ equals = "big" }}, reply = {{ file = "big" }} }},
  {{ when = {{ equals = "small" }}, reply = {{ file = "small" }} }},
  {{ when = {{ equals = "late" }}, reply = [{{ delay = 1.0 }}, "late"] }},
]
"""
SIZES = {"big": 5_000_000, "small": 40_000}
"""Of one reply, more than the kernel takes; of the other, less than it takes without waiting."""

REPLIES = pytest.mark.parametrize("reply", SIZES)


@pytest.fixture
def serve(start_daemon: Start, tmp_path: Path) -> Callable[..., Daemon]:
    """Starts a daemon with a write_timeout."""
    for name, size in SIZES.items():
        (tmp_path / name).write_bytes(bytes(size))

    def serve(write_timeout: float = WRITE, under: Sequence[str] = ()) -> Daemon:
        configure(tmp_path, write_timeout)
        daemon = start_daemon("--config", "example.toml", under=under)
        eventually((tmp_path / "metrics").exists, lambda: daemon.log)
        return daemon

    return serve


def configure(directory: Path, write_timeout: float) -> None:
    """Write the file."""
    (directory / "example.toml").write_text(CONFIG.format(write_timeout=write_timeout))


def instrument(port: int, receives: int = 4096) -> socket.socket:
    """A client with a small receive buffer, such as instruments and embedded hosts have."""
    client = socket.socket()
    client.settimeout(PATIENCE)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)  # as on a network
    client.connect(("127.0.0.1", port))
    return client


@dataclass(frozen=True)
class Life:
    """How a steady reader fared."""

    receives: int
    """Bytes of its receive buffer, of which it reads half in a second."""
    read: int
    seconds: float
    """That it was served for."""

    def __str__(self) -> str:
        fate = "alive" if self.seconds >= LONG else "cut off"
        return f"buffer of {self.receives:,} {fate} after {self.seconds:.1f} s, {self.read:,} read"


def reads_steadily(port: int, receives: int) -> Life:
    """Ask for much, and read it little by little."""
    read, begun = 0, time.monotonic()
    with instrument(port, receives) as client, suppress(ConnectionError):
        client.sendall(b"big\n")
        while time.monotonic() - begun < LONG:
            time.sleep(EVERY)
            read += len(client.recv(int(receives / 2 * EVERY)))
    return Life(receives, read, time.monotonic() - begun)


def steady_readers(port: int) -> list[Life]:
    """Some at a time."""
    with ThreadPoolExecutor() as threads:
        return list(threads.map(lambda receives: reads_steadily(port, receives), WINDOWS))


def assert_alive(lives: list[Life]) -> None:
    """None was cut off."""
    assert all(each.seconds >= LONG for each in lives), lives


def test_steady_reader_lives(serve: Callable[..., Daemon], figure: Figure) -> None:
    """A peer that reads little at a time, through a small window, is never cut off."""
    lives = steady_readers(serve(LUMP).port)
    for each in lives:
        figure(Promise.SLOW_READER, f"write_timeout {LUMP:g} s: {each}")
    assert_alive(lives)


def test_steady_reader_that_the_kernel_ends(start_daemon: Start, figure: Figure) -> None:
    """The control: TCP_USER_TIMEOUT ends a peer whose window never takes a whole segment."""
    options = ("--reply-bytes", str(SIZES["big"]), "--user-timeout", str(LUMP))
    lives = steady_readers(start_daemon(*ANYWHERE, *options, runner=NAIVE).port)
    for each in lives:
        figure(Promise.SLOW_READER, f"TCP_USER_TIMEOUT {LUMP:g} s: {each}", control=True)
    with pytest.raises(AssertionError):
        assert_alive(lives)


def assert_given_up(took: float | None, seconds: float = WRITE) -> None:
    """Its time was over, and no sooner."""
    assert took is not None
    assert seconds - 0.1 < took < seconds + SLACK


@REPLIES
def test_who_takes_nothing_is_gone(
    serve: Callable[..., Daemon], figure: Figure, tmp_path: Path, reply: str
) -> None:
    """It is gone after write_timeout, even if the kernel has the whole reply already."""
    with instrument(serve().port) as client:
        client.sendall(reply.encode() + b"\n")
        took = leaves_after(client, WRITE + SLACK)
    figure(
        Promise.SLOW_READER, f"write_timeout {WRITE:g} s, {reply} reply unread: gone after {took} s"
    )
    assert_given_up(took)
    assert count(tmp_path / "metrics", "closed_total", "write_timeout") == 1


@REPLIES
def test_who_takes_nothing_and_stays(start_daemon: Start, figure: Figure, reply: str) -> None:
    """The control: without a time-out such a peer stays."""
    options = ("--reply-bytes", str(SIZES[reply]))
    with instrument(start_daemon(*ANYWHERE, *options, runner=NAIVE).port) as client:
        client.sendall(b"x\n")
        took = leaves_after(client, WRITE + SLACK)
    figure(
        Promise.SLOW_READER,
        f"no time-out, {reply} reply unread: still there after {WRITE + SLACK:g} s",
        control=True,
    )
    with pytest.raises(AssertionError):
        assert_given_up(took)


@REPLIES
@pytest.mark.parametrize(("before", "after"), [(WRITE, 3 * WRITE), (3 * WRITE, WRITE)])
def test_another_write_timeout_holds(
    serve: Callable[..., Daemon],
    figure: Figure,
    tmp_path: Path,
    before: float,
    after: float,
    reply: str,
) -> None:
    """What a reload makes of it holds for connections from before and from after it."""
    daemon = serve(before)
    with instrument(daemon.port) as old:
        configure(tmp_path, after)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("reloaded")
        with instrument(daemon.port) as new:
            for client in (old, new):
                client.sendall(reply.encode() + b"\n")
            begun = time.monotonic()
            took = [
                None if gone is None else time.monotonic() - begun
                for gone in (leaves_after(client, after + SLACK) for client in (old, new))
            ]
    told = ", ".join("never" if each is None else f"{each:.1f} s" for each in took)
    figure(
        Promise.SLOW_READER,
        f"write_timeout {before:g}, then {after:g} s, {reply} reply: an old and a new connection "
        f"gone after {told}",
    )
    for each in took:
        assert_given_up(each, after)


ASKS = """
import socket, sys, time
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
client.sendall(sys.argv[2].encode() + b"\\n")
print("asked", flush=True)
time.sleep(600)
"""
"""A client, as a program: it has to be in the daemon's network."""


def vanishes(daemon: Daemon, message: str) -> None:
    """Let a client ask in the daemon's network, and that network fail."""
    words = [*beside(daemon), sys.executable, "-c", ASKS, str(daemon.port), message]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"asked\n"
        subprocess.run([*beside(daemon), "ip", "link", "set", "lo", "down"], check=True)
        client.kill()


@needs_namespace
@pytest.mark.parametrize("message", ["late", "big"])
def test_who_vanishes_is_gone(
    serve: Callable[..., Daemon], figure: Figure, tmp_path: Path, message: str
) -> None:
    """A peer that acknowledges nothing any more is let go like one that takes nothing."""
    daemon = serve(under=ON_LOOPBACK)
    vanishes(daemon, message)
    begun, metrics = time.monotonic(), tmp_path / "metrics"
    gone = within(WRITE + 1 + SLACK, lambda: count(metrics, "connections") == 0)  # 1: the delay
    took = time.monotonic() - begun
    figure(
        Promise.SLOW_READER,
        f"write_timeout {WRITE:g} s, {message} reply, the network fails: gone after {took:.1f} s",
    )
    assert gone
    assert count(metrics, "closed_total", "write_timeout") == 1


@needs_namespace
def test_who_vanishes_and_stays(start_daemon: Start, figure: Figure) -> None:
    """The control: to a server without a time-out such a peer looks like one that is there."""
    daemon = start_daemon(*ANYWHERE, "--delay", "1.0", runner=NAIVE, under=ON_LOOPBACK)
    vanishes(daemon, "late")
    gone = within(WRITE + 1 + SLACK, lambda: established(daemon) == 0)
    figure(
        Promise.SLOW_READER,
        f"no time-out, the network fails: still there after {WRITE + 1 + SLACK:g} s",
        control=True,
    )
    assert not gone


def established(daemon: Daemon) -> int:
    """How many ends of connections in its network have not begun to close."""
    rows = (line.split() for line in Path(f"/proc/{daemon.pid}/net/tcp").read_text().splitlines())
    return sum(row[3] == "01" for row in rows)
