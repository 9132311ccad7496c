"""One reply at a time: how a connection carries out replies that are more than a message."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal

from twisted.python.failure import Failure

from sockreply.conversation.deadlines import Deadlines
from sockreply.conversation.delivery import Delivery
from sockreply.conversation.failures import reply_failed
from sockreply.conversation.guard import guarded
from sockreply.conversation.interfaces import Channel
from sockreply.conversation.outbox import Outbox
from sockreply.conversation.shared import Dialect, Shared
from sockreply.conversation.states import (
    ASIDE,
    ENDED,
    LAST,
    NEXT_TURN,
    OPEN,
    TABLE,
    UNSENT,
    WAITING,
    Event,
    Standing,
)
from sockreply.replies.reply import Reply
from sockreply.replies.session import Session


class Replying(Standing):
    """Carries out replies one after another, and lets go of them when the connection ends.

    Args:
        channel: The connection.
        session: Its memory.
        deadlines: Its deadlines.
        shared: What it has in common with the others of the service.
    """

    __slots__ = (
        *("_channel", "_deadlines", "_delivery", "_dialect", "_shown", "_unasked"),
        *("outbox", "read_at", "session", "shared"),
    )

    _dialect: Dialect
    """How the connection speaks: the service's dialect when the connection was made."""

    _shown: bool
    """Does the exchange log show the current message? A delivery knows this of its own."""

    _unasked: deque[bytes | Reply] | None
    """What is to be sent besides the replies; None: there never was anything."""

    read_at: float | None
    """When what is being answered was read, if the counters wanted to know; to be set."""

    def __init__(
        self, channel: Channel, session: Session, deadlines: Deadlines, shared: Shared
    ) -> None:
        self.state = OPEN  # as in Standing, whose constructor would be one call more a connection
        self.held = 0
        self._channel = channel
        self._deadlines = deadlines
        self._dialect = shared.dialect
        self.session = session
        self.shared = shared
        self.outbox = Outbox(shared.dialect, shared.counters)
        self.read_at = None
        self._unasked = None
        self._shown = False
        self._delivery: Delivery | None = None  # of a reply that is more than a message

    def proceed(self) -> None:
        """Answer what has arrived, for one turn; no hold may apply."""
        raise NotImplementedError

    def remark(self, say: Callable[[], str]) -> None:
        shown = self._shown if self._delivery is None else self._delivery.shown
        if shown:
            self.shared.exchanges.remarked(self.session, say)

    def unsent(self) -> None:
        """So much waits to be sent that nothing may be added."""
        self.held |= UNSENT

    def sent(self) -> None:
        """The peer has taken what was unsent."""
        self.held &= ~UNSENT
        self._resume()

    def give_up(self, event: Event) -> None:
        """Answer no more.

        Args:
            event: Why: the connection ends, or is gone.
        """
        self.state = TABLE[self.state][event]
        if not self.held & ENDED:
            self.held |= ENDED
            self._let_go()

    def _let_go(self) -> None:
        """Forget what is still owed."""
        self._unasked = None
        delivery, self._delivery = self._delivery, None
        if delivery is None:
            return
        try:
            if not delivery.owes:
                delivery.settle()
                return
            self.shared.counters.errors["abandoned"] += 1
            if delivery.shown:
                self.shared.exchanges.abandoned(self.session, delivery.let_go_of_said())
        finally:
            delivery.cancel()

    def turn_over(self) -> None:
        """Let others go first, unless they do already."""
        if not self.held & (NEXT_TURN | ENDED):
            self.held |= NEXT_TURN
            self.shared.clock.callLater(0, self._next_turn)  # which does nothing once it is over

    @guarded
    def _next_turn(self) -> None:
        self.held &= ~NEXT_TURN
        self._resume()

    def _resume(self) -> None:
        held = self.held & ~LAST
        if held == WAITING:
            self.outbox.size = 0
            self.go_on()
        elif not held:
            self.proceed()

    def _answer_with(self, reply: bytes | Reply, size: int, *, asked: bool = True) -> bool:
        """Carry out a reply after others of that size in this turn. Is it complete?"""
        self.outbox.size = size
        self.held |= WAITING
        steps = Reply(reply) if isinstance(reply, bytes) else reply
        delivery = self._delivery = Delivery(self, steps, asked=asked, shown=self._shown)
        self._shown = False
        if self.held & ENDED:  # it ended while the reply was made
            self._let_go()
            return False
        if not self._carry_on(delivery):
            return False
        if self._unasked:
            self.held |= ASIDE
        return True

    def _carry_on(self, delivery: Delivery) -> bool:
        if not delivery.run() or self.held & ENDED:
            if not self.held & ENDED:
                self.outbox.flush()
                if delivery.stalls is None:
                    self._channel.owing()
                else:
                    self._channel.stalled(delivery.stalls)
            return False
        if delivery.owes and not self.shared.keep_alive:
            self.held |= LAST
        delivery.settle()
        self._delivery = None
        self.held &= ~WAITING
        return True

    # What the delivery of a reply asks.

    @property
    def takes_more(self) -> bool:
        return not self.held & (UNSENT | NEXT_TURN | ENDED)

    def awaiting(self, begun: bool) -> None:
        self._deadlines.begin("reply", self.shared.limits.reply_timeout if begun else 0)

    def go_on(self) -> None:
        if self._delivery is not None and self._carry_on(self._delivery) and not self.held & ~LAST:
            self.proceed()

    def start_tls(self) -> None:
        self._channel.start_tls()

    @property
    def shakes_hands(self) -> bool:
        """Has a reply begun TLS, whose handshake is not done yet?"""
        return self._delivery is not None and self._delivery.shakes_hands

    def secured(self) -> None:
        """The handshake that a reply asked for is done."""
        if self._delivery is not None:
            self._delivery.secured()

    def end(self, how: Literal["whole", "half", "reset"]) -> bool:
        return self._channel.end(how)

    def broke(self, failure: Failure) -> None:
        """An unexpected exception: end the connection."""
        self._channel.broke(failure)

    def failed(self, failure: Failure) -> None:
        """The current message gets no reply, or what is sent unasked fails."""
        asked, shown, said, self._shown = True, self._shown, None, False
        if self._delivery is not None:
            asked, shown = self._delivery.owes, self._delivery.shown
            said = self._delivery.let_go_of_said()
            self._delivery.owes = False
        reply_failed(self.shared, self.session, failure, asked=asked, shown=shown, said=said)
        self._channel.close("error")
