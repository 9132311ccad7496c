"""What stands for the server, the network and the reactor."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.python.failure import Failure
from zope.interface import implementer

from sockreply.client import RequestProtocol
from sockreply.framing import parse_framing


def watch(deferred: Deferred[Any]) -> list[Any]:
    """The value or the error that a Deferred came to; empty as long as it has come to none."""
    seen: list[Any] = []
    deferred.addCallbacks(seen.append, lambda failure: seen.append(failure.value))
    return seen


class FakeTransport(StringTransportWithDisconnection):
    """A TCP connection in memory: it notes what is asked of it, and ends as a real one does.

    Args:
        protocol: Our end.
        stuck: Does the server take nothing, so that only an abort closes it?
    """

    def __init__(self, protocol: IProtocol, *, stuck: bool = False) -> None:
        super().__init__()
        self.protocol = protocol
        self.stuck = stuck
        self.half_closed = False
        self.aborted = False

    def take_sent(self) -> bytes:
        """What was sent since this was last asked."""
        sent: bytes = self.value()
        self.clear()
        return sent

    def loseWriteConnection(self) -> None:  # noqa: N802 - Twisted's
        self.half_closed = True

    def loseConnection(self) -> None:
        self.disconnecting = True
        if not self.stuck:
            self.lose(ConnectionDone())

    def abortConnection(self) -> None:  # noqa: N802 - Twisted's
        self.aborted = True
        self.lose(ConnectionAborted())

    def lose(self, reason: Exception) -> None:
        """The connection is gone."""
        if self.connected:
            self.connected = False
            self.protocol.connectionLost(Failure(reason))

    def reset(self) -> None:
        """The server resets it."""
        self.lose(ConnectionLost())


def talk(
    spec: str = "line", *, stuck: bool = False, **options: Any
) -> tuple[RequestProtocol, FakeTransport, Clock]:
    """A connection that is made, over its transport, with its clock."""
    clock = Clock()
    protocol = RequestProtocol(parse_framing(spec), clock, **options)
    transport = FakeTransport(protocol, stuck=stuck)
    protocol.makeConnection(transport)
    return protocol, transport, clock


@implementer(IStreamClientEndpoint)
class FakeEndpoint:
    """A server that answers a connection attempt when it is told to."""

    def __init__(self) -> None:
        self.attempts: list[tuple[IProtocolFactory, Deferred[IProtocol]]] = []

    def __str__(self) -> str:
        return "tcp:scale:12345"

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        self.attempts.append((factory, Deferred()))
        return self.attempts[-1][1]

    def accept(self, *, stuck: bool = False) -> FakeTransport:
        """Let the last attempt succeed."""
        factory, connecting = self.attempts[-1]
        protocol = factory.buildProtocol(UNIXAddress("/run/scale.sock"))
        assert protocol is not None
        transport = FakeTransport(protocol, stuck=stuck)
        protocol.makeConnection(transport)
        connecting.callback(protocol)
        return transport

    def fail(self, reason: Exception) -> None:
        """Let the last attempt fail."""
        self.attempts[-1][1].errback(reason)
