"""The pages of `[metrics]`, asked by the programs and in the ways that operators ask them."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.end_to_end.clients import ask, connect, half_close_and_read, read_all
from tests.end_to_end.daemons import Start, needs_program, with_open_files
from tests.end_to_end.waiting import PATIENCE, eventually

GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def free_port() -> int:
    """The number of a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def web(start_daemon: Start, free_port: int) -> int:
    """The port of the pages of a daemon that listens."""
    start_daemon("--metrics", f"tcp:{free_port}")
    wait_until_open(free_port)
    return free_port


def wait_until_open(port: int) -> None:
    """Wait until somebody listens on a port."""

    def is_open() -> bool:
        with suppress(ConnectionRefusedError), connect(port):
            return True
        return False

    eventually(is_open)


@needs_program("curl")
def test_curl(web: int) -> None:
    """It gets two pages in one command: the first connection is closed, and it makes another."""
    where = f"http://127.0.0.1:{web}"
    words = ("curl", "-sS", "--noproxy", "*", f"{where}/metrics", f"{where}/readyz")
    done = subprocess.run(words, capture_output=True, timeout=PATIENCE, check=True)
    assert b"sockreply_build_info" in done.stdout
    assert done.stdout.endswith(b"\nready\n")
    assert done.stderr == b""


def test_client_that_keeps_connections(web: int) -> None:
    """One that would, as Prometheus would, hears that it cannot, and connects for each page."""
    client = http.client.HTTPConnection("127.0.0.1", web, timeout=PATIENCE)
    for path in ("/metrics", "/healthz", "/metrics"):
        client.request("GET", path)
        answer = client.getresponse()
        assert answer.status == 200
        assert answer.getheader("Connection") == "close"
        assert len(answer.read()) == int(answer.getheader("Content-Length") or 0)
        assert client.sock is None


def test_half_close(web: int) -> None:
    """A peer that says it will send no more, as netcat does, gets its page."""
    for _ in range(20):
        assert b"sockreply_build_info" in half_close_and_read(web, GET)


def test_pages_are_fresh(start_daemon: Start, free_port: int) -> None:
    """Whoever asks again at once sees what happened in between."""
    daemon = start_daemon("--metrics", f"tcp:{free_port}")
    wait_until_open(free_port)
    for number in range(1, 9):
        ask(daemon.port)
        with connect(free_port) as client:
            client.sendall(GET)
            text = f'sockreply_replies_total{{service="default"}} {number}.0\n'
            assert text in read_all(client).decode()


def test_tls(start_daemon: Start, free_port: int, certificate: Path) -> None:
    """Over TLS the page is whole, too, and its end is a proper one."""
    key = f"ssl:{free_port}:privateKey={certificate}:interface=127.0.0.1"
    start_daemon("--metrics", key)
    wait_until_open(free_port)
    context = ssl.create_default_context(cafile=str(certificate))
    with (
        connect(free_port) as wire,
        context.wrap_socket(wire, server_hostname="localhost") as client,
    ):
        client.sendall(GET)
        assert b"sockreply_build_info" in read_all(client)


def test_places_have_their_descriptors(start_daemon: Start, free_port: int) -> None:
    """A limit of connections that would leave none for the pages does not fit."""
    metrics = ("--metrics", f"tcp:{free_port}")
    daemon = start_daemon("--max-connections", "73", *metrics, under=with_open_files(200, 200))
    assert daemon.wait() == 1
    assert "max-connections 73 does not fit" in daemon.log
    assert "allows 72" in daemon.log
    start_daemon("--max-connections", "72", *metrics, under=with_open_files(200, 200)).ports(1)
