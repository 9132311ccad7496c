"""Finds the rules that may answer a message, in file order, without asking every one.

Most rules of a large table compare the whole message with given bytes: these are looked up by it.
With each of them stands how many rules of the other kinds come before it; these are asked first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sockreply.rules.asked import Asked
from sockreply.rules.keys import exact_keys
from sockreply.rules.rule import Rule


class Candidate(NamedTuple):
    """A rule that may answer, and what decides whether it does."""

    rule: Rule
    holds: Callable[[Asked], bool]


class Entry(NamedTuple):
    """A rule that is looked up.

    Args:
        order: Its place in the file.
        before: How many rules that are not looked up come before it.
        plain: Is it sure to answer every message that it is looked up by, and does it do no more?
        candidate: The rule.
    """

    order: int
    before: int
    plain: bool
    candidate: Candidate


Entries = Mapping[bytes, Sequence[Entry]]
"""Rules by the message that they are looked up by; each sequence is in file order."""


class Index:
    """The rules of a table, arranged for finding.

    Args:
        rules: In file order.
    """

    exact: Entries
    """By messages as they are, with what `lowered` has for them."""

    lowered: Entries
    """By messages with ASCII's capital letters made small."""

    others: Sequence[Candidate]
    """The rules that have to be asked, in file order."""

    plain: Mapping[bytes, Rule | None]
    """Who answers the messages of `exact`, where that is a plain rule for certain."""

    plain_lowered: Mapping[bytes, Rule | None]
    """The same of `lowered`."""

    plain_rest: Rule | None
    """The same of all messages that are in neither."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        exact: dict[bytes, list[Entry]] = {}
        lowered: dict[bytes, list[Entry]] = {}
        others: list[Candidate] = []
        for order, rule in enumerate(rules):
            keys = exact_keys(rule.when)
            if keys is None:
                others.append(Candidate(rule, _quickest(rule)))
                continue
            holds = rule.holds_for_key if keys.enough else rule.holds
            plain = keys.enough and rule.plain
            entry = Entry(order, len(others), plain, Candidate(rule, holds))
            for key in keys.as_they_are:
                exact.setdefault(key, []).append(entry)
            for key in keys.lowered:
                lowered.setdefault(key, []).append(entry)
        if lowered:
            for key, entries in exact.items():
                # A rule can be in both: alternatives differ in whether case counts.
                entries[:] = sorted({*entries, *lowered.get(key.lower(), ())})
        self.exact, self.lowered, self.others = exact, lowered, others
        self.plain_rest = _answers_all(others[0].rule) if others else None
        self.plain = {key: self._plain(entries[0]) for key, entries in exact.items()}
        self.plain_lowered = {key: self._plain(entries[0]) for key, entries in lowered.items()}

    def _plain(self, first: Entry) -> Rule | None:
        """Who answers a message, if that is a plain rule for certain.

        Args:
            first: The first rule that is looked up by it.
        """
        if first.before:
            return self.plain_rest
        return first.candidate.rule if first.plain else None

    def plain_in_any_case(self, message: bytes) -> Rule | None:
        """Who answers a message that `exact` does not have, if that is a plain rule for certain."""
        if not self.lowered or message in self.plain:
            return None
        return self.plain_lowered.get(message.lower(), self.plain_rest)

    def candidates(self, message: bytes) -> Iterable[Candidate]:
        """The rules that may answer, in file order."""
        entries = self.exact.get(message)
        if entries is None and self.lowered:
            entries = self.lowered.get(message.lower())
        return self.others if entries is None else self._merged(entries)

    def _merged(self, entries: Iterable[Entry]) -> Iterator[Candidate]:
        others = self.others
        passed = 0
        for _, before, _, candidate in entries:
            if passed < before:
                yield from others[passed:before]
                passed = before
            yield candidate
        yield from others[passed:]


def _answers_all(rule: Rule) -> Rule | None:
    """The rule, if it is plain and answers every message."""
    return rule if rule.when is None and rule.plain else None


def _quickest(rule: Rule) -> Callable[[Asked], bool]:
    """What decides whether a rule holds: where there is only a condition, that."""
    if rule.when is None or rule.states is not None or rule.chance < 1:
        return rule.holds
    return rule.when.holds
