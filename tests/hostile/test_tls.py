"""A TLS handshake that never ends holds no place for longer than a message may take."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.end_to_end.clients import connect
from tests.end_to_end.daemons import Start
from tests.hostile.figures import Figure, Promise
from tests.hostile.metrics import count
from tests.hostile.naive import NAIVE
from tests.hostile.test_deadlines import leaves_after

PLACES = 3
TIMEOUT = 2.0
"""Seconds that a handshake may take here."""

SLACK = 2.0
"""Seconds by which a deadline may be late, on a machine that has other work."""

SERVING = """
[services.default]
listen = {listen}
framing = "line"
max_connections = {places}
message_timeout = {timeout}
idle_timeout = 0
keep_alive = true
otherwise = {{ echo = true }}
{rules}

[metrics]
listen = "unix:{metrics}"
"""


def client_hello() -> bytes:
    """What a client says first."""
    outgoing = ssl.MemoryBIO()
    client = ssl._create_unverified_context().wrap_bio(ssl.MemoryBIO(), outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@contextmanager
def dripping(client: socket.socket, data: bytes) -> Iterator[None]:
    """Meanwhile, send a byte every tenth of a second."""
    over = Event()

    def drip() -> None:
        with suppress(OSError):
            for byte in data:
                if over.wait(0.1):
                    return
                client.sendall(bytes([byte]))

    thread = Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def served_after(
    port: int, patience: float, *, asks: bool = False
) -> tuple[list[float | None], float | None]:
    """Take all places with handshakes that do not end, and then ask.

    Args:
        port: The server's.
        patience: Seconds after which the test gives up.
        asks: Is TLS asked for in clear (STARTTLS)?

    Returns:
        Seconds until the server has given each of the three up, in their order, and until the
        client that came last had its answer; None: not while the patience lasted.
    """
    hello = client_hello()
    with ExitStack() as stack:
        silent, half, slow = (stack.enter_context(connect(port)) for _ in range(PLACES))
        for each in (silent, half, slow) if asks else ():
            ask_for_tls(each)
        begun = time.monotonic()
        half.sendall(hello[: len(hello) // 2])
        stack.enter_context(dripping(slow, hello))
        asked = ask_over_tls(port, patience, asks=asks)
        served = round(time.monotonic() - begun, 2) if asked else None
        left = max(0.1, begun + patience - time.monotonic())
        gone = [leaves_after(each, left / PLACES) for each in (silent, half, slow)]
        return gone, served


def ask_for_tls(client: socket.socket) -> None:
    """Ask in clear."""
    client.sendall(b"TLS\n")
    assert client.recv(3) == b"go\n"


def ask_over_tls(port: int, patience: float, *, asks: bool = False) -> bool:
    """Is a client that does all as it should answered?"""
    try:
        with socket.create_connection(("127.0.0.1", port), patience) as plain:
            context = ssl._create_unverified_context()
            if asks:
                ask_for_tls(plain)
            with context.wrap_socket(plain) as client:
                client.sendall(b"hello\n")
                return client.recv(100) == b"hello\n"
    except OSError:
        return False


def assert_places_come_free(gone: list[float | None], served: float | None) -> None:
    """All three were given up, and the next client was served, in time and no sooner."""
    assert served is not None
    assert TIMEOUT - 0.2 < served < TIMEOUT + SLACK
    assert None not in gone


@pytest.mark.parametrize("kind", ["table", "string", "starttls"])
def test_handshake_that_never_ends_is_ended(
    start_daemon: Start, certificate: Path, figure: Figure, tmp_path: Path, kind: str
) -> None:
    """Silent, cut short or a byte at a time: its place is free after message_timeout."""
    listen = f'"ssl:0:privateKey={certificate}:interface=127.0.0.1"'
    if kind != "string":
        later = str(kind == "starttls").lower()
        tls = f'tls = {{ certificate = "{certificate}", starttls = {later} }}'
        listen = f'{{ endpoint = "tcp:0:interface=127.0.0.1", {tls} }}'
    metrics, file = tmp_path / "metrics", tmp_path / "tls.toml"
    starts = kind == "starttls"
    rules = "rules = [{ when.equals = 'TLS', reply = ['go', { starttls = true }] }]" * starts
    known = {"listen": listen, "places": PLACES, "timeout": TIMEOUT, "metrics": metrics}
    file.write_text(SERVING.format(rules=rules, **known))
    daemon = start_daemon("--config", str(file))
    gone, served = served_after(daemon.port, TIMEOUT + SLACK, asks=starts)
    figure(
        Promise.HANDSHAKE,
        f"message_timeout {TIMEOUT:g} s, idle_timeout 0, {kind}: next served after {served} s",
    )
    assert_places_come_free(gone, served)
    assert count(metrics, "closed_total", "message_timeout") == PLACES
    assert daemon.log.count(f"took more than {TIMEOUT:g} s: TLS handshake") == PLACES


def test_handshake_that_never_ends(start_daemon: Start, certificate: Path, figure: Figure) -> None:
    """The control: Twisted's `ssl:` endpoint waits for it for ever."""
    listen = f"ssl:0:privateKey={certificate}:interface=127.0.0.1"
    daemon = start_daemon("--listen", listen, "--most", str(PLACES), runner=NAIVE)
    gone, served = served_after(daemon.port, TIMEOUT + SLACK)
    figure(
        Promise.HANDSHAKE,
        f"given up after {gone}, next client served after {served}",
        control=True,
    )
    with pytest.raises(AssertionError):
        assert_places_come_free(gone, served)
    assert gone == [None] * PLACES
