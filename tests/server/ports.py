"""Listening ports without a network: what waits for them is a list."""

from __future__ import annotations

import errno
import socket
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.internet.tcp import Port
from twisted.internet.testing import MemoryReactorClock
from zope.interface import implementer


class ListeningSocket:
    """What a listening socket would be.

    Args:
        family: The address family that it claims to be of.
    """

    def __init__(self, family: int = socket.AF_INET) -> None:
        self.family = family
        self.type = socket.SOCK_STREAM
        self.waiting: list[socket.socket] = []
        self.peers: list[socket.socket] = []
        self.errors: list[int] = []
        """Errors of the next accepts."""
        self.options: dict[tuple[int, int], int] = {}
        self.backlog: int | None = None

    def arrive(self, clients: int = 1) -> None:
        """Let clients connect."""
        for _ in range(clients):
            ours, peer = socket.socketpair()
            self.waiting.append(ours)
            self.peers.append(peer)

    def _accept(self) -> tuple[int, tuple[str, int]]:
        """What `socket.socket` has under this name: the descriptor, and the client's address."""
        if self.errors:
            number = self.errors.pop(0)
            raise OSError(number, errno.errorcode[number])
        if not self.waiting:
            raise BlockingIOError(errno.EAGAIN, "nobody")
        return self.waiting.pop(0).detach(), ("127.0.0.1", 7)

    def listen(self, backlog: int) -> None:
        self.backlog = backlog

    def setsockopt(self, level: int, option: int, value: int) -> None:
        self.options[level, option] = value

    def getsockname(self) -> tuple[str, int]:
        return ("127.0.0.1", 12345)

    def fileno(self) -> int:
        return -1

    def shutdown(self, _: int) -> None:
        pass

    def close(self) -> None:
        """Reset who waits, as the kernel does."""
        for each in (*self.waiting, *self.peers):
            each.close()
        self.waiting.clear()


class ListPort(Port):
    """A TCP port on such a socket."""

    def __init__(self, factory: Any, reactor: Any, family: int = socket.AF_INET) -> None:
        super().__init__(12345, factory, reactor=reactor)
        self.reactor: Any = reactor
        self.clients = ListeningSocket(family)
        self.socket = self.clients
        self.connected = True
        self.numberAccepts = 100
        self.fileno = self.clients.fileno  # type: ignore[method-assign] # as Twisted does
        self._realPortNumber = 12345
        self.startReading()

    @property
    def reads(self) -> bool:
        """Would the loop tell of clients?"""
        return self in self.reactor.readers

    def arrive(self, clients: int = 1) -> None:
        """Let clients connect, and the loop tell of them."""
        self.clients.arrive(clients)
        if self.reads:
            self.doRead()


@implementer(IStreamServerEndpoint)
class PortEndpoint:
    """Listens on such a port.

    Args:
        reactor: The port's.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.port: Any = None

    def listen(self, protocolFactory: Any) -> Deferred[Any]:  # noqa: N803 - Twisted's
        self.port = ListPort(protocolFactory, self._reactor)
        return succeed(self.port)


@implementer(IListeningPort)
class NotedPort:
    """A port of `NotingReactor`."""

    def __init__(self, ports: list[int], number: int, factory: object = None) -> None:
        self.factory = factory
        self._ports = ports
        self._number = number

    def startListening(self) -> None:  # noqa: N802 - Twisted's
        self._ports.append(self._number)

    def stopListening(self) -> None:  # noqa: N802 - Twisted's
        self._ports.remove(self._number)

    def getHost(self) -> IPv4Address:  # noqa: N802 - Twisted's
        return IPv4Address("TCP", "127.0.0.1", self._number)


class NotingReactor(MemoryReactorClock):
    """A reactor with addresses of which each can be listened on once."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: list[int] = []
        self.factories: dict[int, Any] = {}
        """What made the connections of each address last."""

    def getThreadPool(self) -> None:  # noqa: N802 - Twisted's
        """It has no threads."""

    def listenTCP(self, port: int, factory: object, *_: Any, **__: Any) -> Any:  # noqa: N802 - Twisted's
        if port in self.ports:
            raise CannotListenError("", port, OSError(98, "Address already in use"))
        self.factories[port] = factory
        listening = NotedPort(self.ports, port, factory)
        listening.startListening()
        return listening
