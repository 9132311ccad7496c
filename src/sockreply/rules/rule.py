"""One rule: when it answers, and with what."""

from __future__ import annotations

from sockreply.replies.responder import SHORT
from sockreply.rules.asked import Asked
from sockreply.rules.conditions import Condition, Miss
from sockreply.rules.replies.source import ReplySource, source_of

OTHERWISE = "otherwise"
"""What sessions call the rule when none answers but there is a reply for that."""

ANY_MESSAGE = 0.01
"""How close a message is to a rule that takes any, in another state: less than to one that begins
like it."""


class Rule:
    """One rule of a table.

    Args:
        name: For logs, counts and explanations.
        when: Has to hold; None: always does.
        reply: What it answers with; bytes are one message.
        states: Of the connection, in which the rule counts; None: any.
        next_state: The connection's state from the next message on; None: it stays.
        chance: How often the rule is considered when all else holds, from 0 to 1.

    Raises:
        TypeError: The condition or the reply is none.
    """

    __slots__ = (
        *("chance", "fixed", "matches", "name", "next_state", "reply", "short", "states", "when"),
    )

    short: bytes | None
    """The reply, when it is one short message, and the same for every message."""

    matches: int
    """How often it has answered."""

    def __init__(
        self,
        name: str,
        when: Condition | None,
        reply: ReplySource | bytes,
        states: frozenset[str] | None = None,
        next_state: str | None = None,
        chance: float = 1.0,
    ) -> None:
        if when is not None and not callable(getattr(when, "holds", None)):
            kind = type(when).__name__
            raise TypeError(f"a rule's condition is one such as Equals(b'...'), not {kind}")
        self.name = name
        self.when = when
        self.reply = source_of(reply)
        self.states = states
        self.next_state = next_state
        self.chance = chance
        self.fixed = fixed = self.reply.fixed
        self.short = fixed if isinstance(fixed, bytes) and len(fixed) <= SHORT else None
        self.matches = 0

    @property
    def plain(self) -> bool:
        """Does it ask for nothing but its condition, and do nothing but reply?"""
        return self.states is None and self.next_state is None and self.chance >= 1

    def counts_in(self, state: str) -> bool:
        """Does the rule count in that state?"""
        return self.states is None or state in self.states

    def in_states(self) -> str:
        """The states in which it counts, for a line of text."""
        return " or ".join(sorted(self.states or ()))

    def holds(self, asked: Asked) -> bool:
        """Does it answer this message? Its luck is tried last."""
        return (
            self.counts_in(asked.state)
            and (self.when is None or self.when.holds(asked))
            and self._is_lucky(asked)
        )

    def holds_for_key(self, asked: Asked) -> bool:
        """Does it answer this message, for which its condition is known to hold?"""
        return self.counts_in(asked.state) and self._is_lucky(asked)

    def _is_lucky(self, asked: Asked) -> bool:
        if self.chance >= 1 or asked.random.random() < self.chance:
            return True
        asked.match = None
        return False

    def why_not(self, asked: Asked) -> Miss:
        """What is missing; to be asked only when it does not hold."""
        if self.when is not None and not self.when.holds(asked):
            return self.when.why_not(asked)
        if not self.counts_in(asked.state):
            # Of the message nothing speaks for a rule that would take any.
            closeness = ANY_MESSAGE if self.when is None else 1.0
            return Miss(f"the state is {asked.state}, not {self.in_states()}", closeness)
        return Miss(f"skipped by its chance of {self.chance:g}", 1.0)
