"""Every kind of place that a daemon listens on."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
from pathlib import Path

import pytest

from tests.end_to_end.clients import TEXTBOOK_REPLY, ask, connect, connect_unix, read_all
from tests.end_to_end.daemons import Start
from tests.end_to_end.waiting import PATIENCE, eventually

LOCAL_TCP = "tcp:0:interface=127.0.0.1"


def has_ipv6() -> bool:
    """Is there an address ::1?"""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")


def ask_tls(address: tuple[str, int], certificate: Path) -> bytes:
    """What a client is answered over TLS that checks the certificate."""
    context = ssl.create_default_context(cafile=certificate)
    with (
        socket.create_connection(address, PATIENCE) as wire,
        context.wrap_socket(wire, server_hostname="localhost") as client,
    ):
        client.sendall(b"hello")
        return read_all(client)


def test_tcp(start_daemon: Start) -> None:
    """`tcp:`, on the interface that it names."""
    assert ask(start_daemon("--listen", LOCAL_TCP).port) == TEXTBOOK_REPLY


@needs_ipv6
def test_tcp6(start_daemon: Start) -> None:
    """`tcp6:`; the log shows the address in brackets."""
    daemon = start_daemon("--listen", r"tcp6:0:interface=\:\:1")
    with socket.create_connection(("::1", daemon.port), PATIENCE) as client:
        client.sendall(b"hello")
        assert read_all(client) == TEXTBOOK_REPLY
        peer = f"[::1]:{client.getsockname()[1]}"
    assert f"client {peer} connected\n" in daemon.log


def test_unix(start_daemon: Start, tmp_path: Path) -> None:
    """`unix:`; the socket goes when the daemon does."""
    daemon = start_daemon("--listen", "unix:s.sock")
    daemon.wait_for("listening on unix:s.sock\n")
    with connect_unix(str(tmp_path / "s.sock")) as client:
        client.sendall(b"hello")
        assert read_all(client) == TEXTBOOK_REPLY
    assert daemon.stop() == 0
    assert not (tmp_path / "s.sock").exists()


def test_ssl(start_daemon: Start, certificate: Path) -> None:
    """`ssl:`, with a certificate that the client checks."""
    daemon = start_daemon("--listen", f"ssl:0:privateKey={certificate}:interface=127.0.0.1")
    assert ask_tls(("127.0.0.1", daemon.port), certificate) == TEXTBOOK_REPLY


@needs_ipv6
def test_tls(start_daemon: Start, certificate: Path) -> None:
    """`tls:`, with the certificates of a directory, chosen by the name that the client asks for."""
    daemon = start_daemon("--listen", rf"tls:{certificate.parent}:port=0:interface=\:\:1")
    assert ask_tls(("::1", daemon.port), certificate) == TEXTBOOK_REPLY


def test_several_at_once(start_daemon: Start, certificate: Path, tmp_path: Path) -> None:
    """`--listen` may be repeated; each listener answers."""
    tls = f"ssl:0:privateKey={certificate}:interface=127.0.0.1"
    where = (LOCAL_TCP, LOCAL_TCP, tls, "unix:s")
    daemon = start_daemon(*(word for each in where for word in ("--listen", each)))
    first, second, third = daemon.ports(3)
    daemon.wait_for("listening on unix:s\n")
    assert ask(first) == ask(second) == TEXTBOOK_REPLY
    assert ask_tls(("127.0.0.1", third), certificate) == TEXTBOOK_REPLY
    with connect_unix(str(tmp_path / "s")) as client:
        client.sendall(b"hello")
        assert read_all(client) == TEXTBOOK_REPLY


@pytest.mark.skipif(
    shutil.which("systemd-socket-activate") is None,
    reason="systemd-socket-activate is not installed",
)
def test_systemd(start_daemon: Start, tmp_path: Path) -> None:
    """`systemd:` takes over a socket that systemd opened, found by its name."""
    path = tmp_path / "handed-over"
    daemon = start_daemon(
        "--listen",
        "systemd:domain=UNIX:name=ours",
        under=("systemd-socket-activate", "--fdname=ours", "-l", str(path)),
    )
    eventually(path.exists)
    with connect_unix(str(path)) as client:  # which starts the daemon
        client.sendall(b"hello")
        assert read_all(client) == TEXTBOOK_REPLY
    assert daemon.stop() == 0
    assert "listening on unix:" in daemon.log


def test_nonsense_at_a_tls_port_harms_nobody(start_daemon: Start, certificate: Path) -> None:
    """Bytes that are no TLS are not answered; they cost no traceback and no other client."""
    daemon = start_daemon("--listen", f"ssl:0:privateKey={certificate}:interface=127.0.0.1")
    for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(500), bytes(100_000)):
        with connect(daemon.port) as client:
            try:
                client.sendall(junk)
                assert TEXTBOOK_REPLY not in read_all(client)
            except ConnectionError:
                pass  # it was thrown out before it had sent everything
    with connect(daemon.port):
        assert ask_tls(("127.0.0.1", daemon.port), certificate) == TEXTBOOK_REPLY
    assert daemon.stop() == 0
    assert "Traceback" not in daemon.log
    assert re.search(r"served 5 connections: 1 messages, 1 replies", daemon.log)
