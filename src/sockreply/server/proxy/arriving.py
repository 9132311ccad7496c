"""Connections that wait for their PROXY header, and then become those of the client it names.

It stands between a port and the factory inside. Once the header is complete, nothing of it is left:
the transport gets the protocol that the factory made, as if the port had accepted the client. TLS,
if there is any, begins after the header.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IAddress, IProtocolFactory
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from sockreply.conversation.deadlines import Deadlines, Kind
from sockreply.conversation.failures import tell_broken
from sockreply.conversation.guard import guarded
from sockreply.conversation.shared import Shared
from sockreply.errors import Malformed
from sockreply.replies.proxy import Proxy
from sockreply.server.connection import NEWCOMER
from sockreply.server.proxy.believed import Believes
from sockreply.server.proxy.connection import ProxiedProtocol
from sockreply.server.proxy.header import Header, read_header
from sockreply.server.proxy.introduced import Introduced
from sockreply.server.roster import Roster
from sockreply.server.transport import wire_under
from sockreply.shown import show_bytes

_log = Logger()  # in a class, each event would hold the connection that it is of

LEAST_SECONDS = 3.0
"""The shortest time limit of a header, in seconds, as the specification asks: TCP may resend it."""

MOST_SECONDS = 10.0
"""The time limit without a `message_timeout`; a proxy sends the header as it connects."""


class HeaderFactory(ServerFactory[Protocol]):
    """Makes connections that have to begin with a PROXY header.

    Args:
        after_header: Makes the protocol that takes over after the header.
        shared: What the connections of the service have in common.
        roster: Lists them.
        believes: Whether a peer is one of the proxies.
        vouches: Whether clients are let in without a look at the service's `allow`.
    """

    noisy = False

    def __init__(
        self,
        after_header: IProtocolFactory,
        shared: Shared,
        roster: Roster,
        believes: Believes,
        *,
        vouches: bool,
    ) -> None:
        self.after_header: Any = after_header
        self.shared = shared
        self.roster = roster
        self.vouches = vouches
        self._believes = believes

    def doStart(self) -> None:  # noqa: N802 - Twisted's
        self.after_header.doStart()

    def doStop(self) -> None:  # noqa: N802 - Twisted's
        self.after_header.doStop()

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        if addr is not None and self._believes(addr):
            return Arriving(self)
        self.shared.counters.refused["not_a_proxy"] += 1
        if addr is not None:
            text = "{peer} refused: not one of the listener's proxies"
            self.shared.complaints.tell(_log.warn, addr, text)
        return None

    def logPrefix(self) -> str:  # noqa: N802 - ILoggingContext's name
        return "sockreply"


class Arriving(Protocol):
    """A connection whose PROXY header has not arrived yet.

    Args:
        factory: Knows what comes after the header.
    """

    __slots__ = ("_deadlines", "_factory", "_read", "connected", "transport")

    transport: Any  # what an accepting port or a wrapper made; its interfaces vary

    def __init__(self, factory: HeaderFactory) -> None:
        self.connected, self.transport = 0, None
        self._factory = factory
        self._read: bytes | None = b""  # of the header, so far; None: it has come, or is too late
        self._deadlines: Deadlines | None = Deadlines(factory.shared.alarms, self)

    @property
    def peer(self) -> IAddress:
        """The peer of the socket: the proxy."""
        peer: IAddress = self.transport.getPeer()
        return peer

    @guarded
    def connectionMade(self) -> None:
        self._factory.roster.expect(self)
        self._begin("message", self._seconds)

    @guarded
    def dataReceived(self, data: bytes) -> None:
        if self._read is None:
            return
        read = self._read + data if self._read else data
        try:
            found = read_header(read)
        except Malformed as error:
            text = "{peer} refused: its PROXY header is wrong: {error}"
            self._refuse("bad_header", text, error=str(error))
            return
        self._read = read
        if found is not None:
            header, size = found
            self._hand_over(header, read[size:])

    @guarded
    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002 - Twisted's
        read = self._read
        self._stop()
        try:
            if read is not None:
                self._factory.shared.counters.refused["no_header"] += 1
            if read:  # else it may have been a check whether somebody listens
                self._complain("{peer} left inside its PROXY header: {read}", read=show_bytes(read))
        finally:
            self._factory.roster.expect_no_more(self)

    @guarded
    def drain(self) -> None:
        """The service is stopping: give a header that is under way a moment, and then close."""
        wire = wire_under(self.transport)
        if wire is not None:
            wire.doRead()  # a header may be there that the loop has not come to
        if self._read is not None:
            self._begin("idle", NEWCOMER)

    def abort(self, why: str) -> None:  # noqa: ARG002 - it is no connection, whose end is counted
        """End at once."""
        self.transport.abortConnection()

    def expired(self, kind: Kind) -> None:
        """It took too long."""
        if kind == "message":
            text = "{peer} refused: no PROXY header within {seconds:g} s"
            self._refuse("no_header", text, seconds=self._seconds)
            self.transport.abortConnection()
        else:
            self.transport.loseConnection()

    def broke(self, failure: Failure) -> None:
        """An unexpected exception: end this connection, and no other."""
        self._stop()
        tell_broken(self._factory.shared, self, failure)
        self.transport.abortConnection()

    @property
    def _seconds(self) -> float:
        """How long the header may take."""
        asked = self._factory.shared.limits.message_timeout
        return max(LEAST_SECONDS, asked) if asked else MOST_SECONDS

    def _begin(self, kind: Kind, seconds: float) -> None:
        if self._deadlines is not None:
            self._deadlines.begin(kind, seconds)

    def _stop(self) -> None:
        """The header is dealt with."""
        self._read = None
        deadlines, self._deadlines = self._deadlines, None
        if deadlines is not None:
            deadlines.stop()

    def _refuse(self, why: str, text: str, **fields: object) -> None:
        self._stop()
        self._factory.shared.counters.refused[why] += 1
        self.transport.loseConnection()
        self._complain(text, **fields)

    def _complain(self, text: str, **fields: object) -> None:
        self._factory.shared.complaints.tell(_log.warn, self.peer, text, **fields)

    def _hand_over(self, header: Header, rest: bytes) -> None:
        """Let the client's own connection begin."""
        self._stop()
        factory, transport = self._factory, self.transport
        proxy = Proxy(self.peer, header.version, header.own, header.tlvs)
        introduced = Introduced(
            peer=header.source or proxy.address,
            host=header.destination or transport.getHost(),
            proxy=proxy,
            vouched=factory.vouches or header.own,
            protocol=ProxiedProtocol,
        )
        protocol = factory.after_header.buildProtocol(introduced)
        replace_protocol(transport, self, protocol)
        try:
            protocol.makeConnection(transport)
        finally:
            factory.roster.expect_no_more(self)
        if rest:
            protocol.dataReceived(rest)


def replace_protocol(transport: Any, before: Protocol, after: Protocol) -> None:
    """Let a transport, or the wrapper that stands for one, serve another protocol from now on.

    Raises:
        TypeError: It is not known how.
    """
    for name in ("protocol", "wrappedProtocol"):
        if getattr(transport, name, None) is before:
            setattr(transport, name, after)
            return
    raise TypeError(f"{type(transport).__name__} cannot change its protocol")
