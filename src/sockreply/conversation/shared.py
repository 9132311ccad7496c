"""What the connections of a service have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from twisted.internet.interfaces import IReactorTime

from sockreply.conversation.complaints import Complaints
from sockreply.conversation.counters import Counters
from sockreply.conversation.deadlines import Alarms
from sockreply.conversation.exchanges import Exchanges, NoExchanges
from sockreply.framing.interfaces import Framing
from sockreply.notation import SIZE_LIMIT
from sockreply.replies.responder import Greeting, Responder
from sockreply.replies.session import Session
from sockreply.settings import Limits

RespondAll: TypeAlias = Callable[[Sequence[bytes], Session], list[bytes]]


class Dialect:
    """How some connections of a service speak: those made while this was set.

    Args:
        framing: Makes messages of bytes, and bytes of messages.
        responder: Answers the messages.
        shown_as: How logs show the messages: an encoding, or "hex".
    """

    respond_all: RespondAll | None
    """Answers the messages of a read together (see `Responder`); None: one at a time."""

    frame: Callable[[bytes], bytes] | None
    """Has to be called for every reply before `join`; None: it need not."""

    def __init__(self, framing: Framing, responder: Responder, shown_as: str = "utf-8") -> None:
        self.framing = framing
        self.shown_as = shown_as
        self.varies = framing.varies
        self.speaks = framing.speaks
        affixes = None if self.varies else framing.affixes
        self.frame = framing.frame if affixes is None else None
        self._before, self._after = affixes or (b"", b"")
        self._between = self._after + self._before
        self.responder = responder

    @property
    def responder(self) -> Responder:
        """Answers the messages; it may be replaced at any time."""
        return self._responder

    @responder.setter
    def responder(self, responder: Responder) -> None:
        self._responder = responder
        whole = hasattr(self.framing.framer(SIZE_LIMIT), "take") and self.frame is None
        self.respond_all = getattr(responder, "respond_all", None) if whole else None

    def join(self, replies: list[bytes]) -> bytes:
        """At least one reply, as they go over the wire."""
        return self._before + self._between.join(replies) + self._after


class Shared:
    """What a connection's dialogue depends on besides the connection.

    Args:
        dialect: Of the connections that are made from now on.
        clock: For timeouts and waits; a reactor is one, and responders may need all of it.
        keep_alive: Answer message after message, or close after the first one?
        greeting: Sent as soon as a peer connects; a function of the session may make it.
        limits: What peers may do.
        counters: Counts what happens; a new one is made if none is given.
        exchanges: Hears what is received and answered.
        name: The service's, for logs and counts.

    Raises:
        ConfigError: The framing has no message as short as `limits.max_message`.
    """

    def __init__(
        self,
        dialect: Dialect,
        clock: IReactorTime,
        *,
        keep_alive: bool = False,
        greeting: Greeting | None = None,
        limits: Limits = Limits(),  # noqa: B008 - it is frozen
        counters: Counters | None = None,
        exchanges: Exchanges | None = None,
        name: str = "",
    ) -> None:
        dialect.framing.framer(limits.max_message)
        self.name = name
        self.dialect = dialect
        self.clock: Any = clock
        self.alarms = Alarms(clock)
        """Wakes the deadlines of the connections."""
        self.listeners = 0
        """On how many addresses the service listens."""
        self.stream_listeners = 0
        """On how many of these it listens for streams."""
        self.keep_alive = keep_alive
        self.greeting = greeting
        self.limits = limits
        self.complaints = Complaints(clock, name)
        """Logs what peers do wrong."""
        self.counters = Counters() if counters is None else counters
        self.exchanges: Exchanges = NoExchanges() if exchanges is None else exchanges

    @property
    def framing(self) -> Framing:
        """Of new connections."""
        return self.dialect.framing

    @property
    def responder(self) -> Responder:
        """Answers new connections."""
        return self.dialect.responder

    def count_seconds(self, read_at: float | None, replies: int) -> None:
        """Count how long some replies took, if that is measured.

        Args:
            read_at: When their messages were read; None: that was not measured.
            replies: How many there were.
        """
        histogram = self.counters.reply_seconds
        if histogram is not None and read_at is not None:
            taken = self.clock.seconds() - read_at
            histogram.observe(max(0.0, taken), replies)  # the clock may be set back
