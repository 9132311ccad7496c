"""One rule: when it answers, and with what."""

from __future__ import annotations

from typing import Protocol

from sockreply.replies.reply import Reply
from sockreply.rules.asked import Asked
from sockreply.rules.conditions import Condition, Miss

OTHERWISE = "otherwise"
"""What sessions call the rule when none answers but there is a reply for that."""

ANY_MESSAGE = 0.01
"""How close a message is to a rule that takes any, in another state: less than to one that begins
like it."""


class ReplySource(Protocol):
    """Makes a rule's replies."""

    @property
    def fixed(self) -> bytes | Reply | None:
        """The reply, when it is the same for every message."""

    def make(self, asked: Asked) -> bytes | Reply:
        """The reply to one message."""

    def told(self, asked: Asked) -> list[str]:
        """What `make` would make, a line a step; nothing is sent, run or counted."""


class Rule:
    """One rule of a table.

    Args:
        name: For logs, counts and explanations.
        when: Has to hold; None: always does.
        reply: What it answers with.
        states: Of the connection, in which the rule counts; None: any.
        next_state: The connection's state from the next message on; None: it stays.
        chance: How often the rule is considered when all else holds, from 0 to 1.
    """

    __slots__ = ("chance", "fixed", "matches", "name", "next_state", "reply", "states", "when")

    matches: int
    """How often it has answered."""

    def __init__(
        self,
        name: str,
        when: Condition | None,
        reply: ReplySource,
        states: frozenset[str] | None = None,
        next_state: str | None = None,
        chance: float = 1.0,
    ) -> None:
        self.name = name
        self.when = when
        self.reply = reply
        self.states = states
        self.next_state = next_state
        self.chance = chance
        self.fixed = reply.fixed
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
