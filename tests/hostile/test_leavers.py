"""Who has left for good is noticed, whether or not it is being read."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

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


def ask_over_tcp(daemon: Daemon, _: Path, message: bytes, hears: bytes = b"") -> socket.socket:
    """A client of the port that has sent more than the daemon reads before it has answered."""
    client = connect(daemon.port)
    client.sendall(message)
    assert read_bytes(client, len(hears)) == hears
    for _more in range(3):
        time.sleep(0.1)
        client.sendall(b"more\n")
    return client


def ask_over_unix(_: Daemon, path: Path, message: bytes, hears: bytes = b"") -> socket.socket:
    """A client of the UNIX socket."""
    client = connect_unix(str(path / "socket"))
    client.sendall(message)
    assert read_bytes(client, len(hears)) == hears
    return client


def reset_unread(*asking: Any) -> None:
    """Reset the connection while it is not read."""
    reset(ask_over_tcp(*asking))


def close_whole(*asking: Any) -> None:
    """Close both ways at once."""
    ask_over_unix(*asking).close()


WAYS = pytest.mark.parametrize(
    "leave",
    [
        pytest.param(reset_unread, id="reset while paused"),
        pytest.param(close_whole, id="closed UNIX socket"),
    ],
)


def serve(start_daemon: Start, path: Path, runner: str | Sequence[str], seconds: int) -> Daemon:
    """A daemon whose command takes so long."""
    (path / "example.toml").write_text(CONFIG.format(seconds=seconds))
    daemon = start_daemon("--config", "example.toml", runner=runner)
    eventually((path / "metrics").exists, lambda: daemon.log)
    return daemon


def runs(path: Path) -> bool:
    """Does the command run?"""
    try:
        pid = int((path / "pid").read_text())
        return "sleep" in Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return False


@WAYS
@pytest.mark.parametrize("others", [0, 2], ids=["alone", "among others"])
def test_command_ends_with_its_peer(
    start_daemon: Start, figure: Figure, tmp_path: Path, leave: Callable[..., None], others: int
) -> None:
    """A command whose peer has left, both ways, runs no further."""
    daemon = serve(start_daemon, tmp_path, LOOKS, seconds=60)
    with ExitStack() as stack:
        for _ in range(others):
            stack.enter_context(connect(daemon.port))
            stack.enter_context(connect_unix(str(tmp_path / "socket")))
        leave(daemon, tmp_path, b"run\n")
        eventually(lambda: (tmp_path / "pid").exists())
        begun = time.monotonic()
        gone = within(NOTICED + SLACK, lambda: not runs(tmp_path))
        took = time.monotonic() - begun
    figure(Promise.LEAVER, f"{leave.__name__}, {others} others: command gone after {took:.1f} s")
    assert gone
    assert count(tmp_path / "metrics", "errors_total", "abandoned") == 1


@WAYS
def test_command_that_goes_on(
    start_daemon: Start, figure: Figure, tmp_path: Path, leave: Callable[..., None]
) -> None:
    """The control: who is not looked for is not noticed."""
    daemon = serve(start_daemon, tmp_path, NO_LOOKS, seconds=60)
    leave(daemon, tmp_path, b"run\n")
    eventually(lambda: runs(tmp_path))
    gone = within(NOTICED + SLACK, lambda: not runs(tmp_path))
    text = f"{leave.__name__}, not looked for: command runs after {NOTICED + SLACK:g} s"
    figure(Promise.LEAVER, text, control=True)
    with pytest.raises(AssertionError):
        assert gone


@pytest.mark.parametrize("runner", [LOOKS, NO_LOOKS], ids=["looked for", "not looked for"])
@WAYS
def test_stalled_peer_that_leaves(
    start_daemon: Start,
    figure: Figure,
    tmp_path: Path,
    runner: str | Sequence[str],
    leave: Callable[..., None],
) -> None:
    """A peer that is not read at all is noticed when it leaves; the control does not notice."""
    daemon, metrics = serve(start_daemon, tmp_path, runner, seconds=60), tmp_path / "metrics"
    leave(daemon, tmp_path, b"stall\n", b"never\n")
    gone = within(NOTICED + SLACK, lambda: count(metrics, "connections") == 0)
    looked = runner is LOOKS
    text = f"{leave.__name__}, stalled: {'noticed' if gone else 'not noticed'}"
    figure(Promise.LEAVER, text, control=not looked)
    assert gone is looked


@pytest.mark.parametrize("ask", [ask_over_tcp, ask_over_unix])
def test_half_close_ends_no_command(
    start_daemon: Start, tmp_path: Path, ask: Callable[..., socket.socket]
) -> None:
    """Who only sends no more still gets what the command says."""
    daemon = serve(start_daemon, tmp_path, LOOKS, seconds=3)
    with ask(daemon, tmp_path, b"run\n") as client:
        client.settimeout(PATIENCE)
        client.shutdown(socket.SHUT_WR)
        expected = b"\n" + (b"more\n" * 3 if ask is ask_over_tcp else b"")
        assert read_bytes(client, 99) == expected
