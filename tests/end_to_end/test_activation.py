"""Sockets that somebody else opened for the daemon, and keeps."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from sockreply.server.listening import KEEPALIVE, UNSENT_IN_KERNEL
from tests.end_to_end.activation import (
    handing_over,
    port_of,
    start_on,
    tcp_listener,
    unix_listener,
)
from tests.end_to_end.clients import TEXTBOOK_REPLY, ask, connect, connect_unix, read_all
from tests.end_to_end.daemons import SCRIPTS, Start, in_turn
from tests.end_to_end.test_endpoints import needs_ipv6
from tests.end_to_end.waiting import PATIENCE, eventually

OURS = ("--listen", "systemd:domain=INET:name=ours")
FIRST = ("--listen", "systemd:domain=INET:index=0")
UNIX = ("--listen", "systemd:domain=UNIX:name=ours")

METRICS_REQUEST = b"GET /metrics HTTP/1.0\r\n\r\n"


def can_be_without_network() -> bool:
    """May this user make a network namespace, with nothing in it?"""
    return shutil.which("unshare") is not None and os.geteuid() == 0


def asked(client: socket.socket) -> bytes:
    """All that is answered to a client that sends once and reads to the end."""
    with client:
        client.sendall(b"hello")
        return read_all(client)


@in_turn(
    "names, listen",
    [
        pytest.param("ours", OURS, id="by name"),
        pytest.param("ours", FIRST, id="by number"),
        pytest.param("-", FIRST, id="without names"),
    ],
    every=1,
)
def test_found(start_daemon: Start, runner: str, names: str, listen: Sequence[str]) -> None:
    """A socket is found by its name, and by its number whether or not sockets have names."""
    with tcp_listener() as listener:
        daemon = start_on(start_daemon, [listener], names, *listen, runner=runner)
        assert ask(port_of(listener)) == TEXTBOOK_REPLY
        assert daemon.port == port_of(listener)
        assert daemon.stop() == 0


@needs_ipv6
def test_several_with_one_name(start_daemon: Start, tmp_path: Path) -> None:
    """IPv4, IPv6 and UNIX sockets that share a name, as those of one unit do, are all served."""
    path = str(tmp_path / "ours.sock")
    with tcp_listener() as four, tcp_listener("::1") as six, unix_listener(path) as unix:
        six_too = ("--listen", "systemd:domain=INET6:name=ours")
        start_on(start_daemon, [six, unix, four], "ours:ours:ours", *OURS, *six_too, *UNIX)
        assert ask(port_of(four)) == TEXTBOOK_REPLY
        assert asked(socket.create_connection(("::1", port_of(six)), PATIENCE)) == TEXTBOOK_REPLY
        assert asked(connect_unix(path)) == TEXTBOOK_REPLY


def test_metrics(start_daemon: Start) -> None:
    """A second socket serves the counts."""
    with tcp_listener() as listener, tcp_listener() as watched:
        metrics = ("--metrics", "systemd:domain=INET:name=metrics")
        start_on(start_daemon, [listener, watched], "ours:metrics", *OURS, *metrics)
        assert ask(port_of(listener)) == TEXTBOOK_REPLY
        with connect(port_of(watched)) as client:
            client.sendall(METRICS_REQUEST)
            assert b'\nsockreply_replies_total{service="default"} 1.0\n' in read_all(client)


def test_proxy_header(start_daemon: Start) -> None:
    """`haproxy:` reads the PROXY header of who connects to a socket that was handed over."""
    with tcp_listener() as listener:
        daemon = start_on(start_daemon, [listener], "-", "--listen", f"haproxy:{FIRST[1]}")
        with connect(port_of(listener)) as client:
            client.sendall(b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n")
            daemon.wait_for("connected")
            client.sendall(b"hello")
            assert read_all(client) == TEXTBOOK_REPLY


def test_unix_socket_stays_as_it_is(start_daemon: Start, tmp_path: Path) -> None:
    """The mode, the queue and the file of a UNIX socket are its owner's, also behind the end."""
    path = tmp_path / "ours.sock"
    with unix_listener(str(path), backlog=200) as listener:
        path.chmod(0o600)
        daemon = start_on(start_daemon, [listener], "ours", *UNIX)
        assert asked(connect_unix(str(path))) == TEXTBOOK_REPLY
        daemon.signal(signal.SIGSTOP)
        waiting = [connect_unix(str(path)) for _ in range(150)]  # Twisted would let 51 wait
        daemon.signal(signal.SIGCONT)
        assert {asked(client) for client in waiting} == {TEXTBOOK_REPLY}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert daemon.stop() == 0
        with connect_unix(str(path)) as client:
            start_on(start_daemon, [listener], "ours", *UNIX)
            assert asked(client) == TEXTBOOK_REPLY


def test_socket_options(start_daemon: Start) -> None:
    """What connections inherit from a socket of ours is set on one that was handed over, too."""
    with tcp_listener() as listener:
        start_on(start_daemon, [listener], "ours", *OURS).wait_for("listening on")
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        if hasattr(socket, "TCP_NOTSENT_LOWAT") and hasattr(socket, "TCP_KEEPIDLE"):
            of_tcp = (socket.TCP_KEEPIDLE, socket.TCP_NOTSENT_LOWAT)
            set_to = [listener.getsockopt(socket.IPPROTO_TCP, option) for option in of_tcp]
            assert set_to == [KEEPALIVE[0], UNSENT_IN_KERNEL]


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_limit_of_connections(start_daemon: Start, tmp_path: Path, kind: str) -> None:
    """The excess waits in the queue of a socket that was handed over, and is served after it."""
    path = str(tmp_path / "ours.sock")
    with tcp_listener() as tcp, unix_listener(path) as unix:
        listener, listen = (tcp, OURS) if kind == "tcp" else (unix, UNIX)
        daemon = start_on(start_daemon, [listener], "ours", *listen, "--max-connections", "1")

        def client() -> socket.socket:
            return connect(port_of(tcp)) if kind == "tcp" else connect_unix(path)

        with client() as first, client() as second:
            daemon.wait_for("connected")
            second.sendall(b"hello")
            assert asked(first) == TEXTBOOK_REPLY
            assert read_all(second) == TEXTBOOK_REPLY
        assert daemon.log.index("answered") < daemon.log.rindex("connected")


def test_reload_gives_it_to_another_service(start_daemon: Start, tmp_path: Path) -> None:
    """A reload may let another service listen on the socket, and give it back again."""
    file = tmp_path / "example.toml"

    def service(name: str) -> str:
        rule = f'rules = [{{ reply = "{name}" }}]'
        return f'[services.{name}]\nlisten = "systemd:domain=INET:name=ours"\n{rule}\n'

    file.write_text(service("one"))
    with tcp_listener() as listener:
        daemon = start_on(start_daemon, [listener], "ours", "--config", str(file))

        def read_again(times: int) -> bool:
            return daemon.log.count("reloaded") == times

        assert ask(port_of(listener)) == b"one"
        for number, name in enumerate(("two", "one", "two"), 1):
            file.write_text(service(name))
            daemon.signal(signal.SIGHUP)
            eventually(partial(read_again, number))
            assert ask(port_of(listener)) == name.encode()
        assert daemon.stop() == 0


def refused(words: Sequence[str], directory: Path, listeners: Sequence[socket.socket] = ()) -> str:
    """The one line with which a daemon ends that cannot start."""
    ended = subprocess.run(
        words,
        cwd=directory,
        pass_fds=[each.fileno() for each in listeners],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (78, ""), ended
    (line,) = ended.stderr.splitlines()
    return line


@pytest.mark.parametrize(
    ("names", "listen", "error"),
    [
        ("ours:ours", OURS, "2 sockets have this name; index=... tells them apart"),
        ("one:two", OURS, "no such socket was passed; there are: one, two"),
        ("-", OURS, "no such socket was passed; there are: unknown"),
        ("one", OURS, "LISTEN_FDS is 2, but LISTEN_FDNAMES has 1 names"),
        ("ours:two", UNIX, "the socket's domain is INET"),
        (
            "-",
            ("--listen", "systemd:domain=INET:index=2"),
            "the last socket that was passed has index 1",
        ),
    ],
)
def test_not_found(tmp_path: Path, names: str, listen: Sequence[str], error: str) -> None:
    """A socket that is not there, or not the only one, is one line that says what is."""
    serve = [str(SCRIPTS / "sockreply"), "serve", *listen]
    with tcp_listener() as one, tcp_listener() as two:
        line = refused([*handing_over([one, two], names), *serve], tmp_path, [one, two])
    assert line == f"sockreply: endpoint {listen[1]}: {error}"


def test_what_does_not_listen(tmp_path: Path) -> None:
    """A socket for datagrams is one line that says that nobody can connect to it."""
    serve = [str(SCRIPTS / "sockreply"), "serve", *OURS]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        line = refused([*handing_over([listener], "ours"), *serve], tmp_path, [listener])
    assert line.endswith("it is not a listening socket")


def test_nothing_was_handed_over(tmp_path: Path) -> None:
    """A daemon that was to be activated and is started by hand says that in one line."""
    line = refused([str(SCRIPTS / "sockreply"), "serve", *OURS], tmp_path)
    assert "no socket was passed to this process (LISTEN_FDS, LISTEN_PID)" in line


@pytest.mark.skipif(not can_be_without_network(), reason="only root may unshare the network")
def test_without_any_network(start_daemon: Start) -> None:
    """A daemon in an empty network namespace serves the sockets that it was handed, and metrics."""
    with tcp_listener() as listener, tcp_listener() as watched:
        daemon = start_on(
            start_daemon,
            [listener, watched],
            "ours:metrics",
            *OURS,
            *("--metrics", "systemd:domain=INET:name=metrics"),
            under=["unshare", "--net"],
        )
        for _ in range(200):
            assert ask(port_of(listener)) == TEXTBOOK_REPLY
        interfaces = Path(f"/proc/{daemon.pid}/net/dev").read_text().splitlines()[2:]
        assert [each.split(":")[0].strip() for each in interfaces] == ["lo"]
        with connect(port_of(watched)) as client:
            client.sendall(METRICS_REQUEST)
            assert b'\nsockreply_replies_total{service="default"} 200.0\n' in read_all(client)
        assert daemon.stop() == 0
