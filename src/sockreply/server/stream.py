"""One connection of a service over a stream: TCP, a UNIX socket, TLS."""

from __future__ import annotations

from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from sockreply.conversation.answering import Answering
from sockreply.conversation.deadlines import NEVER, Deadlines, Kind
from sockreply.conversation.guard import guarded
from sockreply.conversation.shared import Shared
from sockreply.conversation.states import (
    CLOSE,
    CLOSING,
    DRAIN,
    ENDED,
    HALF_CLOSED,
    PEER_ENDS,
    RESUME,
    STALLED,
    Event,
)
from sockreply.errors import ReplyTimeout
from sockreply.replies.session import Session
from sockreply.server.backlog import Backlog
from sockreply.server.connection import NEWCOMER
from sockreply.server.ending import Ending
from sockreply.server.roster import Roster
from sockreply.server.transport import direct_wire, wire_under


@implementer(IHalfCloseableProtocol, IPushProducer)
class ReplyProtocol(Ending):
    """Reads for as long as messages can be answered, keeps the deadlines, and ends.

    Args:
        shared: What all connections of the service have in common.
        roster: Knows them.
    """

    __slots__ = ("_count", "_silence")

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
        self._ending = None
        self._backlog = None

    # What the transport tells us.

    @guarded
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
        try:  # as in `guarded`, which would cost a call for every read
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
        except KeyboardInterrupt:
            raise
        except BaseException:
            self.broke(Failure())

    @guarded
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

    @guarded
    def pauseProducing(self) -> None:
        self._answering.unsent()
        if not self._has_unsent:  # a TLS handshake, say, and nothing else would tell
            self.backlogged()

    @guarded
    def resumeProducing(self) -> None:
        self._answering.sent()

    def stopProducing(self) -> None:
        pass  # connectionLost comes too

    # What the service asks.

    @guarded
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

    def hear_silence(self) -> None:
        self._silence = self._framer.silence
        if self._answering.drains:
            self._framer.receive_silence()  # there will be no more
        if self._silence is not None and self._framer.buffered and self._answering.reads:
            self._deadlines.begin("silence", self._silence)
        else:
            self._deadlines.end("silence")

    # The rest is ours.

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
            case "write" if self._owes_bytes:
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
