"""What is asked of a connection over one of Twisted's transports: mostly by its session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

from twisted.internet.interfaces import IAddress, IHandshakeListener
from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from sockreply.conversation.answering import Answering
from sockreply.conversation.arrival import rest_of
from sockreply.conversation.deadlines import Deadlines, Kind
from sockreply.conversation.failures import too_slow
from sockreply.conversation.guard import guarded
from sockreply.conversation.shared import Shared
from sockreply.conversation.states import (
    ENDED,
    HALF_CLOSED,
    OPEN,
    PACED,
    RESUME,
    STALLED_PAUSED,
    UNSENT,
    WAITING,
)
from sockreply.errors import ResponderError
from sockreply.framing.interfaces import Framer, Framing
from sockreply.replies.proxy import Proxy
from sockreply.replies.reply import Reply
from sockreply.replies.session import TLS, Session
from sockreply.server.starttls import tls_to_start
from sockreply.server.tls_context import describe_tls, version_of
from sockreply.server.transport import SendsAtOnce, tls_under
from sockreply.tls_layer import TLSConnection

_log = Logger()

NEWCOMER = 1.0
"""Seconds that a peer has to send its first message when the service stops: it may be under way."""


class Overdue(NamedTuple):
    """Called when a handshake has taken too long.

    Args:
        connection: The one that it is for.
    """

    connection: Connection

    def expired(self, _: Kind) -> None:
        self.connection.handshake_overdue()

    def broke(self, failure: Failure) -> None:
        """An unexpected exception: end the connection."""
        self.connection.broke(failure)


@implementer(IHandshakeListener)
class Connection(Protocol):
    """A connection as its session knows it: `sockreply.replies.session.Connection`."""

    # Twisted's own have places too: an instance's dictionary then stays empty.
    __slots__ = (
        *("_answering", "_deadlines", "_ending", "_opened_at", "_shared", "_told", "_wire"),
        *("connected", "session", "transport"),
    )

    session: Session
    transport: Any  # what an accepting port or a wrapper made; its interfaces vary

    _shared: Shared
    _answering: Answering
    _deadlines: Deadlines
    _ending: str | None  # why we close the connection
    _framer: Framer
    _opened_at: float  # in seconds of the clock
    _told: bool  # is it logged which bytes became no message?
    _wire: SendsAtOnce | None  # what is under the transport's wrappers, if it is of our kind

    def peer(self) -> IAddress:
        return cast(IAddress, self.transport.getPeer())

    def host(self) -> IAddress:
        return cast(IAddress, self.transport.getHost())

    def proxy(self) -> Proxy | None:
        return None

    def vouched(self) -> bool:
        """Does a proxy that is believed stand for it, so that it may come from any network?"""
        return False

    def tls(self) -> TLS | None:
        handle = tls_under(self.transport)
        return None if handle is None else describe_tls(handle)

    def service(self) -> str:
        return self._shared.name

    def shown_as(self) -> str:
        return self._answering.outbox.shown_as

    def reactor(self) -> Any:
        return self._shared.clock

    def frame(self, message: bytes) -> bytes:
        return self._answering.outbox.frame(message)

    def remark(self, say: Callable[[], str]) -> None:
        self._answering.remark(say)

    def switches(self) -> bool:
        return self._answering.switches

    def switch(self, framing: Framing | None) -> None:
        self._answering.switch(framing)
        self.hear_silence()

    @guarded
    def send(self, reply: bytes | Reply) -> None:
        self._answering.send(reply)

    def handshake_begins(self) -> Deadlines:
        """TLS is to begin, and may take as long as a message, in whatever pieces it comes.

        Returns:
            Is to be stopped when the handshake is done, or the connection gone.
        """
        deadlines = Deadlines(self._shared.alarms, Overdue(self))
        deadlines.begin("message", self._shared.limits.message_timeout)
        return deadlines

    @guarded
    def handshake_overdue(self) -> None:
        """End the connection: its handshake has taken too long."""
        if self._answering.held & PACED:
            return  # we have not read it; its time begins when it is the peer's turn
        self._tell_slow("TLS handshake", self._shared.limits.message_timeout)
        self.abort("message_timeout")

    @guarded
    def handshakeCompleted(self) -> None:  # noqa: N802 - Twisted's
        shared, handle = self._shared, tls_under(self.transport)
        if handle is None or self._answering.held & ENDED:  # it may have been refused
            return
        shared.counters.handshakes[version_of(handle)] += 1
        shared.exchanges.secured(self.session)
        self._answering.secured()

    def start_tls(self) -> None:
        answering, over_tls = self._answering, tls_to_start(self.transport)
        if tls_under(self.transport) is not None:
            raise ResponderError("cannot begin TLS: the connection is over TLS already")
        if over_tls is None:
            why = "the connection's listener has no tls with starttls = true"
            raise ResponderError(f"cannot begin TLS: {why}")
        if answering.drains or answering.state is HALF_CLOSED:  # there will be no handshake
            self.close("drained" if answering.drains else "peer")
            return
        self._forget_unanswered()
        layer = TLSConnection(over_tls, self)
        layer.begin_below(self)
        answering.outbox.wire = layer
        if answering.paused:
            answering.happened(RESUME)
            self.transport.resumeProducing()

    def hear_silence(self) -> None:
        """Wait for the silence that ends a message, if any does, after the framer has changed."""
        raise NotImplementedError

    def _forget_unanswered(self) -> None:
        """Drop what was read in clear: an attacker on the way may have added it."""
        size = self._answering.forget_unanswered()
        self._framer = self._answering.framer
        self.hear_silence()
        if size:
            text = "dropped {size} bytes that {peer} sent in clear after it asked for TLS"
            self._shared.complaints.tell(_log.warn, self.peer(), text, size=size)

    def close(self, why: str) -> None:
        """Close in good order."""
        raise NotImplementedError

    def abort(self, why: str) -> None:
        """End the connection at once, whatever is still to be sent."""
        raise NotImplementedError

    def broke(self, failure: Failure) -> None:
        """An unexpected exception: end this connection, and no other."""
        raise NotImplementedError

    def owes_nothing(self) -> bool:
        """Is there nothing to do for a peer that sends no more, but to close?"""
        answering = self._answering
        return not (answering.held or answering.state is not OPEN or answering.framer.buffered)

    def backlogged(self) -> None:
        """The peer does not take at once what we send."""
        raise NotImplementedError

    @guarded
    def look_at_peer(self) -> None:
        """Check for what causes no event: a peer that has left, or that takes nothing."""
        wire, answering = self._wire, self._answering
        if wire is None or self._ending is not None:
            return
        if answering.held & (WAITING | PACED) or answering.state is STALLED_PAUSED:
            # We may not be reading.
            why = wire.why_left()
            if why is not None:
                self.abort(why)
                return
        if wire.awaits_acknowledgement() and not self._deadlines.runs("write"):
            self.backlogged()

    @property
    def _has_unsent(self) -> bool:
        return self._wire is not None and self._wire.unsent > 0

    @property
    def _owes_bytes(self) -> bool:
        """Is there anything that the peer has to take?"""
        if self._wire is not None and self._wire.awaits_acknowledgement():
            return True
        return self._has_unsent or self._answering.held & UNSENT > 0

    @property
    def _bare_wire(self) -> SendsAtOnce | None:
        """The wire, if nothing is around it: TLS has no half-close, but its own good-bye."""
        return self._wire if self._wire is self.transport else None

    def _tell_slow(self, why: str, seconds: float) -> None:
        """The peer took longer than the limit of that name allows."""
        rest = rest_of(self._answering.framer) if why == "message_timeout" else b""
        self._told = self._told or bool(rest)
        too_slow(self._shared, self.session, why, seconds, rest)

    @property
    def _is_new(self) -> bool:
        """Has it just connected, and not sent its first message yet?"""
        age = self._shared.clock.seconds() - self._opened_at
        return self.session.count == 0 and age < NEWCOMER
