"""The port on an inherited UNIX socket, and what it takes of Twisted's insides."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import twisted
from twisted.internet import unix
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.testing import MemoryReactorClock

from sockreply.server.inherited_port import InheritedPort, listen_on_inherited
from tests.private_names import check_names

SEEN_IN = "Twisted 26.10.0"


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    """A UNIX socket that listens."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "socket"))
        sock.listen(5)
        sock.setblocking(False)
        yield sock


class Greeting(Protocol):
    """Says hello."""

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.write(b"hello")


def test_twisted_still_has_the_names() -> None:
    """The private names are there, with the values that they had."""
    names = "_shouldShutdown _preexistingSocket _fromListeningDescriptor"
    port: Any = unix.Port(b"unused", Factory(), reactor=MemoryReactorClock())
    check_names(port, names, seen_in=SEEN_IN, now=twisted.__version__)
    assert port._shouldShutdown is True
    assert port._preexistingSocket is None


def test_twisted_would_touch_the_socket(listening: socket.socket, tmp_path: Path) -> None:
    """Twisted's own port still does what ours is there to prevent."""
    mode = (tmp_path / "socket").stat().st_mode
    port = unix.Port._fromListeningDescriptor(MemoryReactorClock(), listening.fileno(), Factory())
    assert port._preexistingSocket.getsockname() == listening.getsockname()
    port.startListening()
    assert (tmp_path / "socket").stat().st_mode != mode
    port.connectionLost(connectionDone)
    assert not (tmp_path / "socket").exists()


def test_accepts(listening: socket.socket) -> None:
    """What has connected to the socket is served."""
    reactor = MemoryReactorClock()
    port: Any = listen_on_inherited(reactor, listening.fileno(), Factory.forProtocol(Greeting))
    assert isinstance(port, InheritedPort)
    assert reactor.getReaders() == [port]
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(listening.getsockname())
        port.doRead()
        (accepted,) = set(reactor.getReaders()) - {port}
        accepted.doWrite()
        assert client.recv(100) == b"hello"
        accepted.connectionLost(connectionDone)
    port.connectionLost(connectionDone)


def test_leaves_the_socket_alone(listening: socket.socket, tmp_path: Path) -> None:
    """The file keeps its mode, and the socket still listens when the port is closed."""
    mode = (tmp_path / "socket").stat().st_mode
    port: Any = listen_on_inherited(MemoryReactorClock(), listening.fileno(), Factory())
    port.connectionLost(connectionDone)
    assert not port.connected
    assert (tmp_path / "socket").stat().st_mode == mode
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(listening.getsockname())
        listening.accept()[0].close()
