"""The transport that sends at once does, event by event, what Twisted's own does."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet import tcp
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from sockreply.server.hub import hub_of
from sockreply.server.transport import SendsAtOnce
from tests.server.stand_ins import LoopingReactor

TURNS = 400
"""How often the loop goes round until all is sent that a peer takes."""

ACTIONS = [
    "loseConnection",
    "loseWriteConnection",
    "abortConnection",
    "unregisterProducer",
    "writeSequence",
]


@implementer(IHalfCloseableProtocol, IPushProducer)
class Noting(Protocol):
    """Notes what it is told, and does what the peer asks for: a number of bytes, or an action."""

    transport: Any

    def __init__(self, produces: bool) -> None:
        self.produces = produces
        self.events: list[object] = []
        self.paused = False

    def connectionMade(self) -> None:
        if self.produces:
            self.transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        for line in data.decode().split():
            self.events.append(line)
            self.do(line)

    def do(self, what: str) -> None:
        """Write so many bytes, or call the transport; but ask nothing of one that was closed."""
        wire = self.transport
        if not wire.connected or wire.disconnecting or wire._writeDisconnecting:
            return
        match what:
            case "writeSequence":
                self.transport.writeSequence([b"s" * 1000] * 9)
            case _ if what.isdecimal():
                self.transport.write(bytes([len(what)]) * int(what))
            case _:
                getattr(self.transport, what)()

    def readConnectionLost(self) -> None:
        self.events.append("read lost")
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        pass  # it comes when the socket takes more, which depends on what it was given before

    def connectionLost(self, reason: Failure = Failure(ZeroDivisionError())) -> None:  # noqa: B008 - never used
        self.events.append(reason.type)

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        assert self.paused
        self.paused = False

    def stopProducing(self) -> None:
        self.events.append("stop producing")


class Side:
    """A connection of one kind of transport, and its peer."""

    def __init__(self, transport_class: type[Any], produces: bool) -> None:
        self.reactor: Any = LoopingReactor()
        ours, self.peer = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # so that writes are partial
        self.peer.setblocking(False)
        port: Any = SimpleNamespace(_realPortNumber=12345)
        self.protocol = Noting(produces)
        hub = None if transport_class is tcp.Server else hub_of(self.reactor)
        waits_in = hub or self.reactor
        self.transport = transport_class(ours, self.protocol, ("127.0.0.1", 7), port, 0, waits_in)
        self.protocol.makeConnection(self.transport)
        self.heard = bytearray()
        self.heard_end = False

    def step(self, what: tuple[str, Any]) -> None:
        """Let the peer say something, take some bytes or half-close; or act by ourselves."""
        kind, detail = what
        match kind:
            case "say":
                try:
                    self.peer.sendall(f"{detail}\n".encode())
                except OSError:
                    return  # the connection is over, or the peer sends no more
                self.reactor.turn()
            case "do" if self.transport.connected:
                self.protocol.do(detail)
            case "take":
                self.take(detail)
            case "half-close" if self.transport.connected:
                self.peer.shutdown(socket.SHUT_WR)
            case "turn":
                self.reactor.turn()

    def take(self, size: int) -> None:
        """Let the peer read up to so many bytes."""
        try:
            data = self.peer.recv(size)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        self.heard += data
        self.heard_end = not data

    def finish(self) -> tuple[list[object], bytes, bool, bool]:
        """Let the peer half-close and take all that comes; what was seen on both ends."""
        self.step(("half-close", None))
        for _ in range(TURNS):
            self.reactor.turn()
            self.take(1 << 20)
        self.peer.close()
        connected = bool(self.transport.connected)
        if connected:
            self.transport.connectionLost(Failure(ZeroDivisionError()))
        return self.protocol.events, bytes(self.heard), self.heard_end, connected


deeds = st.one_of(st.integers(0, 40_000).map(str), st.sampled_from(ACTIONS))
steps = st.one_of(
    st.tuples(st.just("say"), st.lists(deeds, min_size=1, max_size=4).map(" ".join)),
    st.tuples(st.just("do"), deeds),
    st.tuples(st.just("take"), st.integers(1, 20_000)),
    st.tuples(st.just("take"), st.integers(1, 20_000)),
    st.tuples(st.sampled_from(["half-close", "turn", "turn"]), st.none()),
)


@settings(max_examples=200)
@given(story=st.lists(steps, max_size=12), produces=st.booleans())
def test_same_events_and_bytes(story: list[tuple[str, Any]], produces: bool) -> None:
    """Under any partial writes both tell the protocol the same, and send the peer the same.

    Only an abort throws away what was not sent yet, which need not be as much.
    """
    seen = []
    for transport_class in (tcp.Server, SendsAtOnce):
        side = Side(transport_class, produces)
        for each in story:
            side.step(each)
            side.reactor.turn(2)
        seen.append(side.finish())
    (events, heard, *ends), (events_at_once, heard_at_once, *ends_at_once) = seen
    assert (events_at_once, ends_at_once) == (events, ends)
    if ConnectionAborted in events:
        size = min(len(heard), len(heard_at_once))
        assert heard_at_once[:size] == heard[:size]
    else:
        assert heard_at_once == heard


@pytest.mark.parametrize("transport_class", [tcp.Server, SendsAtOnce])
@pytest.mark.parametrize("size", [1, 100_000])
def test_written_to_behind_its_close(transport_class: type[Any], size: int) -> None:
    """What is written in the read in which the connection was closed is sent, and then it ends."""
    side = Side(transport_class, produces=False)

    def close_and_write(_: bytes) -> None:
        side.transport.loseConnection()
        side.transport.write(b"x" * size)

    vars(side.protocol)["dataReceived"] = close_and_write
    side.step(("say", "go"))
    assert side.finish() == ([ConnectionDone], b"x" * size, True, False)


@pytest.mark.parametrize("transport_class", [tcp.Server, SendsAtOnce])
def test_aborted_behind_its_close(transport_class: type[Any]) -> None:
    """A connection that is closed and then aborted in one read is aborted."""
    side = Side(transport_class, produces=False)

    def close_and_abort(_: bytes) -> None:
        side.transport.loseConnection()
        side.transport.abortConnection()

    vars(side.protocol)["dataReceived"] = close_and_abort
    side.step(("say", "go"))
    assert side.finish()[0] == [ConnectionAborted]


def test_ends_with_the_read() -> None:
    """Closed in a read with nothing left to send, it is gone when the read is dealt with."""
    side = Side(SendsAtOnce, produces=False)
    side.step(("say", "5 loseConnection"))
    assert side.protocol.events == ["5", "loseConnection", ConnectionDone]
    side.peer.close()


@pytest.mark.parametrize("transport_class", [tcp.Server, SendsAtOnce])
def test_reset_by_the_peer(transport_class: type[Any]) -> None:
    """A peer that leaves without taking all has reset the connection: it is lost, not done."""
    side = Side(transport_class, produces=False)
    side.step(("say", "5"))
    side.reactor.turn()
    side.peer.close()
    side.reactor.turn(2)
    assert side.protocol.events == ["5", ConnectionLost]
