"""A table of rules: the first in file order that holds answers.

Where looking the message up is enough to know the rule, no other rule is looked at; if its reply
is always the same too, nothing is made for the message. All else goes through `Asked`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from types import MappingProxyType

from sockreply.framing.interfaces import Framing
from sockreply.replies.reply import Reply
from sockreply.replies.session import Session
from sockreply.rules.asked import Asked
from sockreply.rules.explaining.explain import Explanation, explain
from sockreply.rules.explaining.nearest import Nearest
from sockreply.rules.index import Index
from sockreply.rules.memory import Memory, remember, remembered
from sockreply.rules.replies.source import ReplySource, source_of
from sockreply.rules.rule import OTHERWISE, Rule

__all__ = ["OTHERWISE", "ReplySource", "Rule", "RuleTable"]


class RuleTable:
    """Answers with the first rule that holds.

    Args:
        rules: In file order.
        otherwise: Answers when none does; bytes are one message, None is silence.
        initial_state: The state that connections begin in.
        seed: Makes chances repeatable: each connection draws from a generator made of this and
            its number. None: they are not.
        framings: What connections change their framing to when they come to these states; in all
            others, they have the framing that their service has otherwise.
    """

    unmatched: int
    """How many messages no rule answered."""

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        otherwise: ReplySource | bytes | None = None,
        initial_state: str = "start",
        seed: int | None = None,
        framings: Mapping[str, Framing] = MappingProxyType({}),
    ) -> None:
        self.rules = tuple(rules)
        self.otherwise = None if otherwise is None else source_of(otherwise)
        self.unmatched = 0
        self._initial_state = initial_state
        self._seed = seed
        self._framings = framings
        self._random = Random()  # noqa: S311 - decides what a stand-in answers, hides nothing
        self._mark = object()
        self._index = Index(self.rules)
        self._nearest = Nearest(self._index)
        self._plain: Mapping[bytes, Rule | None] = self._index.plain
        # Where case may not count, a message that is not found as it is has to be looked up again.
        self._plain_rest = None if self._index.lowered else self._index.plain_rest
        found = {*self._plain.values(), self._plain_rest}
        self.respond_all = (
            self._respond_all if any(rule and rule.short is not None for rule in found) else None
        )
        """As of a responder; None: no reply is sure to be short and always the same."""

    def respond(self, message: bytes, session: Session) -> bytes | Reply:
        rule = self._plain.get(message, self._plain_rest)
        if rule is None:
            rule = self._index.plain_in_any_case(message)
            if rule is None:
                return self._look_for(message, session)
        rule.matches += 1
        session.rule = rule.name
        if rule.fixed is not None:
            return rule.fixed
        return rule.reply.make(self.asked(message, session))

    def _respond_all(self, messages: Sequence[bytes], session: Session) -> list[bytes]:
        get, rest = self._plain.get, self._plain_rest
        replies: list[bytes] = []
        rule = None
        for message in messages:
            found = get(message, rest)
            if found is None or found.short is None:
                break
            rule = found
            rule.matches += 1
            replies.append(found.short)
        if rule is not None:
            session.rule = rule.name
        return replies

    def _look_for(self, message: bytes, session: Session) -> bytes | Reply:
        asked = self.asked(message, session)
        for rule, holds in self._index.candidates(message):
            if holds(asked):
                return self._answer(rule, asked)
        return self._answer_unmatched(asked)

    def _answer(self, rule: Rule, asked: Asked) -> bytes | Reply:
        rule.matches += 1
        asked.session.rule = rule.name
        if rule.next_state is not None:
            memory = self._memory(asked.session)
            memory.state = rule.next_state
            if memory.switches:
                asked.session.switch(self._framings.get(rule.next_state))
        return rule.reply.make(asked) if rule.fixed is None else rule.fixed

    def _answer_unmatched(self, asked: Asked) -> bytes | Reply:
        self.unmatched += 1
        asked.session.rule = None if self.otherwise is None else OTHERWISE
        if self.rules:
            asked.session.remark(lambda: self._say_nearest(asked))
        return Reply() if self.otherwise is None else self.otherwise.make(asked)

    def _say_nearest(self, asked: Asked) -> str:
        near = self._nearest.to(asked)
        asked.match = None  # a regex may have matched in a rule that did not hold
        if near is None or not near.miss.closeness:
            return "no rule matches"
        return f"no rule matches; nearest is {near.rule.name}: {near.miss.reason}"

    @property
    def never_answers(self) -> bool:
        """Is each message answered with silence, whatever it is?"""
        silent = self.otherwise is None or self.otherwise.fixed == Reply()
        return silent and not self.rules

    def states(self) -> list[str]:
        """All states that a connection can be in, or that a rule asks for; the first one first."""
        named = {rule.next_state for rule in self.rules if rule.next_state is not None}
        named = named.union(*(rule.states or () for rule in self.rules))
        return [self._initial_state, *sorted(named - {self._initial_state})]

    def framing_in(self, state: str | None) -> Framing | None:
        """The framing of its own that a state has.

        Args:
            state: That one; None: the one that connections begin in.
        """
        return self._framings.get(self._initial_state if state is None else state)

    def asked(self, message: bytes, session: Session) -> Asked:
        """The message as this table's rules and replies see it."""
        memory = self._memory(session)
        return Asked(message, session, memory.state, memory.random, None, memory.positions)

    def _memory(self, session: Session) -> Memory:
        """What is remembered of a connection; what another table left of it is its state."""
        memory = remembered(session)
        if memory is None or memory.table is not self._mark:
            state = self._initial_state if memory is None else memory.state
            # An earlier table may have changed the framing; its states are then left as well.
            switches = memory is not None and memory.switches
            switches = switches or (bool(self._framings) and session.switches)
            memory = Memory(self._mark, state, self._random_of(session), switches)
            remember(session, memory)
        return memory

    def _random_of(self, session: Session) -> Random:
        if self._seed is None:
            return self._random
        return Random(f"{self._seed}:{session.number}")  # noqa: S311 - to be repeatable

    # What a responder may offer besides.

    def take_over(self, before: object) -> None:
        """Go on counting where the table before this one stopped: by the names of its rules."""
        if not isinstance(before, type(self)):
            return
        matches = {rule.name: rule.matches for rule in before.rules}
        for rule in self.rules:
            rule.matches += matches.pop(rule.name, 0)
        self.unmatched += before.unmatched

    def counts(self) -> Mapping[str, int]:
        """How often each rule has answered, and how often none did."""
        matches = Counter({OTHERWISE: self.unmatched})
        for rule in self.rules:
            matches[rule.name] += rule.matches
        return matches

    def describe(self) -> Iterator[str]:
        """How many rules there are, what each of them asks, and what happens without one."""
        if self.never_answers:
            yield "never answers"
            return
        count = len(self.rules)
        yield f"{count} rule{'s' * (count != 1)}"
        for state, framing in self._framings.items():
            yield f"framing {framing.name} in state {state}"
            for line in framing.describe():
                yield f"  {line}"
        for rule in self.rules:
            yield f"rule {rule.name}: {'every message' if rule.when is None else rule.when}"
        if not any(rule.when is None and rule.plain for rule in self.rules):
            yield f"{OTHERWISE} {'a reply' if self.otherwise else 'silence'}"

    def explain(self, message: bytes, session: Session) -> Explanation:
        """Which rule would answer a message, and with what; or why none does."""
        return explain(self, message, session)
