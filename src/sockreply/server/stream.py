"""One connection of a service over a stream: TCP, a UNIX socket, TLS."""

from __future__ import annotations

from typing import Literal

from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from sockreply.conversation.answering import Answering
from sockreply.conversation.deadlines import NEVER, Deadlines, Kind
from sockreply.conversation.shared import Shared
from sockreply.conversation.states import (
    CLOSE,
    CLOSING,
    DRAIN,
    ENDED,
    HALF_CLOSED,
    LOSE,
    OPEN,
    PEER_ENDS,
    RESUME,
    STALL,
    STALLED,
    UNSENT,
    Event,
)
from sockreply.errors import ReplyTimeout
from sockreply.replies.responder import Session
from sockreply.server.backlog import Backlog
from sockreply.server.connection import NEWCOMER
from sockreply.server.paced_connection import PacedConnection
from sockreply.server.roster import Roster
from sockreply.server.transport import direct_wire, wire_under


@implementer(IHalfCloseableProtocol, IPushProducer)
class ReplyProtocol(PacedConnection):
    """Reads for as long as messages can be answered, keeps the deadlines, and ends.

    Args:
        shared: What all connections of the service have in common.
        roster: Knows them.
    """

    __slots__ = ("_backlog", "_count", "_ending", "_roster", "_silence")

    def __init__(self, shared: Shared, roster: Roster) -> None:
        self.connected, self.transport, self._told = 0, None, False
        self.session = Session(self)
        self._shared = shared
        self._roster = roster
        self._deadlines = Deadlines(shared.alarms, self)
        self._answering = Answering(self, self.session, self._deadlines, shared)
        self._framer = self._answering.framer
        self._silence = self._framer.silence
        self._wire = None
        self._count = 0  # of the messages when the one that is coming began
        self._opened_at = 0.0
        self._ending: str | None = None  # why we close the connection
        self._backlog: Backlog | None = None  # which the peer is watched to take

    # What the transport tells us.

    def connectionMade(self) -> None:
        self._answering.outbox.wire = direct_wire(self.transport)
        self._wire = wire_under(self.transport)
        if self._wire is not None:
            self._wire.watcher = self
        shared = self._shared
        if not self._roster.admits(self):
            self._ending = "refused"
            self._answering.give_up(CLOSE)
            self.transport.loseConnection()
            return
        self.transport.registerProducer(self, True)
        self._opened_at = shared.clock.seconds()
        self._deadlines.begin_idle(shared.limits.idle_timeout)
        self._roster.opened(self)
        if shared.greeting is not None:
            self._answering.greet(shared.greeting)

    def dataReceived(self, data: bytes) -> None:
        answering, counters = self._answering, self._shared.counters
        counters.received_bytes += len(data)
        if answering.answer_at_once(data):
            return
        if answering.state >= STALLED:
            answering.ignored(data)
            return
        self._framer.receive_data(data)
        if self._silence is not None and answering.reads:
            self._deadlines.begin("silence", self._silence)
        if answering.held:
            answering.has_to_wait(data)
            self.pause_reading()
            return
        if counters.reply_seconds is not None:
            answering.read_at = self._shared.clock.seconds()
        answering.proceed()

    def readConnectionLost(self) -> None:
        answering = self._answering
        then = answering.leads_to(PEER_ENDS)
        if then is CLOSING:
            self.close("peer")
            self.transport.loseConnection()
            return
        answering.state = then
        self._deadlines.silence = NEVER
        self._framer.receive_eof()
        if not answering.held:
            if self._framer.buffered:
                answering.proceed()
            else:
                self.close("peer")

    def writeConnectionLost(self) -> None: ...  # as we asked for

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        answering, framer, counters = self._answering, self._framer, self._shared.counters
        if framer.buffered:
            if answering.state >= STALLED or answering.held:  # nobody waits for an answer
                counters.dropped_bytes += framer.buffered
            else:
                self._truncated(framer.buffered)
        answering.give_up(LOSE)
        if self._ending is None or self._backlog is not None:  # else they were stopped, and stay so
            self._deadlines.stop()
        if self._wire is not None:
            self._wire.watcher = None  # it holds us, and we it
        counters.dropped_bytes += framer.dropped
        why = self._why_gone(reason)  # first, for it may have to be told
        self._tell_unfinished(self._ending or why)
        self._roster.closed(self, self._ending or why)
        self.session.connection_gone()
        # They hold us, and we them: let go, or they wait for the collector, which costs its time.
        self._backlog = None
        del self._answering, self._framer, self._deadlines, self.session

    def pauseProducing(self) -> None:
        self._answering.unsent()
        if not self._has_unsent:  # a TLS handshake, say, and nothing else would tell
            self.backlogged()

    def resumeProducing(self) -> None:
        self._answering.sent()

    def stopProducing(self) -> None:
        pass  # connectionLost comes too

    # What the session and the service ask.

    def drain(self) -> None:
        """Finish what has begun, accept nothing more, and close."""
        if self not in self._roster.connections:
            return  # it is gone already
        answering = self._answering
        if self._wire is not None and not answering.held:
            self._wire.doRead()  # a message may be there that the loop has not come to
        if answering.held & ENDED:
            return
        if answering.leads_to(DRAIN) is CLOSING:
            self.close("drained")
            return
        answering.happened(DRAIN)
        self._framer.receive_silence()  # there will be no more
        if answering.held:
            self.pause_reading()
        else:
            if self._is_new:
                self._deadlines.begin("idle", NEWCOMER)
            answering.proceed()

    def abort(self, why: str) -> None:
        """End the connection at once, whatever is still to be sent."""
        if self._ending is None:
            self._end(why)
        self._deadlines.stop()
        # Standard input and output know only one way to end.
        getattr(self.transport, "abortConnection", self.transport.loseConnection)()

    # What answering asks.

    def all_answered(self, active: bool, begun: int) -> None:
        answering, deadlines = self._answering, self._deadlines
        if answering.state is HALF_CLOSED:
            self._truncated(begun)
            self.close("peer")
        elif answering.drains and not self._is_new:
            self._truncated(begun)
            self.close("drained")
        else:
            if active or deadlines.idle is NEVER:
                deadlines.begin_idle(self._shared.limits.idle_timeout)
            if deadlines.message is not NEVER and self._count != self.session.count:
                deadlines.message = NEVER
            if begun and not deadlines.runs("message"):
                self._count = self.session.count
                deadlines.begin("message", self._shared.limits.message_timeout)
            if answering.paused:
                answering.happened(RESUME)
                self.transport.resumeProducing()
                if self._silence is not None:
                    deadlines.begin("silence", self._silence)

    def owing(self) -> None:
        self._deadlines.end("idle")
        self._deadlines.end("message")

    def stalled(self, event: Event) -> None:
        answering = self._answering
        if answering.leads_to(event) is CLOSING:
            self.close("drained" if answering.drains else "peer")
            return
        paused = answering.paused
        answering.happened(event)
        self._deadlines.begin("idle", self._shared.limits.idle_timeout)
        self._deadlines.end("message")
        if paused is not answering.paused:  # when it is resumed, it hears the peer close
            (self.transport.resumeProducing if paused else self.transport.pauseProducing)()

    def end(self, how: Literal["whole", "half", "reset"]) -> bool:
        answering = self._answering
        if how == "reset":
            self.abort("reset")
        elif how == "whole" or self._bare_wire is None:
            self.close("answered")
        elif answering.leads_to(STALL) is CLOSING:
            self.close("drained" if answering.drains else "answered")
        else:
            self.transport.unregisterProducer()  # a paused one would hold the half-close up
            self.transport.loseWriteConnection()
            return True
        return False

    def close(self, why: str) -> None:
        """Close in good order: what is queued is sent, and no RST overtakes it."""
        if self._ending is not None:
            return
        answering, state = self._answering, self._answering.state
        if answering.held:  # else there is nothing in it
            answering.outbox.flush()
        paused = state is not OPEN and state is not HALF_CLOSED and answering.paused
        wire = self._bare_wire if state < STALLED and state is not HALF_CLOSED else None
        more = wire is not None and (self._framer.buffered > 0 or wire.has_unread())
        self._end(why)
        if more or self._bare_wire is None or not self._bare_wire.can_end_with_read:
            self._backlog = Backlog("close", self._wire, self._shared, self._deadlines)
        if paused:
            self.transport.resumeProducing()  # drops what comes, and hears the peer close
        if more:
            self.transport.loseWriteConnection()
        else:
            self.transport.loseConnection()

    # The rest is ours.

    def _end(self, why: str) -> None:
        self._ending = why
        self._answering.give_up(CLOSE)
        self._deadlines.stop()
        self.transport.unregisterProducer()  # a paused one would hold the close up

    def backlogged(self) -> None:
        """The peer does not take at once what we send."""
        if self._ending is None:
            self._backlog = Backlog("write", self._wire, self._shared, self._deadlines)

    def expired(self, kind: Kind) -> None:
        limits, answering = self._shared.limits, self._answering
        match kind:
            case "idle":
                self.close("drained" if answering.drains else "idle")
            case "message":
                self._tell_slow("message_timeout", limits.message_timeout)
                self.abort("message_timeout")
            case "reply":
                answering.failed(Failure(ReplyTimeout(limits.reply_timeout)))
            case "write" if self._has_unsent or answering.held & UNSENT:
                if self._backlog is not None and self._backlog.is_stuck():
                    self._tell_slow("write_timeout", limits.write_timeout)
                    self.abort("write_timeout")
            case "close":
                if self._backlog is not None and self._backlog.is_stuck():
                    self.abort("close")
            case "silence":
                self._framer.receive_silence()
                if not answering.held:
                    answering.proceed()
