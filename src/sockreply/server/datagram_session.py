"""A session with one peer address over UDP, on a transport that exists in memory only.

A datagram is a message, and each message of a reply is a datagram. Everything between the two is
done by the same protocol as for streams.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure

from sockreply.conversation.guard import guarded
from sockreply.conversation.outbox import SeparateOutbox
from sockreply.conversation.shared import Shared
from sockreply.conversation.states import CLOSE, STALLED, Event
from sockreply.server.allowance import Allowance
from sockreply.server.datagram_socket import Key
from sockreply.server.roster import Roster
from sockreply.server.stream import ReplyProtocol

KEPT = 16
"""Datagrams of one peer that wait while an earlier one is being answered."""

_DONE = Failure(ConnectionDone())


class Wire(Protocol):
    """What the sessions of a port ask of its socket: see `DatagramSocket`."""

    def send(self, data: bytes, key: Key) -> str | None:
        """Send a datagram. Returns why not, as a reason of `Counters.unsent`; None: it is sent."""

    def is_loopback(self, key: Key) -> bool:
        """Is the peer on this machine?"""

    def peer(self, key: Key) -> IAddress:
        """The address of the peer."""

    def host(self, key: Key) -> IAddress:
        """The address that the peer sends to."""


class Sessions(Protocol):
    """What a session asks of what knows all sessions of its port."""

    shared: Shared
    """What the connections of the service have in common."""

    wire: Wire
    """Sends."""

    def gone(self, key: Key, transport: DatagramTransport) -> None:
        """A session is over."""

    def tell_unsent(self, key: Key, data: bytes, why: str) -> None:
        """A datagram was not sent."""

    def tell_overrun(self, key: Key, data: bytes) -> None:
        """A datagram is dropped, because others of its peer wait already."""


class DatagramSession(ReplyProtocol):
    """The dialogue with one peer address.

    Args:
        shared: What all connections of the service have in common.
        roster: Knows them.
    """

    __slots__ = ()

    def __init__(self, shared: Shared, roster: Roster) -> None:
        super().__init__(shared, roster)
        self._answering.outbox = SeparateOutbox(shared.dialect, shared.counters)

    @property
    def is_busy(self) -> bool:
        """Is something owed, so that the next message has to wait?"""
        answering = self._answering
        return answering.held > 0 and answering.state < STALLED

    @guarded
    def connectionMade(self) -> None:
        # No deadline yet: a message is there already. And no greeting: nobody connects.
        self._answering.outbox.wire = self.transport
        if not self._roster.admits(self):
            self._ending = "refused"
            self._answering.give_up(CLOSE)
            self.transport.loseConnection()
            return
        self._opened_at = self._shared.clock.seconds()
        self._roster.opened(self)

    def stalled(self, event: Event) -> None:
        super().stalled(event)
        self.transport.forget_kept()

    def close(self, why: str) -> None:
        """Close: everything written is sent, and the peer does not notice."""
        if self._ending is None:
            if self._answering.held:
                self._answering.outbox.flush()
            self._end(why)
            self.transport.loseConnection()


class DatagramTransport:
    """What a session takes for its connection.

    Args:
        sessions: Know it, and send for it.
        key: The peer's.
        session: The session.
        kept: Datagrams of the peer that have come already.
    """

    __slots__ = (
        *("_allowance", "_ending", "_in_read", "_kept", "_key", "_session", "_sessions"),
        *("max_message", "over"),
    )

    disconnecting = False

    max_message: int
    """The most bytes that a message of this session may have."""

    over: bool
    """Is the session gone?"""

    def __init__(
        self, sessions: Sessions, key: Key, session: DatagramSession, kept: deque[bytes]
    ) -> None:
        self._sessions = sessions
        self._key = key
        self._session = session
        self._kept = kept
        self._in_read = self._ending = self.over = False
        self._allowance = None if sessions.wire.is_loopback(key) else Allowance()
        self.max_message = sessions.shared.limits.max_message

    def begin(self, data: bytes) -> None:
        """Begin the session with its first datagram."""
        self._in_read = True
        self._session.makeConnection(self)
        self._in_read = False
        if self._ending:  # it was refused
            self._end()
        elif self._session.is_busy:  # it has to wait for its turn
            self._kept.appendleft(data)
        else:
            self._deliver(data)
            self._go_on()

    def receive(self, data: bytes) -> None:
        """Another datagram has come."""
        if not (self._kept or self._ending or self._session.is_busy):
            self._deliver(data)
        elif len(self._kept) >= KEPT:
            self._sessions.tell_overrun(self._key, data)
        else:
            self._kept.append(data)
            self._wait()

    def take_kept(self) -> deque[bytes]:
        """What has come and is not answered, for the next session of the peer."""
        kept, self._kept = self._kept, deque()
        return kept

    def forget_kept(self) -> None:
        """Drop what waits: it will not be answered."""
        counters = self._sessions.shared.counters
        for data in self.take_kept():
            counters.received_bytes += len(data)
            counters.dropped_bytes += len(data)

    @property
    def is_idle(self) -> bool:
        return not self._kept and (self._ending or not self._session.is_busy)

    def displace(self) -> None:
        self._in_read = True  # so that nothing is scheduled: it ends now
        self._session.close("displaced")
        self._end()

    def drain(self) -> None:
        """Finish what has begun, and end."""
        if not self._ending:
            self._session.drain()

    def abort(self) -> None:
        """End at once."""
        self._session.abort("drain")

    # What the session asks of a transport.

    def write(self, data: bytes) -> None:
        sessions, allowance = self._sessions, self._allowance
        if allowance is None or self._may_be_sent(len(data)):
            unsent = sessions.wire.send(data, self._key)
        else:
            unsent = "amplification"
        if unsent is not None:
            sessions.tell_unsent(self._key, data, unsent)
        elif allowance is not None:
            allowance.sent(len(data))

    def loseConnection(self) -> None:
        if not self._ending:
            self._ending = True
            if not self._in_read:
                self._sessions.shared.clock.callLater(0, self._end)

    def abortConnection(self) -> None:  # noqa: N802 - Twisted's
        self.forget_kept()
        self.loseConnection()

    def pauseProducing(self) -> None:
        """Nothing: what comes is kept, or dropped."""

    def resumeProducing(self) -> None:
        if self._kept:
            self._sessions.shared.clock.callLater(0, self._go_on)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Nothing: what is sent never waits."""

    def unregisterProducer(self) -> None:
        """Nothing either."""

    def getPeer(self) -> IAddress:  # noqa: N802 - Twisted's
        return self._sessions.wire.peer(self._key)

    def getHost(self) -> IAddress:  # noqa: N802 - Twisted's
        return self._sessions.wire.host(self._key)

    # The rest is ours.

    def _deliver(self, data: bytes) -> None:
        if self._allowance is not None:
            self._allowance.received(len(data))
        self._in_read = True
        self._session.dataReceived(data)
        self._in_read = False
        if self._ending:
            self._end()

    def _may_be_sent(self, size: int) -> bool:
        times = self._sessions.shared.limits.amplification
        return self._allowance is None or not times or self._allowance.covers(size, times)

    def _wait(self) -> None:
        """Let the session tell when it can be told of more."""
        if not self._ending and self._session.is_busy:
            self._session.pause_reading()

    def _go_on(self) -> None:
        """Deliver what was kept, for as long as it is answered at once."""
        while self._kept and not (self._ending or self._session.is_busy):
            self._deliver(self._kept.popleft())
        self._wait()

    def _end(self) -> None:
        if not self.over:
            self.over = True
            self._session.connectionLost(_DONE)
            del self._session  # which holds this: else both wait for the collector
            self._sessions.gone(self._key, self)
