"""One connection of a service.

The way of a message::

    dataReceived -> Framer -> Answering -> Responder -> bytes: joined, one write for a turn
                                                     -> Reply: Delivery, step by step

A connection that cannot go on - a reply waits, the peer does not take what was sent, its turn of
the loop is over - stops pulling messages out of its framer. One read is kept; then reading pauses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, cast

from twisted.internet.error import ConnectionClosed, ConnectionDone
from twisted.internet.interfaces import IAddress, IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from sockreply.conversation.answering import CLOSING, UNSENT, Answering
from sockreply.conversation.deadlines import NEVER, Kind, Timeouts
from sockreply.errors import ReplyTimeout
from sockreply.replies.reply import Reply
from sockreply.replies.responder import Session
from sockreply.server.backlog import LOOKS, Backlog
from sockreply.server.transport import SendsAtOnce, direct_write, wire_under
from sockreply.shown import show_text

if TYPE_CHECKING:
    from sockreply.server.factory import ReplyFactory


NEWCOMER = 1.0
"""Seconds that a peer has to say its first message when the service stops: it may be under way."""


@implementer(IHalfCloseableProtocol, IPushProducer)
class ReplyProtocol(Protocol):
    """Reads for as long as messages can be answered, keeps the deadlines, and ends.

    Args:
        factory: What all connections of the service share.
    """

    _log = Logger()

    factory: ReplyFactory
    transport: Any  # what an accepting port or a wrapper made; its interfaces vary

    def __init__(self, factory: ReplyFactory) -> None:
        self.factory = factory
        self._framing = factory.framing
        self.session = Session(self)
        self._timeouts = Timeouts(factory.alarms, self._expired)
        self._answering = Answering(self, self.session, self._timeouts, factory)
        self._framer = self._answering.framer
        self._silence = self._framer.silence
        self._wire: SendsAtOnce | None = None
        self._count = 0  # of the messages when the one that is coming began
        self._reading = True
        self._draining = False
        self._opened_at = 0.0
        self._deaf = False  # is what the peer sends dropped?
        self._peer_done = False  # has it said that it sends no more?
        self._ending: str | None = None  # why we close the connection
        self._backlog: Backlog | None = None  # which the peer is watched to take

    # What the transport tells us.

    def connectionMade(self) -> None:
        self._answering.write = direct_write(self.transport)
        self._wire = wire_under(self.transport)
        if self._wire is not None:
            self._wire.on_backlog = self._backlogged
        if not self.factory.admits(self):
            self._deaf = True
            self._ending = "refused"
            self.transport.loseConnection()
            return
        self.transport.registerProducer(self, True)
        self._opened_at = self.factory.clock.seconds()
        self.factory.opened(self)
        self._timeouts.begin("idle", self.factory.limits.idle_timeout)
        if self.factory.greeting is not None:
            self._answering.greet(self.factory.greeting)

    def dataReceived(self, data: bytes) -> None:
        counters, answering = self.factory.counters, self._answering
        counters.received_bytes += len(data)
        if self._deaf:
            counters.dropped_bytes += len(data)
            return
        self._framer.receive_data(data)
        if self._silence is not None and self._reading:
            self._timeouts.begin("silence", self._silence)
        if answering.held:
            self._pause_reading()
            return
        if counters.reply_seconds is not None:
            answering.read_at = self.factory.clock.seconds()
        answering.proceed()

    def readConnectionLost(self) -> None:
        self._peer_done = self._answering.channel_waits = True
        if self._deaf:
            self.close("peer")
            self.transport.loseConnection()
            return
        self._timeouts.silence = NEVER
        self._framer.receive_eof()
        if not self._answering.held:
            if self._framer.buffered:
                self._answering.proceed()
            else:
                self.close("peer")

    def writeConnectionLost(self) -> None:
        pass  # as we asked for

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._framer.buffered:
            if self._deaf or self._answering.held:  # nobody waits for an answer any more
                self.factory.counters.dropped_bytes += self._framer.buffered
            else:
                self._truncated()
        self._deaf = True
        self._answering.give_up()
        self._timeouts.stop()
        if self._wire is not None:
            del self._wire.on_backlog  # it holds us, and we it
        self.factory.counters.dropped_bytes += self._framer.dropped
        why = "peer" if isinstance(reason.value, ConnectionDone) else "lost"
        if self.tls() is not None and not isinstance(reason.value, ConnectionClosed):
            why = "tls"
            self.factory.counters.errors[why] += 1
            error = show_text(str(reason.value))
            self._complain("{peer}: TLS failed: {error}", error=error)
        self.factory.closed(self, self._ending or why)
        self.session.connection_gone()
        # They hold us, and we them: let go, or they wait for the collector, which costs its time.
        del self._answering, self._framer, self._timeouts, self.session

    def pauseProducing(self) -> None:
        self._answering.unsent()
        if not self._has_unsent:  # a TLS handshake, say, and nothing else would tell
            self._backlogged()

    def resumeProducing(self) -> None:
        if not self._has_unsent:
            self._timeouts.end("write")
        self._answering.sent()

    def stopProducing(self) -> None:
        pass  # connectionLost comes too

    # What the session and the service ask.

    def peer(self) -> IAddress:
        return cast(IAddress, self.transport.getPeer())

    def host(self) -> IAddress:
        return cast(IAddress, self.transport.getHost())

    def tls(self) -> Any:
        over_tls = isinstance(self.transport, TLSMemoryBIOProtocol)
        return self.transport.getHandle() if over_tls else None

    def service(self) -> str:
        return self.factory.name

    def reactor(self) -> Any:
        return self.factory.clock

    def frame(self, message: bytes) -> bytes:
        return self._framing.frame(message)

    def remark(self, say: Callable[[], str]) -> None:
        self._answering.remark(say)

    def send(self, reply: bytes | Reply) -> None:
        if self._ending is None:
            self._answering.send(reply)

    def drain(self) -> None:
        """Finish what is begun, take nothing more on, and close."""
        if self not in self.factory.connections:
            return  # it is gone already
        answering = self._answering
        if self._wire is not None and not answering.held:
            self._wire.doRead()  # a message may be there that the loop has not come to
        if answering.held & CLOSING:
            return
        self._draining = answering.channel_waits = True
        self._framer.receive_silence()  # there will be no more
        if answering.stalled:
            self.close("drained")
        elif answering.held:
            self._pause_reading()
        else:
            if self._is_new:
                self._timeouts.begin("idle", NEWCOMER)
            answering.proceed()

    def abort(self, why: str) -> None:
        """End the connection at once, whatever is still to be sent."""
        if self._ending is None:
            self._end(why)
        self._timeouts.stop()
        # Standard input and output know only one way to end.
        getattr(self.transport, "abortConnection", self.transport.loseConnection)()

    # What answering asks.

    def all_answered(self, active: bool, begun: int) -> None:
        if self._peer_done:
            if begun:
                self._truncated()
            self.close("peer")
        elif self._draining and not self._is_new:
            self.close("drained")
        else:
            timeouts = self._timeouts
            if active or timeouts.idle is NEVER:
                timeouts.begin_idle(self.factory.limits.idle_timeout)
            if timeouts.message is not NEVER and self._count != self.session.count:
                timeouts.message = NEVER
            if begun and not timeouts.runs("message"):
                self._count = self.session.count
                timeouts.begin("message", self.factory.limits.message_timeout)
            self._answering.channel_waits = self._draining or timeouts.runs("message")
            if not self._reading:
                self._resume_reading()

    def owing(self, stalled: bool) -> None:
        if stalled and (self._peer_done or self._draining):
            self.close("drained" if self._draining else "peer")
            return
        self._timeouts.begin("idle", self.factory.limits.idle_timeout if stalled else 0)
        self._timeouts.end("message")
        if stalled and not self._deaf:
            self._deaf = True
            self._resume_reading()  # to hear the peer close

    def end(self, how: Literal["whole", "half", "reset"]) -> None:
        if how == "reset":
            self.abort("reset")
        elif how == "half" and self._bare_wire is not None and not self._peer_done:
            self._answering.stalled = self._deaf = True
            self.transport.unregisterProducer()  # a paused one would hold the half-close up
            self.transport.loseWriteConnection()
            self._resume_reading()
        else:
            self.close("answered")

    def close(self, why: str) -> None:
        """Close in good order: what is queued is sent, and no RST overtakes it."""
        if self._ending is not None:
            return
        self._answering.flush()
        wire = None if self._deaf or self._peer_done else self._bare_wire
        more = wire is not None and (self._framer.buffered > 0 or wire.has_unread())
        self._end(why)
        if more or self._bare_wire is None or not self._bare_wire.can_end_with_read:
            self._watch("close", self.factory.limits.close_timeout)
        if not self._reading:
            self._resume_reading()  # drops what comes, and hears the peer close
        if more:
            self.transport.loseWriteConnection()
        else:
            self.transport.loseConnection()

    # The rest is ours.

    @property
    def _is_new(self) -> bool:
        """Has it just connected, and not said its first message yet?"""
        age = self.factory.clock.seconds() - self._opened_at
        return self.session.count == 0 and age < NEWCOMER

    @property
    def _has_unsent(self) -> bool:
        return self._wire is not None and self._wire.unsent > 0

    @property
    def _bare_wire(self) -> SendsAtOnce | None:
        """The wire, if nothing is around it: TLS knows no half-close, and has its own good-bye."""
        return self._wire if self._wire is self.transport else None

    def _pause_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._answering.channel_waits = True
            self._timeouts.end("silence")  # it would be ours, not the peer's
            self.transport.pauseProducing()

    def _resume_reading(self) -> None:
        if not self._peer_done:
            self._reading = True
            self.transport.resumeProducing()
            if self._silence is not None and not self._deaf:
                self._timeouts.begin("silence", self._silence)

    def _end(self, why: str) -> None:
        self._ending = why
        self._deaf = True
        self._answering.give_up()
        self._timeouts.stop()
        self.transport.unregisterProducer()  # a paused one would hold the close up

    def _truncated(self) -> None:
        """The stream ended inside a message."""
        self.factory.counters.errors["truncated"] += 1
        size = self._framer.buffered
        self._complain("{peer} ended inside a message: {size} bytes lost", size=size)

    def _backlogged(self) -> None:
        """The peer does not take at once what we send."""
        if self._ending is None:
            self._watch("write", self.factory.limits.write_timeout)

    def _expired(self, kind: Kind) -> None:
        limits = self.factory.limits
        match kind:
            case "idle":
                self.close("drained" if self._draining else "idle")
            case "message":
                self._too_slow("message_timeout", limits.message_timeout)
            case "reply":
                self._answering.failed(Failure(ReplyTimeout(limits.reply_timeout)))
            case "write" if self._backlog is not None:
                if self._has_unsent or self._answering.held & UNSENT:
                    self._look(self._backlog, kind, limits.write_timeout)
            case "close" if self._backlog is not None:
                self._look(self._backlog, kind, limits.close_timeout)
            case "silence":
                self._framer.receive_silence()
                if not self._answering.held:
                    self._answering.proceed()

    def _watch(self, kind: Literal["write", "close"], seconds: float) -> None:
        """Give the peer this time to take what waits for it, from whenever it takes some."""
        self._backlog = Backlog(self._wire, self.factory.clock)
        self._timeouts.begin(kind, seconds / LOOKS)

    def _look(self, backlog: Backlog, kind: Literal["write", "close"], seconds: float) -> None:
        left = backlog.left(seconds, max(seconds, self.factory.limits.write_timeout))
        if left > 0:
            self._timeouts.begin(kind, min(left, seconds / LOOKS))
        elif kind == "write":
            self._too_slow("write_timeout", seconds)
        else:
            self.abort("close")

    def _too_slow(self, why: str, seconds: float) -> None:
        self._complain("{peer} took over {seconds:g} s: {why}", seconds=seconds, why=why)
        self.abort(why)

    def _complain(self, text: str, **fields: object) -> None:
        self.factory.complaints.tell(self._log.warn, self.peer(), text, **fields)
