"""Connections under each of Twisted's reactors, whose hub is one descriptor among the others."""

from __future__ import annotations

import select
import signal
import socket
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.end_to_end.activation import port_of, start_on, tcp_listener, unix_listener
from tests.end_to_end.clients import (
    ask,
    connect,
    connect_unix,
    half_close_and_read,
    read_bytes,
    reset,
)
from tests.end_to_end.daemons import RESPONDERS, Daemon, Start, needs_proc, start_to_end
from tests.end_to_end.responders import BIG
from tests.end_to_end.waiting import eventually

has_epoll = hasattr(select, "epoll")
REACTORS = [*(["epoll"] if has_epoll else []), "poll", "select", "asyncio"]
CLIENTS = 40

# A service that nobody stops before the reactor ends; `go` ends it.
ENDS_AT_ONCE = """
import sys
from twisted.application.reactors import installReactor
reactor = installReactor(sys.argv[1])
from twisted.internet.endpoints import clientFromString, connectProtocol
from twisted.internet.protocol import Protocol
from sockreply.framing import Line
from sockreply.replies import as_responder
from sockreply.server import ReplyFactory, ReplyService

def stop(message, session):
    session.when_closed().addCallback(lambda _: print("closed"))
    reactor.callLater(0, reactor.stop)
    return b"stopping"

class Client(Protocol):
    def connectionMade(self):
        self.transport.write(b"go\\n")

factory = ReplyFactory(Line(), as_responder(stop), reactor, keep_alive=True)
service = ReplyService(reactor, factory, ["tcp:0:interface=127.0.0.1"])
service.startService()
port = service.addresses()[0].port
connectProtocol(clientFromString(reactor, f"tcp:127.0.0.1:{port}"), Client())
reactor.run()
left = [type(each).__name__ for each in reactor.getReaders()]
print(dict(factory.shared.counters.closed), "Hub" in left)
"""


def under(reactor: str) -> tuple[str, ...]:
    """The words of a daemon under a reactor."""
    return ("twistd", f"--reactor={reactor}", "-n", "--pidfile=", "sockreply")


def epolls(daemon: Daemon) -> list[int]:
    """For each epoll that a daemon has open, how many descriptors wait in it."""
    process = Path(f"/proc/{daemon.pid}")
    found = []
    for each in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # it has just been closed
            if str(each.readlink()) == "anon_inode:[eventpoll]":
                found.append((process / "fdinfo" / each.name).read_text().count("tfd:"))
    return sorted(found)


def reload(daemon: Daemon, file: Path, text: str) -> None:
    """Let a daemon read its changed file again."""
    before = daemon.log.count("reloaded")
    file.write_text(text)
    daemon.signal(signal.SIGHUP)
    eventually(lambda: daemon.log.count("reloaded") > before, lambda: daemon.log)


@pytest.mark.parametrize("reactor", REACTORS)
def test_conversations(start_daemon: Start, reactor: str) -> None:
    """Many connections at once are answered; half-closes and resets end only their own."""
    daemon = start_daemon("--echo", "--framing", "line", "--keep-alive", runner=under(reactor))
    clients = [connect(daemon.port) for _ in range(CLIENTS)]
    for turn in range(20):
        for number, client in enumerate(clients):
            client.sendall(b"%d %d\n" % (turn, number))
        for number, client in enumerate(clients):
            line = b"%d %d\n" % (turn, number)
            assert read_bytes(client, len(line)) == line
    for client in clients[::2]:
        reset(client)
    assert half_close_and_read(daemon.port, b"one\ntwo\n") == b"one\ntwo\n"
    for client in clients[1::2]:
        client.sendall(b"more\n")
        assert read_bytes(client, 5) == b"more\n"
        client.close()
    assert daemon.stop() == 0
    assert "Traceback" not in daemon.log


@pytest.mark.parametrize("reactor", REACTORS)
def test_more_than_the_kernel_takes(start_daemon: Start, reactor: str) -> None:
    """A long reply to a peer that reads late arrives whole, and another peer need not wait."""
    daemon = start_daemon("--responder", f"{RESPONDERS}:big", runner=under(reactor))
    with connect(daemon.port) as late:
        late.sendall(b"x")
        assert ask(daemon.port) == BIG
        assert read_bytes(late, len(BIG) + 1) == BIG
    assert daemon.stop() == 0


@pytest.mark.parametrize("reactor", REACTORS)
def test_end_of_the_reactor(tmp_path: Path, reactor: str) -> None:
    """When the reactor ends under a service that was not stopped, connections hear of it."""
    program = tmp_path / "program.py"
    program.write_text(ENDS_AT_ONCE)
    done = start_to_end(sys.executable, str(program), reactor, directory=tmp_path)
    assert done.stdout == "closed\n{'lost': 1} False\n", done
    assert done.stderr == ""


needs_epoll = pytest.mark.skipif(not has_epoll, reason="there is no epoll")


@needs_proc
@needs_epoll
@pytest.mark.parametrize("kind", ["tcp", "unix", "ssl", "haproxy", "systemd INET", "systemd UNIX"])
def test_each_kind_of_connection(
    start_daemon: Start, tmp_path: Path, certificate: Path, kind: str
) -> None:
    """Whatever a port is made of, all but one of its connections wait in the hub."""
    runner, path = under("poll"), str(tmp_path / "socket")
    where = {
        "tcp": "tcp:0:interface=127.0.0.1",
        "unix": f"unix:{path}",
        "ssl": f"ssl:0:interface=127.0.0.1:privateKey={certificate}",
        "haproxy": "haproxy:tcp:0:interface=127.0.0.1",
    }
    with ExitStack() as opened:
        if kind in where:
            daemon = start_daemon("--listen", where[kind], runner=runner)
        else:
            domain = kind.split()[1]
            given = tcp_listener() if domain == "INET" else unix_listener(path)
            listeners = [opened.enter_context(given)]
            listen = f"systemd:domain={domain}:index=0"
            daemon = start_on(start_daemon, listeners, "-", "--listen", listen, runner=runner)
        if kind.lower().endswith("unix"):
            daemon.wait_for("listening on")
            clients = [opened.enter_context(connect_unix(path)) for _ in range(3)]
        else:
            port = port_of(listeners[0]) if kind not in where else daemon.port
            clients = [opened.enter_context(connect(port)) for _ in range(3)]
        eventually(lambda: epolls(daemon) == [2], lambda: str(epolls(daemon)))
        for client in clients:
            client.close()
        eventually(lambda: epolls(daemon) == [0], lambda: str(epolls(daemon)))
    assert daemon.stop() == 0


@needs_proc
@needs_epoll
def test_one_epoll_however_often_settings_change(start_daemon: Start, tmp_path: Path) -> None:
    """There is one for all services, made for the first connection, and no reload adds any."""
    file = tmp_path / "services.toml"
    one = '[services.{name}]\nlisten = "unix:{name}"\nframing = "line"\notherwise = "{name}"\n'
    text = one.format(name="first") + one.format(name="second")
    file.write_text(text)
    daemon = start_daemon("--config", str(file), runner=under("poll"))
    eventually((tmp_path / "second").exists)
    assert epolls(daemon) == []
    for turn in range(3):
        for name in ("first", "second"):
            with socket.socket(socket.AF_UNIX) as client, socket.socket(socket.AF_UNIX) as before:
                before.connect(str(tmp_path / name))  # waits in the reactor
                client.connect(str(tmp_path / name))
                client.sendall(b"x\n")
                assert client.recv(100) == f"{name}\n".encode()
        eventually(lambda: epolls(daemon) == [0], lambda: str(epolls(daemon)))
        reload(daemon, file, text + (one.format(name="third") if turn % 2 == 0 else ""))
    assert daemon.stop() == 0
