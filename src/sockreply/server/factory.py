"""Makes the connections of a service."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import ServerFactory
from twisted.python.failure import Failure

from sockreply.conversation.counters import Counters
from sockreply.conversation.exchanges import Exchanges
from sockreply.conversation.failures import Stranger, tell_broken
from sockreply.conversation.shared import Dialect, Shared
from sockreply.framing.interfaces import Framing
from sockreply.replies.responder import Greeting, Responder
from sockreply.server.proxy.introduced import Introduced
from sockreply.server.roster import Roster
from sockreply.server.stream import ReplyProtocol
from sockreply.settings import Limits

if TYPE_CHECKING:
    from sockreply.server.crowd import Crowd


class ReplyFactory(ServerFactory[ReplyProtocol]):
    """Makes a service's connections.

    Args:
        framing: Makes messages of bytes, and bytes of messages.
        responder: Answers the messages.
        clock: For timeouts and waits; a reactor is one, and responders may need all of it.
        keep_alive: Answer message after message, or close after the first one?
        greeting: Sent as soon as a peer connects; a function of the session may make it.
        limits: What peers may do.
        counters: Counts what happens; a new one is made if none is given.
        exchanges: Hears what is received and answered.
        name: The service's, for logs and counts.
        shown_as: How logs show messages: an encoding, or "hex".

    Raises:
        ConfigError: The framing has no message as short as `limits.max_message`.
    """

    noisy = False
    protocol = ReplyProtocol

    shared: Shared
    """What the connections have in common."""

    roster: Roster
    """The open connections."""

    def __init__(
        self,
        framing: Framing,
        responder: Responder,
        clock: IReactorTime,
        *,
        keep_alive: bool = False,
        greeting: Greeting | None = None,
        limits: Limits = Limits(),  # noqa: B008 - it is frozen
        counters: Counters | None = None,
        exchanges: Exchanges | None = None,
        name: str = "",
        shown_as: str = "utf-8",
    ) -> None:
        self.shared = Shared(
            Dialect(framing, responder, shown_as),
            clock,
            keep_alive=keep_alive,
            greeting=greeting,
            limits=limits,
            counters=counters,
            exchanges=exchanges,
            name=name,
        )
        self.roster = Roster(self.shared)

    @cached_property
    def crowd(self) -> Crowd:
        """Those of the connections that are sessions over UDP."""
        from sockreply.server.crowd import Crowd  # now, because few listen on UDP

        return Crowd(self.shared, self.roster)

    def buildProtocol(self, addr: IAddress | None) -> ReplyProtocol:
        try:
            if isinstance(addr, Introduced):
                proxied: ReplyProtocol = addr.protocol(self.shared, self.roster, addr)
                return proxied
            return ReplyProtocol(self.shared, self.roster)
        except KeyboardInterrupt:
            raise
        except BaseException:  # a user's own framing may raise anything as it makes a framer
            peer = cast(IAddress, addr)  # a port always gives one
            tell_broken(self.shared, Stranger(peer), Failure(), "its framing failed")
            return None  # type: ignore[return-value]  # Twisted's ports refuse the client then

    def logPrefix(self) -> str:  # noqa: N802 - ILoggingContext's name
        return "sockreply"
