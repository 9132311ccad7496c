"""Says of each rule of a table whether it answers a message, and why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sockreply.errors import ResponderError
from sockreply.replies.session import Session
from sockreply.rules.asked import Asked
from sockreply.rules.explaining.imagined import imagined_session
from sockreply.rules.replies.source import ReplySource
from sockreply.rules.rule import OTHERWISE, Rule

__all__ = ["Explanation", "Verdict", "explain", "imagined_session"]


class Table(Protocol):
    """A table of rules, as far as it is needed to explain its answers."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """In file order."""

    @property
    def otherwise(self) -> ReplySource | None:
        """Answers when no rule does; None: silence."""

    def asked(self, message: bytes, session: Session) -> Asked:
        """The message as the rules see it."""


class Verdict(NamedTuple):
    """What is to be said of one rule.

    Args:
        name: The rule's.
        verdict: "answers", "may answer (chance 0.1)", "does not match", "not in state X" or
            "not reached".
        reason: What more there is to say; may be empty.
        closeness: Of a rule that does not answer: how little is missing, from 0 to 1.
    """

    name: str
    verdict: str
    reason: str = ""
    closeness: float | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.verdict}" + (f" - {self.reason}" if self.reason else "")


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a table comes to its answer.

    Args:
        verdicts: On its rules, in file order.
        answered: Does a rule answer for certain?
        by: What answers: a rule's name, "otherwise" or "silence".
        reply: The answer, a line a step.
        next_state: The connection's state from the next message on; None: it stays.
    """

    verdicts: tuple[Verdict, ...]
    answered: bool
    by: str
    reply: tuple[str, ...]
    next_state: str | None = None

    def lines(self) -> Iterator[str]:
        """All of it, for people to read."""
        yield from map(str, self.verdicts)
        if not self.answered:
            yield self._unanswered()
        yield f"{self.by}:" if self.reply else self.by
        for line in self.reply:
            yield f"  {line}"

    def _unanswered(self) -> str:
        missed = [each for each in self.verdicts if each.closeness is not None]
        if not missed:
            return "no rule is certain to answer" if self.verdicts else "there are no rules"
        none = "no rule answers"
        if len(missed) < len(self.verdicts):
            none = "no rule is certain to answer"
        near = max(missed, key=lambda each: each.closeness or 0)
        if not near.closeness:
            return none
        return f"{none}; nearest is {near.name}: {near.reason}"


def explain(table: Table, message: bytes, session: Session) -> Explanation:
    """Tell which rule would answer, and with what; nothing is sent, run, drawn or counted.

    Args:
        table: The rules.
        message: Without what frames it.
        session: The connection that it would come on.
    """
    asked = table.asked(message, session)
    verdicts: list[Verdict] = []
    by: Rule | None = None
    for rule in table.rules:
        if by is not None:
            verdicts.append(Verdict(rule.name, "not reached"))
            continue
        match = asked.match
        verdict = _verdict(rule, asked)
        verdicts.append(verdict)
        if verdict.verdict == "answers":
            by = rule
        else:
            asked.match = match
    if by is not None:
        return Explanation(tuple(verdicts), True, by.name, _told(by.reply, asked), by.next_state)
    if table.otherwise is not None:
        return Explanation(tuple(verdicts), False, OTHERWISE, _told(table.otherwise, asked))
    return Explanation(tuple(verdicts), False, "silence", ())


def _verdict(rule: Rule, asked: Asked) -> Verdict:
    if rule.when is not None and not rule.when.holds(asked):
        reason, closeness = rule.when.why_not(asked)
        return Verdict(rule.name, "does not match", reason, closeness)
    if not rule.counts_in(asked.state):
        reason, closeness = rule.why_not(asked)
        return Verdict(rule.name, f"not in state {rule.in_states()}", reason, closeness)
    then = "" if rule.next_state is None else f"the state becomes {rule.next_state}"
    if rule.chance < 1:
        return Verdict(rule.name, f"may answer (chance {rule.chance:g})", then)
    return Verdict(rule.name, "answers", then)


def _told(reply: ReplySource, asked: Asked) -> tuple[str, ...]:
    try:
        return tuple(reply.told(asked)) or ("silence",)
    except ResponderError as error:
        return (f"fails: {error}",)
