"""Behind a real HAProxy, which says in a PROXY header who the client is."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.certificates import make_certificate
from tests.end_to_end.clients import connect, connect_unix, read_all, read_bytes
from tests.end_to_end.daemons import Daemon, Start, needs_program
from tests.end_to_end.waiting import eventually
from tests.server.proxy.headers import LINE, block, inet

FILE = """
[log]
record = "record.jsonl"

[services.named]
listen = {{ endpoint = "{endpoint}", proxy_from = {proxies} }}
framing = "line"
keep_alive = true
greeting = "hello"
allow = {allow}
otherwise = {{ template = "{{{{ peer.host }}}} {{{{ peer.port }}}}" }}
"""

HAPROXY = """
global
    stats socket {directory}/stats mode 600 level user

defaults
    mode tcp
    timeout connect 2s
    timeout client 20s
    timeout server 20s

frontend front
    bind fd@{listener} {bind}
    unique-id-format client-%cp
    default_backend back

backend back
    server one {server} {options}
"""


@contextmanager
def balancer(directory: Path, server: str, options: str, bind: str = "") -> Iterator[int]:
    """HAProxy before a daemon; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        file = directory / "haproxy.cfg"
        values = {"listener": listener.fileno(), "server": server, "options": options}
        file.write_text(HAPROXY.format(directory=directory, bind=bind, **values))
        words = ["haproxy", "-db", "-f", str(file)]
        process = subprocess.Popen(words, pass_fds=[listener.fileno()], cwd=directory)
        try:
            eventually((directory / "stats").exists, lambda: f"haproxy: {process.poll()}")
            yield listener.getsockname()[1]
        finally:
            process.kill()
            process.wait()


def start(
    start_daemon: Start,
    directory: Path,
    endpoint: str = "tcp:0:interface=127.0.0.1",
    proxies: str = "'127.0.0.0/8'",
    allow: str = "'127.0.0.1'",
) -> Daemon:
    """A daemon that answers with its peer's address."""
    (directory / "c.toml").write_text(
        FILE.format(endpoint=endpoint, proxies=proxies, allow=allow), encoding="utf-8"
    )
    return start_daemon("--config", "c.toml")


def start_with_prefix(start_daemon: Start, directory: Path, endpoint: str) -> Daemon:
    """The same, with `haproxy:` before the endpoint, and proxies here."""
    text = FILE.replace("{{ endpoint =", "").replace(", proxy_from = {proxies} }}", "")
    text = text.format(endpoint=f"haproxy:{endpoint}", allow="'127.0.0.1'")
    (directory / "c.toml").write_text(text, encoding="utf-8")
    return start_daemon("--config", "c.toml")


def events(directory: Path, event: str) -> list[dict[str, Any]]:
    """What the record has."""
    file = directory / "record.jsonl"
    lines = map(json.loads, file.read_text().splitlines() if file.exists() else ())
    return [line for line in lines if line["event"] == event]


@needs_program("haproxy")
@pytest.mark.parametrize(
    ("options", "version", "types"),
    [
        ("send-proxy", 1, []),
        ("send-proxy-v2", 2, []),
        ("send-proxy-v2 proxy-v2-options crc32c,unique-id", 2, ["unique_id"]),
        ("send-proxy-v2 proxy-v2-options crc32c,unique-id,authority", 2, ["unique_id"]),
    ],
)
def test_haproxy(
    start_daemon: Start, tmp_path: Path, options: str, version: int, types: list[str]
) -> None:
    """The peer is HAProxy's client in rules, templates, `allow`, the log and the record."""
    daemon = start(start_daemon, tmp_path)
    with balancer(tmp_path, f"127.0.0.1:{daemon.port}", options) as port, connect(port) as client:
        name = client.getsockname()
        client.sendall(b"x\n" * 200)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"hello\n" + b"127.0.0.1 %d\n" % name[1] * 200
    daemon.wait_for(f"received from 127.0.0.1:{name[1]}: 'x'")
    eventually(lambda: events(tmp_path, "disconnected"))
    (connected,) = events(tmp_path, "connected")
    assert connected["peer"] == f"127.0.0.1:{name[1]}"
    assert connected["local"] == f"127.0.0.1:{port}"
    proxy = connected["proxy"]
    assert proxy["address"] != connected["peer"]
    assert (proxy["version"], proxy["own"]) == (version, False)
    assert [each["type"] for each in proxy["tlvs"]] == types
    assert [bytes.fromhex(each["hex"]) for each in proxy["tlvs"]] == [b"client-%d" % name[1]] * len(
        types
    )


@needs_program("haproxy")
@pytest.mark.parametrize(
    "options", ["send-proxy-v2-ssl-cn proxy-v2-options crc32c,unique-id,authority"]
)
def test_haproxy_that_has_the_tls(start_daemon: Start, tmp_path: Path, options: str) -> None:
    """What HAProxy tells of the TLS that it ended is in the record."""
    make_certificate(tmp_path / "example.pem")
    daemon = start(start_daemon, tmp_path)
    server, bind = f"127.0.0.1:{daemon.port}", "ssl crt example.pem"
    context = ssl._create_unverified_context()
    with (
        balancer(tmp_path, server, options, bind) as port,
        context.wrap_socket(connect(port), server_hostname="a.example") as client,
    ):
        client.sendall(b"x\n")
        answer = b"hello\n127.0.0.1 %d\n" % client.getsockname()[1]
        assert read_bytes(client, len(answer)) == answer
        version = client.version()
    eventually(lambda: events(tmp_path, "connected"))
    (connected,) = events(tmp_path, "connected")
    told = {each["type"]: each for each in connected["proxy"]["tlvs"]}
    assert told["authority"]["text"] == "a.example"
    assert "unique_id" in told
    assert told["ssl"]["client"] == ["ssl"]
    assert {"type": "version", "text": version} in told["ssl"]["tlvs"]


@needs_program("haproxy")
@pytest.mark.parametrize("version", ["send-proxy", "send-proxy-v2"])
def test_haproxy_checks(start_daemon: Start, tmp_path: Path, version: str) -> None:
    """HAProxy's checks with a header find the daemon up, and are not told as complaints."""
    daemon = start(start_daemon, tmp_path)
    options = f"{version} check-send-proxy check inter 50ms fall 1 rise 1"
    with balancer(tmp_path, f"127.0.0.1:{daemon.port}", options) as port:
        eventually(lambda: len(events(tmp_path, "disconnected")) > 3)
        with connect(port) as client:
            client.sendall(b"x\n")
            client.shutdown(socket.SHUT_WR)
            assert read_all(client).endswith(b" %d\n" % client.getsockname()[1])
    wanted = {True, False} if version == "send-proxy-v2" else {False}

    def owns() -> set[bool]:
        return {each["proxy"]["own"] for each in events(tmp_path, "connected")}

    eventually(lambda: owns() == wanted, lambda: str(owns()))
    assert "refused" not in daemon.log


@needs_program("haproxy")
@pytest.mark.parametrize("written", ["haproxy:unix", "table"])
def test_haproxy_over_a_unix_socket(start_daemon: Start, tmp_path: Path, written: str) -> None:
    """A proxy that connects to a UNIX socket is believed as `unix`, and with the prefix too."""
    if written == "table":
        daemon = start(start_daemon, tmp_path, "unix:d.sock:mode=660", "'unix'")
    else:
        daemon = start_with_prefix(start_daemon, tmp_path, "unix:d.sock:mode=660")
    daemon.wait_for("listening on")
    server = f"{tmp_path}/d.sock"
    with balancer(tmp_path, server, "send-proxy-v2") as port, connect(port) as client:
        client.sendall(b"x\n")
        client.shutdown(socket.SHUT_WR)
        answer = b"127.0.0.1 %d\n" % client.getsockname()[1]
        assert read_all(client) == b"hello\n" + answer
    with connect_unix(server) as stranger:
        stranger.sendall(b"x\n")
        assert read_all(stranger) == b""


@pytest.mark.parametrize("written", ["haproxy:ssl", "table"])
def test_header_before_tls(start_daemon: Start, tmp_path: Path, written: str) -> None:
    """The header comes first, then the handshake, then messages."""
    make_certificate(tmp_path / "example.pem")
    endpoint = "ssl:0:privateKey=example.pem:interface=127.0.0.1"
    if written == "table":
        daemon = start(start_daemon, tmp_path, endpoint, allow="'192.0.2.0/24'")
    else:
        daemon = start_with_prefix(start_daemon, tmp_path, endpoint)
    context = ssl._create_unverified_context()
    with connect(daemon.port) as client:
        client.sendall(LINE[:9])
        client.sendall(LINE[9:])
        with context.wrap_socket(client) as tls:
            tls.sendall(b"x\n")
            assert read_bytes(tls, 22) == b"hello\n192.0.2.7 56324\n"


def test_proxy_whose_header_comes_late(start_daemon: Start, tmp_path: Path) -> None:
    """Nothing is said to who sends no header; it is let go."""
    daemon = start(start_daemon, tmp_path, allow="'192.0.2.0/24'")
    with connect(daemon.port) as late, connect(daemon.port) as good:
        good.sendall(block(inet()) + b"x\n")
        assert read_bytes(good, 22) == b"hello\n192.0.2.7 56324\n"
        late.settimeout(0.3)
        with pytest.raises(TimeoutError):
            late.recv(1)
        assert daemon.stop() == 0


def test_stop_with_who_waits(start_daemon: Start, tmp_path: Path) -> None:
    """SIGTERM ends in time, whatever waits for its header."""
    daemon = start(start_daemon, tmp_path)
    waiting = [connect(daemon.port) for _ in range(20)]
    try:
        assert daemon.stop() == 0
        assert {read_all(each) for each in waiting} == {b""}
    finally:
        for each in waiting:
            each.close()
