"""What stands for peers, the network and the reactor."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.logger import LogEvent, formatEvent
from twisted.python.failure import Failure

from sockreply.conversation.arrival import Arrival
from sockreply.conversation.exchanges import Said, Silence
from sockreply.framing import Framing, parse_framing
from sockreply.replies import Session, as_responder
from sockreply.replies.responder import Greeting
from sockreply.server import Counters, Limits, ReplyFactory, ReplyProtocol
from sockreply.server.hub import hub_of
from sockreply.server.transport import SendsAtOnce

Answer = Callable[[bytes, Session], object]


def echo(message: bytes, _: Session) -> bytes:
    """The message."""
    return message


def always(reply: object) -> Answer:
    """The same answer to everything."""
    return lambda _, __: reply


def by_message(**replies: object) -> Answer:
    """The answer named by the message; the message itself where there is none of the name."""
    return lambda message, _: replies.get(message.decode("latin-1"), message)


def texts(events: Sequence[LogEvent], level: str | None = None) -> list[str]:
    """The lines that a log shows for events."""
    return [
        formatEvent(event) for event in events if level is None or event["log_level"].name == level
    ]


def watch(deferred: Deferred[Any]) -> list[Any]:
    """The value or the error that a Deferred came to; empty as long as it has come to none."""
    seen: list[Any] = []
    deferred.addCallbacks(seen.append, lambda failure: seen.append(failure.value))
    return seen


def pieces(said: Said | None) -> list[Any]:
    """The messages that were sent; of raw bytes a pair of "raw" and the bytes."""
    return [
        ("raw", bytes(wire)) if message is None else message
        for message, wire, _ in (said.pieces if said else ())
    ]


def answered(counters: Counters) -> int:
    """How many messages were dealt with, well or badly."""
    errors = counters.errors
    failed = errors["reply"] + errors["reply_timeout"] + errors["abandoned"]
    return counters.replies + counters.silences + failed


class FakeTransport(StringTransport):
    """A connection in memory that notes what is asked of it.

    Unlike a socket it has no wire under it that could send at once, or half-close.
    """

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.aborted = False
        self.narrow = False
        """Is one write more than the peer takes?"""

    def write(self, data: bytes) -> None:
        super().write(data)
        self.writes.append(data)
        if self.narrow and self.producer is not None:
            self.producer.pauseProducing()

    def abortConnection(self) -> None:  # noqa: N802 - Twisted's
        super().abortConnection()
        self.aborted = True

    @property
    def paused(self) -> bool:
        """Does it not read?"""
        return bool(self.producerState == "paused")


class Talk:
    """A peer that talks with a service over memory.

    Args:
        answer: The responder.
        framing: One, or as in the notation.
        keep_alive: Is it on?
        greeting: Sent first.
        exchanges: The exchange log.
        limits: As in `Limits`.
    """

    def __init__(
        self,
        answer: Answer = echo,
        framing: str | Framing = "line",
        *,
        keep_alive: bool = True,
        greeting: Greeting | None = None,
        exchanges: Any = None,
        **limits: Any,
    ) -> None:
        self.clock = self.make_clock()
        self.factory = ReplyFactory(
            parse_framing(framing) if isinstance(framing, str) else framing,
            as_responder(answer),
            self.clock,
            keep_alive=keep_alive,
            greeting=greeting,
            exchanges=exchanges,
            limits=Limits(**limits),
        )
        self.protocol: ReplyProtocol = self.factory.buildProtocol(None)
        self.session = self.protocol.session
        self.connect()

    def make_clock(self) -> Any:
        """The time, and the rest of the reactor."""
        return Clock()

    def connect(self) -> None:
        """Make the connection."""
        self.transport = FakeTransport()
        self.protocol.makeConnection(self.transport)

    @property
    def counters(self) -> Counters:
        """The service's counts."""
        return self.factory.shared.counters

    def say(self, *reads: bytes) -> None:
        """Let the service read."""
        for read in reads:
            self.protocol.dataReceived(read)

    def turn(self) -> None:
        """Let the loop go round once: what asks for no time is called, but not what that asks."""
        due = [call for call in self.clock.calls if call.getTime() <= self.clock.seconds()]
        for call in due:
            self.clock.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)

    def hear(self) -> bytes:
        """What was sent since this was last asked."""
        sent: bytes = self.transport.value()
        self.transport.clear()
        return sent

    def finish_sending(self) -> None:
        """Half-close."""
        self.protocol.readConnectionLost()

    def take_nothing(self) -> None:
        """Let what is sent wait."""
        self.protocol.pauseProducing()

    def take_all(self) -> None:
        """Let all that waited be sent."""
        self.protocol.resumeProducing()

    def leave(self, reason: Exception | None = None) -> None:
        """Be gone."""
        self.protocol.connectionLost(Failure(reason or ConnectionDone()))


class LoopingReactor(MemoryReactorClock):
    """A reactor whose turns of the loop the test makes."""

    def turn(self, times: int = 1) -> None:
        """Read and write what can be read and written, as a reactor does, without waiting."""
        for _ in range(times):
            self.advance(0)
            readers = [each for each in self.getReaders() if each.fileno() >= 0]
            readable, writable, _ = select.select(readers, self.getWriters(), [], 0)
            for each in readable:
                self._after(each, each.doRead(), reading=True)
            for each in writable:
                if each.connected and each in self.writers:
                    self._after(each, each.doWrite(), reading=False)

    def _after(self, connection: Any, why: Exception | None, *, reading: bool) -> None:
        if not isinstance(why, Exception):
            return
        self.removeReader(connection)
        if reading and isinstance(why, ConnectionDone):
            connection.readConnectionLost(Failure(ConnectionDone()))
        else:
            self.removeWriter(connection)
            done = isinstance(why, ConnectionDone)
            connection.connectionLost(Failure(ConnectionDone() if done else ConnectionLost()))


class WireTalk(Talk):
    """A peer that talks over a socket with a service that sends at once."""

    transport: Any
    peer: socket.socket
    waits_to_write: int
    """How often the transport has asked the loop to tell when it can write."""

    def make_clock(self) -> LoopingReactor:
        return LoopingReactor()

    def connect(self) -> None:
        ours, self.peer = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        ours.setblocking(False)
        self.peer.setblocking(False)
        port: Any = SimpleNamespace(_realPortNumber=12345)
        reactor = hub_of(self.clock) or self.clock
        self.transport = SendsAtOnce(ours, self.protocol, ("127.0.0.1", 7), port, 0, reactor)
        start_writing = self.transport.startWriting
        self.waits_to_write = 0

        def note() -> None:
            self.waits_to_write += 1
            start_writing()

        self.transport.startWriting = note
        self.protocol.makeConnection(self.transport)

    def say(self, *reads: bytes) -> None:
        for read in reads:
            self.peer.sendall(read)
            self.clock.turn()

    def hear(self) -> bytes:
        try:
            return self.peer.recv(1 << 20)
        except BlockingIOError:
            return b""

    def hear_all(self) -> bytes:
        """Everything that comes while the service goes on sending."""
        heard = b""
        while piece := self.hear():
            heard += piece
            self.clock.turn()
        return heard

    @property
    def heard_end(self) -> bool:
        """Does the service send no more, after all that was heard?"""
        try:
            return not self.peer.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False

    def finish_sending(self) -> None:
        self.peer.shutdown(socket.SHUT_WR)
        self.clock.turn()

    def close(self) -> None:
        """Let go of both sockets."""
        self.peer.close()
        if self.transport.connected:
            self.clock.turn(3)
        if self.transport.connected:
            self.transport.connectionLost(Failure(ConnectionLost()))


class NotingLog:
    """An exchange log that notes what it is told."""

    def __init__(self, room: int = 99) -> None:
        self.room = room
        self.hidden = 0
        self.kept = 200
        self.exact = False
        self.told: list[tuple[Any, ...]] = []

    def listening(self, address: object, *, ports: int = 1) -> None:
        self.told.append(("listening", address) if ports == 1 else ("listening", address, ports))

    def connected(self, session: Session, *, where: bool = False) -> None:
        self.told.append(("connected", "where") if where else ("connected",))

    def secured(self, session: Session) -> None:
        self.told.append(("secured", session.tls))

    def received(self, session: Session, message: bytes, arrival: Arrival) -> bool:
        self.room -= 1
        self.told.append(("received", message))
        return message != b"hide"

    def answered(self, session: Session, said: Said) -> None:
        self.told.append(("answered", *pieces(said)))

    def remarked(self, session: Session, say: Callable[[], str]) -> None:
        self.told.append(("remarked", say()))

    def failed(self, session: Session, error: str, said: Said | None) -> None:
        self.told.append(("failed", error, *pieces(said)))

    def abandoned(self, session: Session, said: Said | None) -> None:
        self.told.append(("abandoned", *pieces(said)))

    def silent(self, session: Session, how: Silence) -> None:
        self.told.append((how,))

    def sent(self, session: Session, said: Said) -> None:
        self.told.append(("sent", *pieces(said)))

    def dropped(self, session: Session, at: int, data: bytes) -> None:
        self.told.append(("dropped", at, data))

    def unfinished(
        self, session: Session, rest: bytes, at: int | None, why: str, told: bool
    ) -> None:
        self.told.append(("unfinished", rest, at, why, told))

    def disconnected(self, session: Session, why: str) -> None:
        self.told.append(("disconnected", why))
