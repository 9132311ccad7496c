"""What is asked of a connection over one of Twisted's transports: mostly by its session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from twisted.internet.error import ConnectionClosed, ConnectionDone
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from sockreply.conversation.answering import Answering
from sockreply.conversation.arrival import TappedFramer, rest_of
from sockreply.conversation.deadlines import Deadlines
from sockreply.conversation.failures import tls_failed, too_slow, truncated
from sockreply.conversation.paced_framer import PacedFramer
from sockreply.conversation.shared import Shared
from sockreply.conversation.states import OPEN, PACED, STALLED_PAUSED, UNSENT, WAITING
from sockreply.replies.reply import Reply
from sockreply.replies.responder import TLS, Session
from sockreply.server.tls_context import describe_tls
from sockreply.server.transport import SendsAtOnce, tls_under

NEWCOMER = 1.0
"""Seconds that a peer has to send its first message when the service stops: it may be under way."""


class Connection(Protocol):
    """A connection as its session knows it: `sockreply.replies.responder.Connection`."""

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
    _opened_at: float  # in seconds of the clock
    _told: bool  # is it logged which bytes became no message?
    _wire: SendsAtOnce | None  # what is under the transport's wrappers, if it is of our kind

    def peer(self) -> IAddress:
        return cast(IAddress, self.transport.getPeer())

    def host(self) -> IAddress:
        return cast(IAddress, self.transport.getHost())

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

    def send(self, reply: bytes | Reply) -> None:
        self._answering.send(reply)

    def owes_nothing(self) -> bool:
        """Is there nothing to do for a peer that sends no more, but to close?"""
        answering = self._answering
        return not (answering.held or answering.state is not OPEN or answering.framer.buffered)

    def backlogged(self) -> None:
        """The peer does not take at once what we send."""
        raise NotImplementedError

    def abort(self, why: str) -> None:
        """End the connection at once, whatever is still to be sent."""
        raise NotImplementedError

    def look_at_peer(self) -> None:
        """Look for what no event tells: a peer that has left, or takes nothing of what it gets."""
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

    def _why_gone(self, reason: Failure) -> str:
        """For what reason the peer's side, or the network, ended the connection."""
        why = "peer" if isinstance(reason.value, ConnectionDone) else "lost"
        if tls_under(self.transport) is not None and not isinstance(reason.value, ConnectionClosed):
            why = "tls"
            tls_failed(self._shared, self.session, reason)
        return why

    def _truncated(self, size: int) -> None:
        """The stream ends, perhaps inside a message of which so many bytes have come."""
        if size:
            self._told = True
            truncated(self._shared, self.session, rest_of(self._answering.framer), size)

    def _tell_slow(self, why: str, seconds: float) -> None:
        """The peer took longer than the limit of that name allows."""
        rest = rest_of(self._answering.framer) if why == "message_timeout" else b""
        self._told = self._told or bool(rest)
        too_slow(self._shared, self.session, why, seconds, rest)

    def _tell_unfinished(self, why: str) -> None:
        """Report the bytes that never became a message, when the connection is gone."""
        framer, exchanges = self._answering.framer, self._shared.exchanges
        at = framer.at if isinstance(framer, TappedFramer | PacedFramer) else None
        rest = rest_of(framer) if framer.buffered else b""
        if rest and (at is not None or exchanges.room):
            exchanges.unfinished(self.session, rest, at, why, self._told)

    @property
    def _is_new(self) -> bool:
        """Has it just connected, and not sent its first message yet?"""
        age = self._shared.clock.seconds() - self._opened_at
        return self.session.count == 0 and age < NEWCOMER
