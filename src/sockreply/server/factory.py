"""What all connections of a service share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.internet.protocol import ServerFactory
from twisted.logger import Logger

from sockreply.conversation.complaints import Complaints
from sockreply.conversation.counters import Counters
from sockreply.conversation.deadlines import Alarms
from sockreply.framing.interfaces import Framing
from sockreply.replies.responder import Greeting, Responder, Session
from sockreply.server.admission import WHY_REFUSED, Admission
from sockreply.server.stream import ReplyProtocol
from sockreply.settings import Limits


class ExchangeLog(Protocol):
    """Is told what is received and answered, and shows as much of it as it likes."""

    room: int
    """How many exchanges it would show now; 0: it need not be told of the next one."""

    hidden: int
    """How many it was not told of; whoever passes it over adds to this."""

    kept: int
    """How many bytes of an answer that takes more than one write it wants to be told."""

    def listening(self, address: IAddress) -> None:
        """A listener is up."""

    def connected(self, session: Session) -> None:
        """A client is there."""

    def received(self, session: Session, message: bytes) -> bool:
        """A message came. Returns whether its answers are to be shown too."""

    def answered(self, session: Session, reply: bytes, size: int) -> None:
        """The answer to a message that is shown.

        Args:
            session: The connection.
            reply: Its bytes; the first ones are enough.
            size: How many there are.
        """

    def silent(self, session: Session) -> None:
        """A message that is shown is answered with nothing."""

    def remarked(self, session: Session, say: Callable[[], str]) -> None:
        """There is something to say of a message that is shown."""

    def failed(self, session: Session, error: str) -> None:
        """A message that is shown gets no answer; the service logs that by itself."""

    def abandoned(self, session: Session) -> None:
        """A message that is shown will not be answered: its connection ends before."""

    def disconnected(self, session: Session, why: str) -> None:
        """A connection is gone."""


class NoExchangeLog:
    """Shows nothing."""

    room = 0
    hidden = 0
    kept = 0

    def listening(self, address: IAddress) -> None: ...

    def connected(self, session: Session) -> None: ...

    def received(self, session: Session, message: bytes) -> bool:  # noqa: ARG002 - shows nothing
        return False

    def answered(self, session: Session, reply: bytes, size: int) -> None: ...

    def silent(self, session: Session) -> None: ...

    def remarked(self, session: Session, say: Callable[[], str]) -> None: ...

    def failed(self, session: Session, error: str) -> None: ...

    def abandoned(self, session: Session) -> None: ...

    def disconnected(self, session: Session, why: str) -> None: ...


@dataclass(eq=False)
class Dialect:
    """How some connections of a service speak: those that were made while this was set.

    Args:
        framing: Makes messages of bytes, and bytes of messages.
        responder: Answers the messages; it may be replaced at any time.
    """

    framing: Framing
    responder: Responder

    def __post_init__(self) -> None:
        affixes = self.framing.affixes
        self.frame = self.framing.frame if affixes is None else None
        """Has to be called for every reply before `join`; None: it need not."""
        self.before, self.behind = affixes or (b"", b"")
        self.between = self.behind + self.before

    def join(self, replies: list[bytes]) -> bytes:
        """At least one reply, as they go over the wire."""
        return self.before + self.between.join(replies) + self.behind


class ReplyFactory(ServerFactory[ReplyProtocol]):
    """Makes a service's connections, counts them, and ends them when the service stops.

    Args:
        framing: Makes messages of bytes, and bytes of messages.
        responder: Answers the messages.
        clock: For timeouts and waits; a reactor is one, and responders may need all of it.
        keep_alive: Answer message after message, or close once the first one is dealt with?
        greeting: Sent as soon as a peer connects; a function of the session may make it.
        limits: What peers may do.
        counters: Counts what happens; made anew if not given.
        exchanges: Is told of what is received and answered.
        name: The service's, for logs and counts.

    Raises:
        ConfigError: The framing has no message as short as `limits.max_message`.
    """

    _log = Logger()

    noisy = False
    protocol = ReplyProtocol

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
        exchanges: ExchangeLog | None = None,
        name: str = "",
    ) -> None:
        framing.framer(limits.max_message)
        self.name = name
        self.dialect = Dialect(framing, responder)
        """Of the connections that are made from now on."""
        self.clock: Any = clock
        self.alarms = Alarms(clock)
        """Wakes the deadlines of the connections."""
        self.keep_alive = keep_alive
        self.greeting = greeting
        self.limits = limits
        self._admission = Admission()
        self._admission.limit(limits, ())
        self.complaints = Complaints(clock, name)
        """Has what the log says of peers that do wrong."""
        self.counters = Counters() if counters is None else counters
        self.exchanges: ExchangeLog = NoExchangeLog() if exchanges is None else exchanges
        self.connections: set[ReplyProtocol] = set()
        self.on_place: list[Callable[[], object]] = []
        """All called when a connection is gone, and with it its claim on `max_connections`."""
        self.draining = False
        """Does a connection end as soon as it owes nothing?"""
        self._empty: list[Deferred[None]] = []

    def buildProtocol(self, addr: IAddress | None) -> ReplyProtocol:  # noqa: ARG002 - Twisted's
        return ReplyProtocol(self)

    def logPrefix(self) -> str:  # noqa: N802 - ILoggingContext's name
        return "sockreply"

    @property
    def places(self) -> int:
        """How many more connections the service may take now."""
        return self.limits.max_connections - len(self.connections)

    @property
    def framing(self) -> Framing:
        """Of new connections."""
        return self.dialect.framing

    @property
    def responder(self) -> Responder:
        """Answers new connections."""
        return self.dialect.responder

    def change_limits(self, limits: Limits) -> None:
        """Let other limits hold, for new connections and for the next message of the others."""
        self.limits = limits
        self._admission.limit(limits, [connection.peer() for connection in self.connections])
        for tell in self.on_place:  # there may be more of them
            tell()

    def admits(self, connection: ReplyProtocol) -> bool:
        """May the peer connect? To be asked once, when a connection is made."""
        if self._admission.admits_all:
            return True
        refusal = self._admission.refuses(connection.peer())
        if refusal is None:
            return True
        self.counters.refused[refusal] += 1
        reason = WHY_REFUSED[refusal]
        self.complaints.tell(self._log.warn, connection.peer(), "{peer} refused: {why}", why=reason)
        return False

    def opened(self, connection: ReplyProtocol) -> None:
        """To be called by a connection when it is made and admitted."""
        self.connections.add(connection)
        self.counters.connections += 1
        connection.session.number = self.counters.connections
        self.exchanges.connected(connection.session)
        if self.draining:
            self.clock.callLater(0, connection.drain)

    def closed(self, connection: ReplyProtocol, why: str) -> None:
        """To be called by a connection when it is gone."""
        if connection not in self.connections:
            return  # it was not admitted
        self.connections.remove(connection)
        if not self._admission.admits_all:
            self._admission.left(connection.peer())
        self.counters.closed[why] += 1
        self.exchanges.disconnected(connection.session, why)
        for tell in self.on_place:
            tell()
        if not self.connections:
            self._tell_empty()

    def drain(self, seconds: float) -> Deferred[None]:
        """Let connections finish, also those that are made from now on; then abort them.

        Args:
            seconds: How long they have.

        Returns:
            Fires when no connection is left.
        """
        self.draining = True
        empty: Deferred[None] = Deferred()
        self._empty.append(empty)
        for connection in tuple(self.connections):
            connection.drain()
        if self.connections:
            overdue: IDelayedCall = self.clock.callLater(seconds, self.abort)
            empty.addBoth(lambda _: overdue.cancel() if overdue.active() else None)
        else:
            self._tell_empty()
        return empty

    def abort(self) -> None:
        """End all connections at once."""
        for connection in tuple(self.connections):
            if connection in self.connections:  # none of them went with one before it
                connection.abort("drain")

    def _tell_empty(self) -> None:
        empty, self._empty = self._empty, []
        for waiting in empty:
            waiting.callback(None)
