"""The datagrams that come to a UDP port, and the sessions that they belong to."""

from __future__ import annotations

from collections import deque

from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from sockreply.conversation.failures import Stranger, tell_broken
from sockreply.conversation.shared import Shared
from sockreply.server.datagram_session import DatagramSession, DatagramTransport, Wire
from sockreply.server.datagram_socket import Key
from sockreply.server.factory import ReplyFactory

WHY_UNSENT = {
    "amplification": "too much for what it has sent (amplification)",
    "too_long": "more than a datagram can hold",
    "full": "the system takes no more",
    "unreachable": "it cannot be reached",
}
"""What the log says, by the reasons of `Counters.unsent`."""


class Datagrams(DatagramProtocol):
    """The sessions of a UDP port.

    Args:
        factory: The service's.
    """

    _log = Logger()
    noisy = False

    shared: Shared
    """What the connections of the service have in common."""

    wire: Wire
    """Sends; it has to be set before anything comes."""

    sessions: dict[Key, DatagramTransport]
    """Those that outlived their first datagram, by the keys of their peers."""

    def __init__(self, factory: ReplyFactory) -> None:
        self.shared = factory.shared
        self.sessions = {}
        self._roster = factory.roster
        self._crowd = factory.crowd
        self._drains = False
        self._empty: list[Deferred[None]] = []

    def logPrefix(self) -> str:  # noqa: N802 - ILoggingContext's name
        return "sockreply"

    def datagramReceived(self, data: bytes, key: Key) -> None:
        try:
            self._take(data, key)
        except KeyboardInterrupt:
            raise
        except BaseException:  # a user's own framing may raise, and the port has to go on
            tell_broken(self.shared, Stranger(self.wire.peer(key)), Failure())

    def drain(self, seconds: float) -> Deferred[None]:
        """Let the sessions finish what has begun; new ones end as soon as they owe nothing.

        Args:
            seconds: How long they have.

        Returns:
            Fires when there are none.
        """
        self._drains = True
        gone: Deferred[None] = Deferred()
        self._empty.append(gone)
        for each in tuple(self.sessions.values()):
            each.drain()
        if not self.sessions:
            self._tell_empty()
            return gone
        overdue = self.shared.clock.callLater(seconds, self._abort)
        return gone.addCallback(lambda _: overdue.cancel() if overdue.active() else None)

    # What sessions tell.

    def gone(self, key: Key, transport: DatagramTransport) -> None:
        """A session is over. What its peer has sent meanwhile begins another one."""
        if self.sessions.get(key) is not transport:
            return  # it has ended with its first datagram
        del self.sessions[key]
        self._crowd.left(transport)
        if kept := transport.take_kept():
            self._begin(key, kept.popleft(), kept)
        if not self.sessions:
            self._tell_empty()

    def tell_unsent(self, key: Key, data: bytes, why: str) -> None:
        """Count and log a datagram that was not sent, though the outbox has counted it."""
        counters = self.shared.counters
        counters.unsent[why] += 1
        counters.sent_bytes -= len(data)
        text = "{size} bytes to {peer} were not sent: {why}"
        self._complain(text, key, data, WHY_UNSENT[why])

    def tell_overrun(self, key: Key, data: bytes) -> None:
        """Count and log a datagram that is dropped, because others of its peer wait already."""
        self._drop("overrun", key, data, "too many datagrams of this peer wait")

    # The rest is ours.

    def _take(self, data: bytes, key: Key) -> None:
        known = self.sessions.get(key)
        if len(data) > (self.shared.limits if known is None else known).max_message:
            self._drop("too_long", key, data, "more than max_message")
        elif known is not None:
            self._crowd.heard(known)
            known.receive(data)
        elif self._crowd.has_room():
            self._begin(key, data, deque())
        else:
            self.shared.counters.refused["no_place"] += 1
            self._complain("{peer} refused: {why}", key, data, "all places are taken")

    def _begin(self, key: Key, data: bytes, kept: deque[bytes]) -> None:
        """Begin a session, and others after it while there are datagrams left for them."""
        while True:
            session = DatagramSession(self.shared, self._roster)
            transport = DatagramTransport(self, key, session, kept)
            transport.begin(data)
            if not transport.over:
                self.sessions[key] = transport
                self._crowd.heard(transport)
                if self._drains:
                    transport.drain()
                return
            kept = transport.take_kept()
            if not kept:
                return
            data = kept.popleft()

    def _drop(self, kind: str, key: Key, data: bytes, why: str) -> None:
        counters = self.shared.counters
        counters.errors[kind] += 1
        counters.received_bytes += len(data)
        counters.dropped_bytes += len(data)
        self._complain("dropped {size} bytes from {peer}: {why}", key, data, why)

    def _complain(self, text: str, key: Key, data: bytes, why: str) -> None:
        peer = self.wire.peer(key)
        self.shared.complaints.tell(self._log.warn, peer, text, size=len(data), why=why)

    def _abort(self) -> None:
        for each in tuple(self.sessions.values()):
            each.abort()

    def _tell_empty(self) -> None:
        empty, self._empty = self._empty, []
        for waiting in empty:
            waiting.callback(None)
