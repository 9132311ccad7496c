"""Limits per peer in a whole daemon: over TLS, over a reload, and when it stops."""

from __future__ import annotations

import select
import signal
import socket
import ssl
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.end_to_end.clients import connect, read_all, read_bytes, shake_hands
from tests.end_to_end.daemons import Daemon, Start
from tests.end_to_end.waiting import PATIENCE, eventually

FILE = """
[services.default]
listen = "{listen}"
framing = "line"
keep_alive = true
otherwise = {{ echo = true }}
[services.default.per_peer]
{limits}
"""
TCP = "tcp:0:interface=127.0.0.1"
SLOW = "messages_per_second = 0.01"


def start_with(
    limits: str, start_daemon: Start, directory: Path, listen: str = TCP
) -> tuple[Daemon, Path]:
    """A daemon whose peers have these limits, and its file."""
    file = directory / "limits.toml"
    file.write_text(FILE.format(listen=listen, limits=limits))
    return start_daemon("--config", str(file)), file


def hears_nothing(client: socket.socket, seconds: float = 0.3) -> bool:
    """Does nothing come in this time?"""
    return not select.select([client], [], [], seconds)[0]


def test_pace(start_daemon: Start, tmp_path: Path) -> None:
    """Pipelined messages are answered at their pace, in order, to a client that half-closed."""
    limits = "messages_per_second = 20\nmessages_burst = 1"
    daemon, _ = start_with(limits, start_daemon, tmp_path)
    wire = b"".join(b"%d\n" % number for number in range(11))
    with connect(daemon.port) as client:
        begun = time.monotonic()
        client.sendall(wire)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == wire
    assert time.monotonic() - begun > 0.45


def test_reload(start_daemon: Start, tmp_path: Path) -> None:
    """SIGHUP brings other limits to the connections that there are, and to those that wait."""
    daemon, file = start_with(SLOW, start_daemon, tmp_path)
    with connect(daemon.port) as client:
        client.sendall(b"a\nb\nc\n")
        assert read_bytes(client, 2) == b"a\n"
        assert hears_nothing(client)
        text = file.read_text()
        file.write_text(text.replace("0.01", "1000"))
        daemon.signal(signal.SIGHUP)
        assert read_bytes(client, 4) == b"b\nc\n"
        time.sleep(0.2)  # the tokens for these are there again long before
        file.write_text(text + 'over = "refuse"\nmessages_burst = 2\n')
        daemon.signal(signal.SIGHUP)
        eventually(lambda: daemon.log.count("reloaded\n") == 2)
        client.sendall(b"d\ne\nf\ng\n")
        assert read_all(client) == b"d\ne\n"
    daemon.wait_for("closed: too many messages a second from its address")


def test_stop(start_daemon: Start, tmp_path: Path) -> None:
    """SIGTERM holds nobody back any longer: what has arrived is answered."""
    daemon, _ = start_with(SLOW, start_daemon, tmp_path)
    with connect(daemon.port) as client:
        client.sendall(b"a\nb\nc\n")
        assert read_bytes(client, 2) == b"a\n"
        daemon.signal(signal.SIGTERM)
        assert read_all(client) == b"b\nc\n"
    assert daemon.wait() == 0


@pytest.mark.parametrize("kind", ["ssl", "tls"])
def test_over_tls(start_daemon: Start, tmp_path: Path, certificate: Path, kind: str) -> None:
    """A new connection waits before its handshake, and has time for it when the daemon stops."""
    listen = f"ssl:0:privateKey={certificate}:interface=127.0.0.1"
    if kind == "tls":
        listen = f"tls:{certificate.parent}:port=0:interface=127.0.0.1"
    limits = "connections_per_second = 0.01\nconnections_burst = 1"
    daemon, _ = start_with(limits, start_daemon, tmp_path, listen)
    context = ssl._create_unverified_context()
    with connect(daemon.port) as first, connect(daemon.port) as second:
        shake_hands(first, context)
        with suppress(ConnectionResetError), connect(daemon.port) as third:
            assert read_all(third) == b""  # one may wait, and no more
        with context.wrap_socket(second, do_handshake_on_connect=False) as waiting:
            waiting.settimeout(1.5)  # longer than a newcomer has when the daemon stops
            with pytest.raises(TimeoutError):
                waiting.do_handshake()
            waiting.settimeout(PATIENCE)
            daemon.signal(signal.SIGTERM)
            waiting.do_handshake()
            waiting.sendall(b"b\n")
            assert waiting.recv(9) == b"b\n"
    assert daemon.wait() == 0
