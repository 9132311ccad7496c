"""What one connection has received, until it is made into messages."""

from __future__ import annotations

from typing import cast

from sockreply.conversation.arrival import NOW, Arrival, Reads, TappedFramer
from sockreply.conversation.deadlines import Deadlines
from sockreply.conversation.interfaces import Channel
from sockreply.conversation.paced_framer import started_again, tap_of
from sockreply.conversation.replying import Replying
from sockreply.conversation.shared import Shared
from sockreply.errors import ResponderError
from sockreply.framing.interfaces import Framer, Framing, SwitchingFramer
from sockreply.replies.session import Session


class Incoming(Replying):
    """Keeps a connection's framer, and knows when what is not answered yet was read.

    Args:
        channel: The connection.
        session: Its memory.
        deadlines: Its deadlines.
        shared: What it has in common with the others of the service.
    """

    __slots__ = ("_waiting", "framer")

    framer: Framer
    """Holds what is not answered yet."""

    _waiting: Reads | None
    """When what is not answered yet was read; None: all of it just now."""

    def __init__(
        self, channel: Channel, session: Session, deadlines: Deadlines, shared: Shared
    ) -> None:
        super().__init__(channel, session, deadlines, shared)
        framer = shared.framing.framer(shared.limits.max_message)
        if shared.exchanges.exact:
            framer = TappedFramer(framer, shared.clock, self._dropped)
        self.framer = framer
        self._waiting = None

    def has_to_wait(self, data: bytes) -> None:
        """Something was read that cannot be answered now."""
        if self._waiting is not None:
            self._waiting.came(len(data), self.shared.clock.seconds())

    def ignored(self, data: bytes) -> None:
        """Something was read that will not be answered."""
        self.shared.counters.dropped_bytes += len(data)
        if (tap := tap_of(self.framer)) is not None:
            tap.ignore(data)

    def forget_unanswered(self) -> int:
        """Drop what was read and is not answered, as if it had never come. How much was that?"""
        size = self.framer.buffered
        self.shared.counters.dropped_bytes += size + self.framer.dropped
        fresh = self._dialect.framing.framer(self.shared.limits.max_message)
        if self.outbox.own is not self._dialect.framing:
            cast(SwitchingFramer, fresh).switch(self.outbox.own)
        self.framer, self._waiting = started_again(self.framer, fresh), None
        return size

    @property
    def switches(self) -> bool:
        """Can the framing be changed?"""
        return self._dialect.framing.switches

    def switch(self, framing: Framing | None) -> None:
        """Make messages with another framing, and frame with it what answers them.

        Args:
            framing: That one; None: the one that applies if none is named.

        Raises:
            ResponderError: The framing of the service cannot be changed.
        """
        if not self.switches:
            name = self._dialect.framing.name
            raise ResponderError(
                f"a connection cannot change from the framing {name} to another one"
            )
        self.outbox.own = cast(SwitchingFramer, self.framer).switch(framing)

    def _arrival(self) -> Arrival:
        """How the last message that was handed out arrived."""
        tap = tap_of(self.framer)
        if tap is not None:
            return tap.arrival
        if self._waiting is None:
            return NOW
        return Arrival(self._waiting.time_before(self.framer.buffered))

    def _dropped(self, at: int, data: bytes) -> None:
        self.shared.exchanges.dropped(self.session, at, data)
