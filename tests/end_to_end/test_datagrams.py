"""UDP in a daemon: where it listens, how that changes, and how it stops."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.end_to_end.clients import ask
from tests.end_to_end.daemons import Start, in_each_foreground, start_to_end
from tests.end_to_end.daemons import command as command_line
from tests.end_to_end.waiting import PATIENCE, eventually

LOCAL = "udp:0:interface=127.0.0.1"


@contextmanager
def peer_of(port: int) -> Iterator[socket.socket]:
    """A peer that talks to a port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.settimeout(PATIENCE)
        made.connect(("127.0.0.1", port))
        yield made


def answer_of(port: int, message: bytes) -> bytes:
    """The answer to one datagram."""
    with peer_of(port) as peer:
        peer.send(message)
        return peer.recv(70_000)


@in_each_foreground
def test_each_runner(start_daemon: Start, runner: str) -> None:
    """Each runner serves UDP, and TCP on the same port number, and ends in an orderly way."""
    daemon = start_daemon("--listen", LOCAL, "--echo", "--ready-file", "ready.json", runner=runner)
    port = daemon.port
    assert answer_of(port, b"hello") == b"hello"
    assert answer_of(port, b"") == b""
    assert answer_of(port, b"x" * 60_000) == b"x" * 60_000
    assert daemon.stop() == 0
    assert "served 3 connections: 3 messages, 3 replies" in daemon.log


def test_ready_file(start_daemon: Start, tmp_path: Path) -> None:
    """The ready file says which listener is on UDP; TCP may have the same number."""
    first = start_daemon("--listen", LOCAL, "--echo")
    port = first.port
    assert first.stop() == 0
    both = (f"udp:{port}:interface=127.0.0.1", f"tcp:{port}:interface=127.0.0.1")
    daemon = start_daemon(
        *(word for each in both for word in ("--listen", each)),
        *("--echo", "--ready-file", "ready.json"),
    )
    assert daemon.ports(2) == [port, port]
    eventually((tmp_path / "ready.json").exists)
    listeners = json.loads((tmp_path / "ready.json").read_text())["services"]["default"]
    assert listeners == [
        {"host": "127.0.0.1", "port": port, "udp": True, "tls": False},
        {"host": "127.0.0.1", "port": port, "tls": False},
    ]
    assert (answer_of(port, b"a"), ask(port, b"b")) == (b"a", b"b")


def test_errors_at_the_start(tmp_path: Path) -> None:
    """What cannot be listened on, or does not suit UDP, is one line."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        for options, status, line in (
            (
                [f"udp:{port}:interface=127.0.0.1"],
                1,
                f"port {port} on 127.0.0.1: Address already in use",
            ),
            ([LOCAL, "-f", "line"], 78, f"endpoint {LOCAL}: over UDP each datagram is a message"),
            (
                [LOCAL, "--greeting", "x"],
                78,
                f"endpoint {LOCAL}: a greeting cannot be sent",
            ),
            (["udp:x"], 78, "endpoint udp:x: 'x' is not a whole number"),
        ):
            words = command_line("sockreply serve", "--listen", *options)
            done = start_to_end(*words, directory=tmp_path)
            assert done.returncode == status, done
            assert line in done.stderr.splitlines()[-1]


CONFIG = """
[services.s]
listen = {listen}
keep_alive = true
rules = [
    {{ when = {{ equals = "slow" }}, reply = [{{ delay = {delay} }}, "slow {version}"] }},
    {{ reply = {{ template = "{{{{ count }}}} {version}" }} }},
]
"""


def test_reload_and_drain(start_daemon: Start, tmp_path: Path) -> None:
    """A reload keeps sessions and replies on their way; so does the end, and then all is over."""

    def write(version: int, *listen: str) -> None:
        text = CONFIG.format(listen=json.dumps(listen), version=version, delay=0.5)
        (tmp_path / "s.toml").write_text(text)

    write(1, LOCAL)
    daemon = start_daemon("--config", "s.toml")
    port = daemon.port
    with peer_of(port) as peer, peer_of(port) as waiting:
        peer.send(b"")
        assert peer.recv(100) == b"1 1"
        waiting.send(b"slow")
        write(2, LOCAL, "udp:0:127.0.0.1")
        daemon.signal(signal.SIGHUP)
        other = daemon.ports(2)[1]
        eventually(lambda: answer_of(other, b"") == b"1 2")
        peer.send(b"")
        assert peer.recv(100) == b"2 2"
        assert waiting.recv(100) == b"slow 1"
        peer.send(b"slow")
        peer.send(b"")
        write(3, "udp:0:127.0.0.1")
        daemon.signal(signal.SIGHUP)  # the first listener goes, once it has answered
        assert peer.recv(100).startswith(b"slow")
        assert peer.recv(100).split()[0] in (b"4", b"1")
        eventually(lambda: "(UDP Port" in daemon.log)
    with peer_of(other) as last:
        last.send(b"slow")
        last.send(b"x")
        eventually(lambda: "'slow'" in daemon.log.rpartition("(UDP Port")[2])
        daemon.signal(signal.SIGTERM)
        assert last.recv(100) == b"slow 3"
        assert last.recv(100) == b"1 3"
    assert daemon.wait() == 0
    assert " 0 errors" in daemon.log
