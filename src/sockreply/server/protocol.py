"""The way of a message on one connection: read, pull, answer.

::

    dataReceived -> Framer -> _answer -> Responder -> bytes: joined, one write for all of a turn
                                                   -> Reply: Delivery, step by step

A connection that cannot go on - a reply waits, the peer does not take what was sent, its turn of
the loop is over - stops pulling messages out of its framer. One read is kept; then reading pauses.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Literal, cast

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHalfCloseableProtocol,
    IPushProducer,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from sockreply.errors import CannotFrame, FramingError, ReplyTimeout, SockreplyError
from sockreply.replies.reply import Reply
from sockreply.replies.responder import Session
from sockreply.server.delivery import Delivery
from sockreply.server.shown import show_address, show_text
from sockreply.server.timeouts import Kind, Timeouts
from sockreply.server.transport import SendsAtOnce, direct_write, wire_under

if TYPE_CHECKING:
    from sockreply.server.factory import ReplyFactory

MESSAGES_A_TURN = 64
"""How many messages of one connection are answered before others get their turn."""

BYTES_A_TURN = 65_536
"""How many bytes of replies are made for one connection in a turn; as much as may be unsent."""

UNASKED_LIMIT = 1_000
"""How many unasked replies may wait for a peer that does not read."""

# What can stand before the next message.
_ANSWERING = 1  # the one before it is being answered: this is not the outermost call
_UNSENT = 2  # so much waits to be sent that nothing may be added
_WAITING = 4  # a reply waits
_NEXT_TURN = 8  # this connection's turn is over
_CLOSING = 16  # no more is answered


@implementer(IHalfCloseableProtocol, IPushProducer)
class ReplyProtocol(Protocol):
    """One connection of a service.

    Args:
        factory: What all connections of the service share.
    """

    _log = Logger()

    factory: ReplyFactory
    transport: Any  # what an accepting port or a wrapper made; its interfaces vary

    def __init__(self, factory: ReplyFactory) -> None:
        self.factory = factory
        self.session = Session(self)
        self._framing = factory.framing
        self._framer = factory.framing.framer(factory.limits.max_message)
        self._timeouts = Timeouts(factory.clock, self._expired)
        self._wire: SendsAtOnce | None = None
        self._answered: list[bytes] = []  # framed, to be written at the end of the turn
        self._answered_size = 0
        self._unasked: deque[bytes | Reply] | None = None
        self._asked = False  # does the reply that is made now answer a message?
        self._shown = False  # and does the log show that message?
        self._delivery: Delivery | None = None  # of a reply that is more than a message
        self._turn: IDelayedCall | None = None  # the next one, when this one was not enough
        self._held = 0  # by which of the above
        self._active = False  # did a message come or go in this turn?
        self._reading = True
        self._stalled = False  # does the reply that waits wait for ever?
        self._draining = False
        self._deaf = False  # is what the peer sends dropped?
        self._peer_done = False  # has it said that it sends no more?
        self._ending: str | None = None  # why we close the connection

    # What the transport tells us.

    def connectionMade(self) -> None:
        self._write = direct_write(self.transport)
        self._wire = wire_under(self.transport)
        if self._wire is not None:
            self._wire.on_backlog = self._backlogged
        self.transport.registerProducer(self, True)
        self.factory.opened(self)
        self._timeouts.begin("idle", self.factory.limits.idle_timeout)
        if self.factory.greeting is not None:
            self.send(self.factory.greeting)

    def dataReceived(self, data: bytes) -> None:
        counters = self.factory.counters
        counters.received_bytes += len(data)
        if self._deaf:
            counters.dropped_bytes += len(data)
            return
        self._framer.receive_data(data)
        if self._framer.silence is not None:
            self._timeouts.begin("silence", self._framer.silence)
        if self._held:
            self._pause_reading()
        else:
            self._proceed()

    def readConnectionLost(self) -> None:
        self._peer_done = True
        if self._deaf:
            self.transport.loseConnection()
            return
        self._timeouts.end("silence")
        self._framer.receive_eof()
        if not self._held:
            self._proceed()

    def writeConnectionLost(self) -> None:
        pass  # as we asked for

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._ending is None and not self._deaf and self._framer.buffered:
            self._truncated()
        self._give_up()
        self._deaf = True
        if self._wire is not None:
            del self._wire.on_backlog  # it holds us, and we it
        self.factory.counters.dropped_bytes += self._framer.dropped
        why = "peer" if reason.check(ConnectionDone) else "lost"
        self.factory.closed(self, self._ending or why)
        self.session.close()

    def pauseProducing(self) -> None:
        self._held |= _UNSENT
        self._rest()
        if self._wire is None:  # then nothing else will tell that the peer does not read
            self._backlogged()

    def resumeProducing(self) -> None:
        self._held &= ~_UNSENT
        if self._wire is None:
            self._timeouts.end("write")
        if self._held == _WAITING:
            self.go_on()
        elif not self._held:
            self._proceed()

    def stopProducing(self) -> None:
        pass  # connectionLost comes too

    # What the responder asks through its session, and the service.

    def peer(self) -> IAddress:
        return cast(IAddress, self.transport.getPeer())

    def host(self) -> IAddress:
        return cast(IAddress, self.transport.getHost())

    def tls(self) -> Any:
        over_tls = isinstance(self.transport, TLSMemoryBIOProtocol)
        return self.transport.getHandle() if over_tls else None

    def frame(self, message: bytes) -> bytes:
        return self._framing.frame(message)

    def send(self, reply: bytes | Reply) -> None:
        if self._ending is not None:
            return
        if self._unasked is None:
            self._unasked = deque()
        self._unasked.append(reply)
        if len(self._unasked) > UNASKED_LIMIT:
            self.abort("overrun")
        elif not self._held:
            self._proceed()

    def drain(self) -> None:
        """Finish what is begun, take nothing more on, and close."""
        self._draining = True
        if self._held and not self._stalled:
            self._pause_reading()
            return
        if self._wire is not None and not self._held:
            self._wire.doRead()  # a message may be there that the loop has not come to
        if self._stalled or not self._held:
            self._close("drained")

    def abort(self, why: str) -> None:
        """End the connection at once, whatever is still to be sent."""
        if self._ending is None:
            self._end(why)
        self._timeouts.stop()
        self.transport.abortConnection()

    # Pulling and answering.

    def _proceed(self) -> None:
        """Answer what has come, for one turn."""
        self._held |= _ANSWERING
        more = self._answer()
        self._flush()
        self._held &= ~_ANSWERING
        if self._held & (_CLOSING | _WAITING):
            return
        if self._held & _UNSENT:
            self._rest()
        elif more:
            self._rest()
            self._held |= _NEXT_TURN
            self._turn = self.factory.clock.callLater(0, self._next_turn)
        elif self._peer_done:
            if self._framer.buffered:
                self._truncated()
            self._close("peer")
        elif self._draining:
            self._close("drained")
        else:
            self._listen()

    def _next_turn(self) -> None:
        self._turn = None
        self._held &= ~_NEXT_TURN
        self._proceed()

    def _answer(self) -> bool:
        """Answer messages until none is left, a reply has to wait or the turn is over.

        Returns:
            Is the turn over while there may be more?
        """
        factory, framer, session = self.factory, self._framer, self.session
        counters, exchanges = factory.counters, factory.exchanges
        respond, frame = factory.responder.respond, self._framing.frame
        size = 0
        for _ in range(MESSAGES_A_TURN):
            if self._unasked:
                self._asked = self._shown = False
                reply = self._unasked.popleft()
            else:
                try:
                    message = framer.next_message()
                except FramingError as error:
                    self._broken(error)
                    return False
                if message is None:
                    return False
                self._asked = True
                session.count += 1
                counters.messages += 1
                if exchanges.room:
                    self._shown = exchanges.received(session, message)
                else:
                    self._shown = False
                    exchanges.hidden += 1
                try:
                    reply = respond(message, session)
                except Exception:  # a user's code may raise anything
                    self.failed(Failure())
                    return False
            self._active = True
            if not isinstance(reply, bytes):
                if not self._deliver(reply):
                    return False
                size += self._answered_size
            else:
                try:
                    wire = frame(reply)
                except CannotFrame:
                    self.failed(Failure())
                    return False
                self._answered.append(wire)
                size += len(wire)
                if self._shown:
                    exchanges.answered(session, reply)
                if self._asked:
                    counters.replies += 1
                    if not factory.keep_alive:
                        self._close("answered")
                        return False
            if size >= BYTES_A_TURN or self._held & _UNSENT:
                return True
            if not framer.buffered and not self._unasked:
                return False
        return True

    def _flush(self) -> None:
        """Write what was answered, in one piece."""
        if self._answered:
            wire = b"".join(self._answered)
            self._answered.clear()
            self._answered_size = 0
            self.factory.counters.sent_bytes += len(wire)
            self._write(wire)

    def _listen(self) -> None:
        """Nothing is owed: wait for the next message."""
        timeouts, limits = self._timeouts, self.factory.limits
        if self._active or not timeouts.runs("idle"):
            self._active = False
            timeouts.end("message")
            timeouts.begin("idle", limits.idle_timeout)
        if self._framer.buffered and not timeouts.runs("message"):
            timeouts.begin("message", limits.message_timeout)
        if not self._reading:
            self._resume_reading()

    def _rest(self) -> None:
        """Something is owed: neither is the connection idle, nor is it the peer's time."""
        self._timeouts.end("idle")
        self._timeouts.end("message")

    def _pause_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._timeouts.end("silence")  # it would be ours, not the peer's
            self.transport.pauseProducing()

    def _resume_reading(self) -> None:
        if not self._peer_done:
            self._reading = True
            self.transport.resumeProducing()
            if self._framer.silence is not None and not self._deaf:
                self._timeouts.begin("silence", self._framer.silence)

    # What a delivery asks.

    @property
    def takes_more(self) -> bool:
        return not self._held & (_UNSENT | _CLOSING)

    def deliver(self, wire: bytes, shown_as: bytes) -> None:
        self._answered.append(wire)
        self._answered_size += len(wire)
        if self._shown:
            self.factory.exchanges.answered(self.session, shown_as)
        if self._answered_size >= BYTES_A_TURN:
            self._flush()

    def awaiting(self, begun: bool) -> None:
        self._timeouts.begin("reply", self.factory.limits.reply_timeout if begun else 0)

    def stall(self) -> None:
        self._stalled = True
        self._settle()

    def end(self, how: Literal["whole", "half", "reset"]) -> None:
        self._settle()
        self._flush()
        if how == "reset":
            self.abort("reset")
        elif how == "half" and self._bare_wire is not None:
            self._stalled = self._deaf = True
            self.transport.unregisterProducer()  # a paused one would hold the half-close up
            self.transport.loseWriteConnection()
            self._resume_reading()
        else:
            self._close("answered")

    def go_on(self) -> None:
        if self._delivery is not None and self._carry_on(self._delivery):
            self._proceed()

    def failed(self, failure: Failure) -> None:
        late = failure.check(ReplyTimeout) is not None
        kind = ("reply_timeout" if late else "reply") if self._asked else "unasked"
        self.factory.counters.errors[kind] += 1
        self._asked = False
        peer = show_address(self.peer())
        if failure.check(SockreplyError):
            self._log.error("{peer} gets no reply: {error}", peer=peer, error=failure.value)
        else:
            self._log.error(
                "{peer} gets no reply: its responder failed\n{traceback}",
                peer=peer,
                traceback=show_text(failure.getTraceback()),  # it may quote the message
            )
        self._close("error")

    def _deliver(self, reply: Reply) -> bool:
        """Carry out what is more than a message. Is it whole, and may another follow?"""
        self._held |= _WAITING
        self._delivery = Delivery(self, reply, self.factory.clock)
        return self._carry_on(self._delivery)

    def _carry_on(self, delivery: Delivery) -> bool:
        if not delivery.run():
            if not self._held & _CLOSING:
                self._flush()
                self._rest()
                if self._stalled:
                    self._timeouts.begin("idle", self.factory.limits.idle_timeout)
            return False
        asked = self._asked
        self._settle()
        self._delivery = None
        self._held &= ~_WAITING
        if asked and not self.factory.keep_alive:
            self._close("answered")
            return False
        return True

    def _settle(self) -> None:
        """The message that is answered has had its reply, or its silence."""
        if not self._asked or self._delivery is None:
            return
        self._asked = False
        counters = self.factory.counters
        if self._delivery.spoke:
            counters.replies += 1
        else:
            counters.silences += 1
            if self._shown:
                self.factory.exchanges.silent(self.session)

    # Ending.

    def _close(self, why: str) -> None:
        """Close in good order: what is queued is sent, and no RST overtakes it."""
        if self._ending is not None:
            return
        self._flush()
        wire = None if self._deaf or self._peer_done else self._bare_wire
        more = wire is not None and (self._framer.buffered > 0 or wire.has_unread())
        self._end(why)
        self._timeouts.begin("close", self.factory.limits.close_timeout)
        if not self._reading:
            self._resume_reading()  # drops what comes, and hears the peer close
        if more:
            self.transport.loseWriteConnection()
        else:
            self.transport.loseConnection()

    @property
    def _bare_wire(self) -> SendsAtOnce | None:
        """The wire, if nothing is around it: TLS knows no half-close, and has its own good-bye."""
        return self._wire if self._wire is self.transport else None

    def _end(self, why: str) -> None:
        self._ending = why
        self._held |= _CLOSING
        self._deaf = True
        self._give_up()
        self.transport.unregisterProducer()  # a paused one would hold the close up

    def _give_up(self) -> None:
        """Stop all that was to come."""
        self._timeouts.stop()
        if self._delivery is not None:
            if self._asked:
                self._asked = False
                self.factory.counters.errors["abandoned"] += 1
            self._delivery.cancel()
            self._delivery = None
            self._held &= ~_WAITING
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
            self._held &= ~_NEXT_TURN
        self._unasked = None

    def _broken(self, error: FramingError) -> None:
        """The peer broke the format."""
        self.factory.counters.errors[error.kind] += 1
        self._log.warn(
            "{peer} broke the format: {error}", peer=show_address(self.peer()), error=error
        )
        self._close(error.kind)

    def _truncated(self) -> None:
        """The stream ended inside a message."""
        self.factory.counters.errors["truncated"] += 1
        self._log.warn(
            "{peer} ended inside a message: {size} bytes lost",
            peer=show_address(self.peer()),
            size=self._framer.buffered,
        )

    def _backlogged(self) -> None:
        """The peer does not take at once what we send."""
        if self._ending is None:
            self._timeouts.begin("write", self.factory.limits.write_timeout)

    def _expired(self, kind: Kind) -> None:
        limits = self.factory.limits
        match kind:
            case "idle":
                self._close("idle")
            case "message":
                self._too_slow("message_timeout", limits.message_timeout)
            case "reply":
                self.failed(Failure(ReplyTimeout(limits.reply_timeout)))
            case "write":
                if not self._still_takes("write", limits.write_timeout):
                    self._too_slow("write_timeout", limits.write_timeout)
            case "close":
                if not self._still_takes("close", limits.close_timeout):
                    self.abort("close")
            case "silence":
                self._framer.receive_silence()
                if not self._held:
                    self._proceed()

    def _still_takes(self, kind: Kind, seconds: float) -> bool:
        """Has the peer taken something of the backlog so lately that it gets more time?"""
        wire = self._wire
        if wire is None:
            return False
        if not wire.unsent:
            return kind == "write"
        left = wire.taken_at + seconds - self.factory.clock.seconds()
        if left > 0:
            self._timeouts.begin(kind, left)
        return left > 0

    def _too_slow(self, why: str, seconds: float) -> None:
        self._log.warn(
            "{peer} took over {seconds:g} s: {why}",
            peer=show_address(self.peer()),
            seconds=seconds,
            why=why,
        )
        self.abort(why)
