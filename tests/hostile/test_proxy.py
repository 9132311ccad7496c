"""Behind a PROXY header everything holds that holds without one."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.end_to_end.clients import connect, half_close_and_read, read_all, read_bytes
from tests.end_to_end.daemons import RESPONDERS, Daemon, Start
from tests.hostile.figures import Figure, Promise
from tests.hostile.naive import NAIVE
from tests.server.proxy.headers import LINE, block, inet, tlv

FILE = """
[services.default]
listen = {{ endpoint = "tcp:0:interface=127.0.0.1", proxy_from = "127.0.0.1" }}
framing = "line"
keep_alive = true
responder = "{responder}"
max_connections_per_peer = {per_peer}
"""
STOCK = ("--listen", "haproxy:tcp:0:interface=127.0.0.1")
"""The options of the control: Twisted's own wrapper around a plain protocol."""

ECHO, LATER = f"{RESPONDERS}:echoing", f"{RESPONDERS}:waiting"
ONE = b"0.0001\n"
MANY = ONE * 200
V2 = block(inet() + tlv(0x05, b"a unique ID"))

AT_A_TIME = 3
"""Connections that one client may have here."""

ROUNDS = 100
FLOOD = 2_000
LINES_AT_MOST = 250
"""That a flood may write: 20 a second and their count, for some seconds on a slow machine."""


def start(start_daemon: Start, directory: Path, responder: str = ECHO, per_peer: int = 0) -> Daemon:
    """A daemon that believes headers from here."""
    (directory / "c.toml").write_text(FILE.format(responder=responder, per_peer=per_peer))
    return start_daemon("--config", "c.toml")


def incomplete(daemon: Daemon, header: bytes, sent: bytes, clients: int) -> int:
    """How many of so many clients, one after the other, do not get everything back."""
    port, lost = daemon.port, 0
    for _ in range(clients):
        try:
            lost += half_close_and_read(port, header + sent) != sent
        except ConnectionError:
            lost += 1
    return lost


@pytest.mark.parametrize(
    ("responder", "header", "sent", "clients"),
    [
        pytest.param(ECHO, LINE, ONE, 2_000, id="one at once"),
        pytest.param(LATER, V2, ONE, 2_000, id="one later"),
        pytest.param(ECHO, V2, MANY, 200, id="200 at once"),
        pytest.param(LATER, LINE, MANY, 10, id="200 later"),
    ],
)
def test_half_close_behind_a_header(
    start_daemon: Start,
    figure: Figure,
    tmp_path: Path,
    responder: str,
    header: bytes,
    sent: bytes,
    clients: int,
) -> None:
    """A client whose proxy sends header, requests and FIN at once gets every reply."""
    lost = incomplete(start(start_daemon, tmp_path, responder), header, sent, clients)
    when = "at once" if responder == ECHO else "later"
    count = sent.count(b"\n")
    figure(Promise.PROXY, f"{count} {when} a client: {lost} of {clients:,} clients lost replies")
    assert lost == 0


@pytest.mark.parametrize(("sent", "clients"), [(ONE, 2_000), (MANY, 200)])
def test_half_close_behind_a_header_elsewhere(
    start_daemon: Start, figure: Figure, sent: bytes, clients: int
) -> None:
    """The control: behind Twisted's wrapper, a plain protocol loses the replies."""
    lost = incomplete(start_daemon(*STOCK, runner=NAIVE), LINE, sent, clients)
    count = sent.count(b"\n")
    text = f"{count} a client: {lost:,} of {clients:,} clients lost replies"
    figure(Promise.PROXY, text, control=True)
    assert lost > 0


def wrongly_cut(daemon: Daemon, headers: Sequence[bytes]) -> tuple[int, int]:
    """In how many places a header may not be cut, and how many there are."""
    wrong = places = 0
    for header in headers:
        for at in range(1, len(header)):
            places += 1
            with connect(daemon.port) as client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.sendall(header[:at])
                # There is no other way to see that it has been read.
                assert not select_readable(client, 0.005) or not client.recv(1)
                try:
                    client.sendall(header[at:] + ONE)
                    wrong += read_bytes(client, len(ONE)) != ONE
                except ConnectionError:
                    wrong += 1
    return wrong, places


def select_readable(client: socket.socket, seconds: float) -> bool:
    """Has a peer something to read within some time?"""
    client.settimeout(seconds)
    try:
        client.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    finally:
        client.settimeout(20)
    return True


def test_header_in_any_chunks(start_daemon: Start, figure: Figure, tmp_path: Path) -> None:
    """A header may be cut anywhere."""
    wrong, places = wrongly_cut(start(start_daemon, tmp_path), (LINE, V2))
    figure(Promise.PROXY, f"cut in two: {wrong} of {places} cuts lost the connection")
    assert wrong == 0


def test_header_in_any_chunks_elsewhere(start_daemon: Start, figure: Figure) -> None:
    """The control: Twisted's parser wants the first bytes together."""
    wrong, places = wrongly_cut(start_daemon(*STOCK, runner=NAIVE), (LINE, V2))
    text = f"cut in two: {wrong} of {places} cuts lost the connection"
    figure(Promise.PROXY, text, control=True)
    assert wrong > 0


def served_by_peer(daemon: Daemon) -> tuple[int, int]:
    """How often a client's connections up to the limit are served, and how often one more is.

    The proxy is the same all the time, and so is its address.
    """
    right = over = 0
    for number in range(ROUNDS):
        header = b"PROXY TCP4 192.0.2.%d 198.51.100.9 1 2\r\n" % (number % 7)
        with ExitStack() as stack:
            for at in range(AT_A_TIME + 1):
                client = stack.enter_context(connect(daemon.port))
                served = is_served(client, header)
                right += served and at < AT_A_TIME
                over += served and at == AT_A_TIME
            clients = stack.pop_all()
        clients.close()
        is_over(daemon, header)
    return right, over


def is_over(daemon: Daemon, header: bytes) -> None:
    """Wait until the connections of a client are gone, as far as that can be seen from here."""
    for _ in range(20):
        with connect(daemon.port) as client:
            if is_served(client, header):
                return


def is_served(client: socket.socket, header: bytes) -> bool:
    """Is a client behind a proxy answered?"""
    try:
        client.sendall(header + ONE)
        return read_bytes(client, len(ONE)) == ONE
    except ConnectionError:
        return False


def test_limit_by_client_behind_a_proxy(
    start_daemon: Start, figure: Figure, tmp_path: Path
) -> None:
    """`max_connections_per_peer` is of the clients that the proxy names."""
    right, over = served_by_peer(start(start_daemon, tmp_path, per_peer=AT_A_TIME))
    wanted = ROUNDS * AT_A_TIME
    figure(Promise.PROXY, f"{right} of {wanted} within the limit served, {over} over it")
    assert (right, over) == (wanted, 0)


def test_limit_by_client_behind_a_proxy_elsewhere(start_daemon: Start, figure: Figure) -> None:
    """The control: counted when it connects, a connection is the proxy's, and later it is not."""
    options = ("--most-by-peer", str(AT_A_TIME))
    right, over = served_by_peer(start_daemon(*STOCK, *options, runner=NAIVE))
    wanted = ROUNDS * AT_A_TIME
    text = f"{right} of {wanted} within the limit served, {over} over it"
    figure(Promise.PROXY, text, control=True)
    assert (right, over) != (wanted, 0)


def flood(daemon: Daemon) -> tuple[int, int]:
    """How many lines and bytes a flood of wrong headers makes a daemon log."""
    before = len(daemon.log)
    wrong = (
        b"PROXY TCP4 192.0.2.7 198.51.100.9 x y\r\n",
        b"PROXY TCP4 1.2.3.4:1\x1b[2J 198.51.100.9 1 2\r\n",
        b"PROXY TCP4 \xff 198.51.100.9 1 2\r\n",
        block(inet() + b"\n<2>"),
    )
    for number in range(FLOOD):
        with connect(daemon.port) as client:
            try:
                client.sendall(wrong[number % len(wrong)])
                client.shutdown(socket.SHUT_WR)
                read_all(client)
            except ConnectionError:
                pass
    log = daemon.log[before:]
    return log.count("\n"), len(log)


def test_wrong_headers(start_daemon: Start, figure: Figure, tmp_path: Path) -> None:
    """A flood of wrong headers costs some lines a second, all of them printable."""
    daemon = start(start_daemon, tmp_path)
    lines, size = flood(daemon)
    figure(Promise.PROXY, f"{FLOOD:,} wrong headers: {lines} lines, {size:,} bytes in the log")
    assert 0 < lines <= LINES_AT_MOST
    assert "Traceback" not in daemon.log
    assert "\x1b" not in daemon.log
    assert daemon.stop() == 0


def test_wrong_headers_elsewhere(start_daemon: Start, figure: Figure) -> None:
    """The control: Twisted's wrapper logs tracebacks, as many as come."""
    daemon = start_daemon(*STOCK, runner=NAIVE)
    lines, size = flood(daemon)
    text = f"{FLOOD:,} wrong headers: {lines:,} lines, {size:,} bytes in the log"
    figure(Promise.PROXY, text, control=True)
    assert lines > LINES_AT_MOST
