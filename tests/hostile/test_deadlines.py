"""A close always comes to an end; who is idle is closed, and who is not never."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.clients import connect, read_bytes, shake_hands
from tests.end_to_end.daemons import Start
from tests.hostile.figures import Figure, Promise
from tests.hostile.metrics import count
from tests.hostile.naive import ANYWHERE, NAIVE

SLACK = 2.0
"""Seconds by which a deadline may be late: a tenth, on a machine that has other work."""

CLOSE = 1.0
"""Seconds that a close may take here."""

IDLE = 2.0
"""Seconds that a client may be idle here."""

EVERY = 0.2
"""Seconds after which one that is not asks again: often enough, on a machine with other work."""

ASKED = 20
"""How often it asks: for twice as long as it might be idle."""

BIG = 15_000_000
CLOSING = """
[services.default]
listen = "{listen}"
framing = "line"
close_timeout = {seconds}
write_timeout = {seconds} # which it is for a peer that was seen to take some, again and again
otherwise = {{ file = "reply" }}

[metrics]
listen = "unix:{metrics}"
"""


def leaves_after(client: socket.socket, patience: float) -> float | None:
    """Seconds until the server has given a connection up that its client does not read.

    Returns:
        None: it is still there when the patience is over.
    """
    begun = time.monotonic()
    look = select.poll()
    look.register(client, 0)  # errors and hang-ups are told anyway
    return round(time.monotonic() - begun, 2) if look.poll(patience * 1000) else None


def ask_over_tcp(port: int) -> socket.socket:
    """A client that has asked for much and reads nothing of it."""
    client = connect(port)
    client.sendall(b"hello\n")
    return client


def ask_over_tls(port: int) -> socket.socket:
    """A client that has asked over TLS, reads nothing, and will not say good-bye."""
    client = connect(port)
    tls, _, outgoing = shake_hands(client, ssl._create_unverified_context())
    tls.write(b"hello\n")
    client.sendall(outgoing.read())
    return client


ASK = {"tcp": ask_over_tcp, "ssl": ask_over_tls}


def listen_on(kind: str, certificate: Path) -> str:
    """The endpoint string of a free port."""
    key = f":privateKey={certificate}" if kind == "ssl" else ""
    return f"{kind}:0{key}:interface=127.0.0.1"


def assert_given_up(took: float | None) -> None:
    """Its time was over, and no sooner."""
    assert took is not None
    assert CLOSE - 0.1 < took < CLOSE + SLACK


SLOW_PEERS = pytest.mark.parametrize(
    ("kind", "size"),
    [
        pytest.param("tcp", BIG, id="reads nothing"),
        pytest.param("ssl", BIG, id="reads nothing over TLS"),
        pytest.param("ssl", 10, id="never answers a close_notify"),
    ],
)


@SLOW_PEERS
def test_close_comes_to_an_end(
    start_daemon: Start, certificate: Path, figure: Figure, tmp_path: Path, kind: str, size: int
) -> None:
    """A peer that reads nothing, or stays silent in the good-bye of TLS, is gone in its time."""
    (tmp_path / "reply").write_bytes(bytes(size))
    listen, metrics = listen_on(kind, certificate), tmp_path / "metrics"
    file = tmp_path / "closing.toml"
    file.write_text(CLOSING.format(listen=listen, seconds=CLOSE, metrics=metrics))
    daemon = start_daemon("--config", str(file))
    with ASK[kind](daemon.port) as client:
        took = leaves_after(client, CLOSE + SLACK)
    figure(
        Promise.CLOSE,
        f"{kind}, {size:,} bytes unread, time-outs {CLOSE:g} s: gone after {took} s",
    )
    assert_given_up(took)
    assert count(metrics, "connections") == 0


@SLOW_PEERS
def test_close_that_has_no_end(
    start_daemon: Start, certificate: Path, figure: Figure, kind: str, size: int
) -> None:
    """The control: Twisted's loseConnection waits for such a peer for ever."""
    options = ("--listen", listen_on(kind, certificate), "--close", "--reply-bytes", str(size))
    daemon = start_daemon(*options, runner=NAIVE)
    with ASK[kind](daemon.port) as client:
        took = leaves_after(client, CLOSE + SLACK)
    figure(
        Promise.CLOSE,
        f"{kind}, {size:,} bytes unread: still there after {CLOSE + SLACK:g} s",
        control=True,
    )
    with pytest.raises(AssertionError):
        assert_given_up(took)


@dataclass(frozen=True)
class Lives:
    """How long clients were served."""

    idle: float | None
    """Seconds after which the one was closed that said nothing; None: it was not."""
    answers: int
    """That the one got that asked and asked."""

    def __str__(self) -> str:
        idle = "never" if self.idle is None else f"after {self.idle:.2f} s"
        return f"idle client closed {idle}, active one answered {self.answers} of {ASKED} times"


def lives(port: int) -> Lives:
    """Let one client be idle, and one ask more often than it has to, for longer than it need."""
    with connect(port) as idle, connect(port) as active:
        begun, closed, answers = time.monotonic(), None, 0
        look = select.poll()
        look.register(idle, select.POLLIN)
        for _ in range(ASKED):
            with suppress(ConnectionError):
                active.sendall(b"hello\n")
                answers += read_bytes(active, 6) == b"hello\n"
            if closed is None and look.poll(EVERY * 1000):
                closed = time.monotonic() - begun
            elif closed is not None:
                time.sleep(EVERY)  # the pace of the one that is active
        return Lives(closed, answers)


def assert_only_idle_is_closed(what: Lives) -> None:
    """The idle one was closed in its time, the active one not at all."""
    assert what.idle is not None
    assert IDLE - 0.1 < what.idle < IDLE + SLACK
    assert what.answers == ASKED


def test_who_is_idle_is_closed_and_who_is_not_never(
    start_daemon: Start, figure: Figure, tmp_path: Path
) -> None:
    """A client that says nothing is closed in its time; one that asks is served for longer."""
    options = ("--idle-timeout", str(IDLE), "--metrics", "unix:metrics")
    daemon = start_daemon("-f", "line", "-k", "--echo", *options)
    what = lives(daemon.port)
    figure(Promise.IDLE, f"idle_timeout {IDLE:g} s: {what}")
    assert_only_idle_is_closed(what)
    assert count(tmp_path / "metrics", "closed_total", "idle") == 1


@pytest.mark.parametrize("life", [(), ("--life", str(IDLE))], ids=["none", "a time of its own"])
def test_timeouts_that_are_none(start_daemon: Start, figure: Figure, life: Sequence[str]) -> None:
    """The controls: without a timeout nobody is closed, with one that is never reset everybody."""
    what = lives(start_daemon(*ANYWHERE, *life, runner=NAIVE).port)
    figure(Promise.IDLE, f"{'never reset' if life else 'no timeout'}: {what}", control=True)
    with pytest.raises(AssertionError):
        assert_only_idle_is_closed(what)
