"""Programs that nobody here wrote get their answers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.clients import TEXTBOOK_REPLY
from tests.end_to_end.daemons import Start
from tests.end_to_end.waiting import PATIENCE


def run(program: str, *words: str, told: bytes = b"") -> bytes:
    """What a program prints when it is told something; the test is skipped if there is none."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(
        [program, *words], input=told, capture_output=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done
    return done.stdout


def test_ncat(start_daemon: Start) -> None:
    """The textbook reply reaches ncat."""
    port = str(start_daemon().port)
    assert run("ncat", "127.0.0.1", port, told=b"hello\n") == TEXTBOOK_REPLY


def test_nc_that_half_closes(start_daemon: Start) -> None:
    """`nc -N`, which closes its sending side first, gets all replies to the lines that it sent."""
    port = str(start_daemon("-f", "line", "-k", "--echo").port)
    assert run("nc", "-N", "127.0.0.1", port, told=b"one\ntwo\n") == b"one\ntwo\n"


def test_nc_with_a_message_that_ends_with_the_stream(start_daemon: Start) -> None:
    """`nc -N` gets its answer where only the end of the stream ends a message."""
    port = str(start_daemon("-f", "eof", "--echo").port)
    assert run("nc", "-N", "127.0.0.1", port, told=b"one\ntwo") == b"one\ntwo"


def test_socat(start_daemon: Start) -> None:
    """The textbook reply reaches socat."""
    port = start_daemon().port
    assert run("socat", "-t5", "-", f"TCP:127.0.0.1:{port}", told=b"hello") == TEXTBOOK_REPLY


def test_curl(start_daemon: Start) -> None:
    """A reply that is an HTTP response satisfies curl, whose request ends with an empty line."""
    response = r"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"
    daemon = start_daemon("--framing", r"delimited:end=\r\n\r\n", "--reply", response)
    assert run("curl", "-s", "--noproxy", "*", f"http://127.0.0.1:{daemon.port}/") == b"hello\n"


def test_redis_cli(start_daemon: Start) -> None:
    """An answer of +PONG satisfies redis-cli, and there is one for each command."""
    daemon = start_daemon("--framing", "resp", "-k", "--reply", r"+PONG\r\n")
    told = b"ping\nping 'a b'\n"
    assert run("redis-cli", "-p", str(daemon.port), told=told) == b"PONG\nPONG\n"


def test_openssl(start_daemon: Start, certificate: Path) -> None:
    """`openssl s_client` gets the reply over TLS, with a certificate that it verifies."""
    daemon = start_daemon("--listen", f"ssl:0:privateKey={certificate}:interface=127.0.0.1")
    address = f"127.0.0.1:{daemon.port}"
    verify = ("-verify_return_error", "-CAfile", str(certificate), "-servername", "localhost")
    words = ("s_client", "-quiet", "-connect", address, *verify)
    assert run("openssl", *words, told=b"hello\n") == TEXTBOOK_REPLY
