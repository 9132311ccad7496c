"""The textbook client, written anew, against the daemon; and what the daemon's log shows of it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.end_to_end.clients import TEXTBOOK_REPLY, ask, ask_at_once, connect, read_all
from tests.end_to_end.daemons import Daemon, Start
from tests.end_to_end.waiting import PATIENCE

TEXTBOOK_CLIENT = """\
import socket
import sys

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect(("127.0.0.1", int(sys.argv[1])))
client.send("안녕하세요, 서버!".encode("utf-8"))
print(client.recv(1024).decode("utf-8"))
client.close()
"""


@pytest.fixture(scope="module")
def daemon(start_shared_daemon: Start) -> Daemon:
    """A daemon without options."""
    return start_shared_daemon()


def test_textbook_client_prints_the_reply(daemon: Daemon) -> None:
    """The textbook client, a program of its own, prints the textbook server's reply."""
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", TEXTBOOK_CLIENT, str(daemon.port)],
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=True,
    )
    assert done.stdout == "서버로부터 응답 메시지입니다.\n"


def test_stream_ends_after_the_reply(daemon: Daemon) -> None:
    """A client gets the reply in UTF-8, once, and then the end of the stream."""
    assert ask(daemon.port, "안녕하세요, 서버!".encode()) == TEXTBOOK_REPLY


def test_many_clients_at_once(daemon: Daemon) -> None:
    """Two hundred clients that are all connected before one of them sends are all answered."""
    assert ask_at_once(daemon.port, [b"hello"] * 200) == [TEXTBOOK_REPLY] * 200


def test_a_client_that_says_nothing_holds_up_nobody(daemon: Daemon) -> None:
    """While a client is connected and silent, others are answered."""
    with connect(daemon.port) as silent:
        assert ask(daemon.port) == TEXTBOOK_REPLY
        silent.sendall(b"now")
        assert read_all(silent) == TEXTBOOK_REPLY


def test_log_tells_the_exchange_in_order(start_daemon: Start) -> None:
    """The log shows listening and where, the client and its address, the message, the answer."""
    daemon = start_daemon()
    with connect(daemon.port) as client:
        host, port = client.getsockname()
        client.sendall("안녕하세요, 서버!".encode())
        assert read_all(client) == TEXTBOOK_REPLY
    assert daemon.stop() == 0
    ours = re.findall(r"\[sockreply\S*#info\] (.*)", daemon.log)
    peer = f"{host}:{port}"
    assert ours[:4] == [
        f"listening on 127.0.0.1:{daemon.port}",
        f"client {peer} connected",
        f"received from {peer}: '안녕하세요, 서버!'",
        f"answered {peer}: '서버로부터 응답 메시지입니다.'",
    ]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        pytest.param(b"\x1b]0;pwned\x07\x1b[2J", r"'\x1b]0;pwned\x07\x1b[2J'", id="terminal"),
        pytest.param(b"a\r\nlistening on 6.6.6.6:1", r"'a\r\nlistening on 6.6.6.6:1'", id="lines"),
        pytest.param(b"\xff\xfe\xc3(", r"'\xff\xfe\xc3('", id="invalid UTF-8"),
        pytest.param("\x9b2J\u2028\u202e".encode(), r"'\x9b2J\u2028\u202e'", id="C1, bidi"),
        pytest.param(b"\0\x7f\\", r"'\x00\x7f\\'", id="controls, backslash"),
    ],
)
def test_nothing_of_a_peer_reaches_the_log_raw(
    start_daemon: Start, message: bytes, shown: str
) -> None:
    """Controls, escapes, line ends and invalid UTF-8 are shown as text, never raw, never raised."""
    daemon = start_daemon("--echo")
    assert ask(daemon.port, message) == message
    assert daemon.stop() == 0
    assert f": {shown}\n" in daemon.log
    assert daemon.log.count(shown) == 2  # received, answered
    assert all(each.isprintable() for each in daemon.log.split("\n"))
    assert "Traceback" not in daemon.log
