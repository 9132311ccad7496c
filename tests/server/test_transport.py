"""Transports that send at once, over a socket pair."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet import tcp, unix
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from sockreply.server.hub import hub_of
from sockreply.server.transport import (
    SendsAtOnce,
    SendsAtOnceUNIX,
    direct_wire,
    sends_at_once,
    wire_under,
)
from tests.server.stand_ins import LoopingReactor, WireTalk

Connect = Callable[..., WireTalk]
BIG = b"x" * 200_000


def test_sends_at_once(over_wire: Connect) -> None:
    """What the kernel takes is sent without the loop's doing, and is no backlog."""
    talk = over_wire()
    backlogs: list[int] = []
    talk.transport.watcher = SimpleNamespace(backlogged=lambda: backlogs.append(1))
    talk.transport.write(b"now")
    assert talk.peer.recv(100) == b"now"
    assert talk.waits_to_write == 0
    assert talk.transport.unsent == 0
    assert backlogs == []


def test_backlog(over_wire: Connect) -> None:
    """What the kernel does not take is queued, told once, and sent in order as it takes more."""
    talk = over_wire()
    backlogs: list[int] = []
    talk.transport.watcher = SimpleNamespace(
        backlogged=lambda: backlogs.append(talk.transport.unsent)
    )
    talk.transport.write(BIG)
    talk.transport.write(b"end")
    assert backlogs == [talk.transport.unsent - 3]
    assert talk.waits_to_write > 0
    assert talk.hear_all() == BIG + b"end"
    assert talk.transport.unsent == 0


def test_what_the_peer_has_taken(over_wire: Connect) -> None:
    """Bytes count as taken when the peer takes them, not when the kernel does."""
    talk = over_wire()
    talk.transport.write(BIG)
    before = talk.transport.taken
    talk.clock.turn()
    assert talk.transport.taken == before
    assert talk.hear()
    assert talk.transport.taken > before
    talk.clock.turn()
    talk.hear_all()
    assert talk.transport.taken == len(BIG)


def test_after_the_end(over_wire: Connect) -> None:
    """Writing to a connection that is gone does nothing."""
    talk = over_wire()
    talk.transport.abortConnection()
    talk.clock.turn()
    talk.transport.write(b"never")
    assert talk.transport.unsent == 0


def test_behind_a_half_close(over_wire: Connect) -> None:
    """Writing after our side has said that it sends no more does nothing."""
    talk = over_wire()
    talk.transport.write(b"last")
    talk.transport.loseWriteConnection()
    talk.clock.turn(2)
    talk.transport.write(b"never")
    talk.clock.turn()
    assert talk.hear() == b"last"
    assert talk.heard_end


def test_to_a_peer_that_is_gone(over_wire: Connect) -> None:
    """An error of sending ends the connection by Twisted's own means, not by an exception."""
    talk = over_wire()
    talk.peer.close()
    talk.transport.write(b"x")
    talk.clock.turn(2)
    assert not talk.transport.connected


def test_has_unread(over_wire: Connect) -> None:
    """It can tell whether the kernel holds bytes of the peer, and leaves them there."""
    talk = over_wire()
    assert not talk.transport.has_unread()
    talk.peer.sendall(b"x\n")
    assert talk.transport.has_unread()
    assert talk.transport.has_unread()
    talk.clock.turn()
    assert not talk.transport.has_unread()
    talk.peer.close()
    assert not talk.transport.has_unread()
    talk.clock.turn()
    assert not talk.transport.has_unread()


@pytest.mark.parametrize(
    ("port_has", "taken"),
    [
        (tcp.Server, SendsAtOnce),
        (unix.Server, SendsAtOnceUNIX),
        (SendsAtOnce, SendsAtOnce),
        (StringTransport, StringTransport),
    ],
)
def test_what_replaces_what(port_has: type, taken: type) -> None:
    """Twisted's own transports are replaced; any other is left alone."""
    assert sends_at_once(port_has) is taken


def test_wire_under_wrappers(over_wire: Connect) -> None:
    """The wire is found under wrappers; where there is none of our kind there is none."""
    talk = over_wire()
    wrapper = ProtocolWrapper(WrappingFactory(talk.factory), talk.protocol)
    wrapper.transport = talk.transport
    assert wire_under(wrapper) is talk.transport
    assert wire_under(talk.transport) is talk.transport
    assert wire_under(StringTransport()) is None


def test_direct_wire() -> None:
    """Without TLS, writing is the transport's own; with TLS it does not wait for a turn."""
    plain: Any = StringTransport()
    assert direct_wire(plain) is plain
    under = Factory.forProtocol(Protocol)
    layer: Any = TLSMemoryBIOFactory(CertificateOptions(), False, under, Clock()).buildProtocol(
        IPv4Address("TCP", "127.0.0.1", 7)
    )
    assert isinstance(layer, TLSMemoryBIOProtocol)
    assert direct_wire(layer) is not layer


@pytest.mark.parametrize(
    ("unsent", "owes", "told"),
    [
        (b"", False, ["lost"]),
        (b"", True, ["read lost"]),
        (BIG, False, ["read lost"]),
    ],
)
def test_end_of_stream(unsent: bytes, owes: bool, told: list[str]) -> None:
    """A peer that ends its stream ends the connection, unless it is owed something."""
    heard: list[str] = []

    @implementer(IHalfCloseableProtocol)
    class Owing(Protocol):
        def owes_nothing(self) -> bool:
            return not owes

        def readConnectionLost(self) -> None:
            heard.append("read lost")

        def writeConnectionLost(self) -> None:
            """It does not come."""

        def connectionLost(self, reason: Failure = connectionDone) -> None:
            heard.append("lost" if reason.check(ConnectionDone) else "broken")

    reactor = LoopingReactor()
    ours, peer = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    port: Any = SimpleNamespace(_realPortNumber=12345)
    protocol = Owing()
    wire = SendsAtOnce(ours, protocol, ("127.0.0.1", 7), port, 0, hub_of(reactor) or reactor)
    protocol.makeConnection(wire)
    wire.write(unsent)
    peer.shutdown(socket.SHUT_WR)
    reactor.turn()
    peer.close()
    seen = list(heard)
    wire.connectionLost(Failure(ConnectionDone()))
    assert seen == told
