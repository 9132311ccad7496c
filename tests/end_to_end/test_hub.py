"""Connections under each of Twisted's reactors, whose hub is one descriptor among the others."""

from __future__ import annotations

import select
import signal
import socket
import sys
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest

from tests.end_to_end.activation import start_on, tcp_listener, unix_listener
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


SERVICES = f"""
[services.echo]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
keep_alive = true
otherwise = {{ echo = true }}
[services.big]
listen = "tcp:0:interface=127.0.0.1"
responder = "{RESPONDERS}:big"
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


def wait_in(daemon: Daemon, hub: list[int]) -> bool:
    """Do so many of its connections wait in the epoll that it has?"""
    return epolls(daemon) == hub


def reload(daemon: Daemon, file: Path, text: str) -> None:
    """Let a daemon read its changed file again."""
    before = daemon.log.count("reloaded")
    file.write_text(text)
    daemon.signal(signal.SIGHUP)
    eventually(lambda: daemon.log.count("reloaded") > before, lambda: daemon.log)


@pytest.mark.parametrize("reactor", REACTORS)
def test_conversations(start_daemon: Start, tmp_path: Path, reactor: str) -> None:
    """Many connections at once are answered; half-closes and resets end only their own.

    A long reply to a peer that reads late arrives whole, and another peer need not wait.
    """
    file = tmp_path / "services.toml"
    file.write_text(SERVICES)
    daemon = start_daemon("--config", str(file), runner=under(reactor))
    port, big = daemon.ports(2)
    clients = [connect(port) for _ in range(CLIENTS)]
    for turn in range(20):
        for number, client in enumerate(clients):
            client.sendall(b"%d %d\n" % (turn, number))
        for number, client in enumerate(clients):
            line = b"%d %d\n" % (turn, number)
            assert read_bytes(client, len(line)) == line
    for client in clients[::2]:
        reset(client)
    assert half_close_and_read(port, b"one\ntwo\n") == b"one\ntwo\n"
    for client in clients[1::2]:
        client.sendall(b"more\n")
        assert read_bytes(client, 5) == b"more\n"
        client.close()
    with connect(big) as late:
        late.sendall(b"x")
        assert ask(big) == BIG
        assert read_bytes(late, len(BIG) + 1) == BIG
    assert daemon.stop() == 0
    assert "Traceback" not in daemon.log


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
def test_each_kind_of_connection(start_daemon: Start, tmp_path: Path, certificate: Path) -> None:
    """Whatever a port is made of, all but one of its connections wait in the hub."""
    ours, theirs = str(tmp_path / "ours"), str(tmp_path / "theirs")
    listen = (
        "tcp:0:interface=127.0.0.1",
        f"ssl:0:interface=127.0.0.1:privateKey={certificate}",
        "haproxy:tcp:0:interface=127.0.0.1",
        f"unix:{ours}",
        "systemd:domain=INET:index=0",
        "systemd:domain=UNIX:index=1",
    )
    options = [word for each in listen for word in ("--listen", each)]
    with ExitStack() as opened:
        given = [opened.enter_context(each) for each in (tcp_listener(), unix_listener(theirs))]
        daemon = start_on(start_daemon, given, "-", *options, runner=under("poll"))
        tcp = [partial(connect, port) for port in daemon.ports(4)]
        unix = [partial(connect_unix, path) for path in (ours, theirs)]
        eventually(lambda: daemon.log.count("listening on") == len(listen))
        clients: list[socket.socket] = []
        for number, open_one in enumerate([*tcp, *unix], 1):
            clients += [opened.enter_context(open_one()) for _ in range(3)]
            eventually(partial(wait_in, daemon, [2 * number]), lambda: str(epolls(daemon)))
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
