"""A service behind proxies, on a port in memory and connections over sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from twisted.internet.address import UNIXAddress

from sockreply.framing import Framing, Line
from sockreply.replies import Reply, Session, Wait, as_responder
from sockreply.server import Counters, Limits, ReplyFactory, ReplyService
from sockreply.settings import UNIX, ListenerSettings, Proxies
from tests.server.ports import ListPort
from tests.server.stand_ins import LoopingReactor, NotingLog


class PortReactor(LoopingReactor):
    """A reactor whose ports are lists of clients."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: list[ListPort] = []

    def listenTCP(self, port: int, factory: Any, *_: Any, **__: Any) -> Any:  # noqa: N802 - Twisted's
        factory.doStart()
        self.ports.append(ListPort(factory, self))
        return self.ports[-1]


def proxies(*names: str) -> tuple[Proxies, ...]:
    """Networks, or "unix"."""
    return tuple(UNIX if name == UNIX else ip_network(name) for name in names)


class Site:
    """A service that answers each line with who sent it, and `slow` later.

    Args:
        proxy_from: Whose headers it believes; None: as the endpoint says.
        endpoint: Where it listens.
        exchanges: The exchange log.
        framing: How messages are told apart.
        answer: Answers instead.
        limits: As in `Limits`; `allow` as names.
    """

    def __init__(
        self,
        *proxy_from: str,
        endpoint: str = "tcp:12345",
        exchanges: Any = None,
        allow: tuple[str, ...] | None = None,
        greeting: bytes | None = None,
        framing: Framing = Line(),  # noqa: B008 - it is frozen
        answer: Callable[[bytes, Session], object] | None = None,
        **limits: Any,
    ) -> None:
        self.reactor = PortReactor()
        self.sessions: list[Session] = []
        self.log = NotingLog() if exchanges is None else exchanges(self.reactor)
        self.factory = ReplyFactory(
            framing,
            as_responder(self.answer if answer is None else answer),
            self.reactor,
            keep_alive=True,
            greeting=greeting,
            exchanges=self.log,
            limits=Limits(allow=None if allow is None else tuple(map(ip_network, allow)), **limits),
        )
        self.listener = ListenerSettings(endpoint, proxy_from=proxies(*proxy_from) or None)
        self.service = ReplyService(self.reactor, self.factory, [self.listener])
        self.service.startService()
        self.clients: list[socket.socket] = []

    def answer(self, message: bytes, session: Session) -> object:
        """Who asked."""
        self.sessions.append(session)
        peer: Any = session.peer
        said = b"unix" if isinstance(peer, UNIXAddress) else f"{peer.host}:{peer.port}".encode()
        return Reply(Wait(1), b"late") if message == b"slow" else said

    @property
    def port(self) -> ListPort:
        """Where it listens."""
        return self.reactor.ports[0]

    @property
    def counters(self) -> Counters:
        """The service's counts."""
        return self.factory.shared.counters

    @property
    def protocols(self) -> list[Any]:
        """Of the connections that the loop knows."""
        readers: list[Any] = list(self.reactor.getReaders())
        for each in tuple(readers):
            readers += getattr(each, "_connections", {}).values()  # it is the hub
        return [each.protocol for each in readers if hasattr(each, "protocol")]

    def connect(self, *says: bytes) -> socket.socket:
        """A peer that says something at once."""
        self.port.arrive()
        client = self.port.clients.peers.pop()  # the port would close it
        client.setblocking(False)
        self.clients.append(client)
        self.say(client, *says)
        return client

    def say(self, client: socket.socket, *says: bytes) -> None:
        """Let the service read, read by read."""
        for each in says:
            client.sendall(each)
            self.reactor.turn()

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass, and then the loop go round."""
        self.reactor.advance(seconds)
        self.reactor.turn(2)

    def close(self) -> None:
        """Let all sockets go."""
        for port in self.reactor.ports:
            port.clients.close()
        for client in self.clients:
            client.close()
        self.reactor.turn(3)


def hear(client: socket.socket) -> bytes | None:
    """What was sent to a peer; None: it is told that there will be no more."""
    try:
        return client.recv(1 << 16) or None
    except BlockingIOError:
        return b""
    except ConnectionResetError:
        return None


MakeSite = Callable[..., Site]
