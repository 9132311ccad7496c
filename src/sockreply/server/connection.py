"""What is asked of a connection over one of Twisted's transports: mostly by its session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from sockreply.conversation.answering import Answering
from sockreply.conversation.arrival import rest_of
from sockreply.conversation.failures import too_slow
from sockreply.conversation.guard import guarded
from sockreply.conversation.shared import Shared
from sockreply.conversation.states import OPEN
from sockreply.replies.proxy import Proxy
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
        *("_answering", "_opened_at", "_shared", "_told", "_wire"),
        *("connected", "session", "transport"),
    )

    session: Session
    transport: Any  # what an accepting port or a wrapper made; its interfaces vary

    _shared: Shared
    _answering: Answering
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

    @guarded
    def send(self, reply: bytes | Reply) -> None:
        self._answering.send(reply)

    def broke(self, failure: Failure) -> None:
        """Something raised that should not have: this connection ends, and no other."""
        raise NotImplementedError

    def owes_nothing(self) -> bool:
        """Is there nothing to do for a peer that sends no more, but to close?"""
        answering = self._answering
        return not (answering.held or answering.state is not OPEN or answering.framer.buffered)

    @property
    def _has_unsent(self) -> bool:
        return self._wire is not None and self._wire.unsent > 0

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
