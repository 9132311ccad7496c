"""Who has left for good is noticed, whether or not it is being read."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.clients import connect, connect_unix, read_bytes, reset
from tests.end_to_end.daemons import Daemon, Start
from tests.end_to_end.waiting import PATIENCE, eventually, within
from tests.hostile.altered import altered
from tests.hostile.figures import Figure, Promise
from tests.hostile.metrics import count

NOTICED = 1.0
"""Seconds in which it is noticed."""

SLACK = 2.0
"""Seconds by which that may be late, on a machine that has other work."""

CONFIG = '''
[metrics]
listen = "unix:metrics"

[services.default]
listen = ["tcp:0:interface=127.0.0.1", "unix:socket"]
framing = "line"
keep_alive = true
rules = [
  {{ when = {{ equals = "run" }}, reply = {{ command = ["sh", "-c", """
    echo $$ > pid; exec sleep {seconds}"""] }} }},
  {{ when = {{ equals = "stall" }}, reply = ["never", {{ stall = true, read = false }}] }},
]
otherwise = {{ echo = true }}
'''

LOOKS = "sockreply serve"
"""The runner of a daemon as it is."""

NO_LOOKS = altered("without looks")
"""That of one which does not look for those who have left."""


@dataclass(frozen=True)
class Way:
    """How a client leaves."""

    name: str
    connect: Callable[[Daemon, Path], socket.socket]
    more: bytes
    """What it sends besides, which the daemon does not read before it has answered."""
    leave: Callable[[socket.socket], None]
    why: str
    """What the daemon calls it."""

    def ask(self, daemon: Daemon, path: Path, message: bytes) -> socket.socket:
        """Ask something, with all that follows."""
        client = self.connect(daemon, path)
        for each in (message, *self.more.splitlines(keepends=True)):
            client.sendall(each)
            time.sleep(0.1)
        return client


OVER_TCP = Way(
    "reset while not read",
    lambda daemon, _: connect(daemon.port),
    b"more\n" * 3,
    reset,
    "lost",
)
OVER_UNIX = Way(
    "UNIX socket closed",
    lambda _, path: connect_unix(str(path / "socket")),
    b"",
    socket.socket.close,
    "peer",
)
WAYS = pytest.mark.parametrize("way", [OVER_TCP, OVER_UNIX], ids=["reset", "closed"])


def serve(start_daemon: Start, path: Path, runner: str | Sequence[str], seconds: int) -> Daemon:
    """A daemon whose command takes so long."""
    (path / "example.toml").write_text(CONFIG.format(seconds=seconds))
    daemon = start_daemon("--config", "example.toml", runner=runner)
    eventually((path / "metrics").exists, lambda: daemon.log)
    return daemon


def command_of(path: Path) -> Path:
    """The process of the command, in /proc, once it runs."""
    file = path / "pid"
    eventually(lambda: file.exists() and file.read_text().endswith("\n"))
    return Path(f"/proc/{int(file.read_text())}")


def ends(path: Path) -> float | None:
    """Seconds until the command has ended; None: it runs on."""
    command, begun = command_of(path), time.monotonic()
    gone = within(NOTICED + SLACK, lambda: not command.exists())
    return time.monotonic() - begun if gone else None


@WAYS
@pytest.mark.parametrize("others", [0, 2], ids=["alone", "among others"])
def test_command_ends_with_its_peer(
    start_daemon: Start, figure: Figure, tmp_path: Path, way: Way, others: int
) -> None:
    """A command whose peer has left, both ways, runs no further."""
    daemon = serve(start_daemon, tmp_path, LOOKS, seconds=60)
    with ExitStack() as stack:
        for _ in range(others):
            stack.enter_context(connect(daemon.port))
            stack.enter_context(connect_unix(str(tmp_path / "socket")))
        client = way.ask(daemon, tmp_path, b"run\n")
        assert command_of(tmp_path).exists()
        way.leave(client)
        took = ends(tmp_path)
        closed = count(tmp_path / "metrics", "closed_total", way.why)
    told = "runs on" if took is None else f"gone after {took:.1f} s"
    figure(Promise.LEAVER, f"{way.name}, {others} others: command {told}")
    assert took is not None
    assert count(tmp_path / "metrics", "errors_total", "abandoned") == 1
    assert closed == 1


@WAYS
def test_command_that_goes_on(
    start_daemon: Start, figure: Figure, tmp_path: Path, way: Way
) -> None:
    """The control: who is not looked for is not noticed."""
    client = way.ask(serve(start_daemon, tmp_path, NO_LOOKS, seconds=60), tmp_path, b"run\n")
    assert command_of(tmp_path).exists()
    way.leave(client)
    took = ends(tmp_path)
    text = f"{way.name}, not looked for: command runs after {NOTICED + SLACK:g} s"
    figure(Promise.LEAVER, text, control=True)
    assert took is None


@pytest.mark.parametrize("runner", [LOOKS, NO_LOOKS], ids=["looked for", "not looked for"])
@WAYS
def test_stalled_peer_that_leaves(
    start_daemon: Start, figure: Figure, tmp_path: Path, runner: str | Sequence[str], way: Way
) -> None:
    """A peer that is not read at all is noticed when it leaves; the control does not notice."""
    daemon, metrics = serve(start_daemon, tmp_path, runner, seconds=60), tmp_path / "metrics"
    client = way.ask(daemon, tmp_path, b"stall\n")
    assert read_bytes(client, 6) == b"never\n"
    way.leave(client)
    gone = within(NOTICED + SLACK, lambda: count(metrics, "connections") == 0)
    looked = runner is LOOKS
    text = f"{way.name}, stalled: {'noticed' if gone else 'not noticed'}"
    figure(Promise.LEAVER, text, control=not looked)
    assert gone is looked


@WAYS
def test_half_close_ends_no_command(start_daemon: Start, tmp_path: Path, way: Way) -> None:
    """Who only sends no more still gets what the command says."""
    daemon = serve(start_daemon, tmp_path, LOOKS, seconds=3)
    with way.ask(daemon, tmp_path, b"run\n") as client:
        client.settimeout(PATIENCE)
        client.shutdown(socket.SHUT_WR)
        assert read_bytes(client, 99) == b"\n" + way.more
