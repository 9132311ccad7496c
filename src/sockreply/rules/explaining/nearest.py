"""Which rule came nearest to a message that none answers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain, islice
from typing import NamedTuple

from sockreply.rules.asked import Asked
from sockreply.rules.conditions import Equals, Mask, Miss
from sockreply.rules.index import Entries, Index
from sockreply.rules.rule import Rule

ASKED_AT_MOST = 100
"""How many rules are asked why they did not answer: less than a millisecond's work."""


class Near(NamedTuple):
    """A rule that nearly answered, and what was missing."""

    rule: Rule
    miss: Miss


class Nearest:
    """Looks for the rule that came nearest.

    Of the rules that are looked up only those are asked that begin most like the message. Most
    tables are never asked, so the order that this takes is made by the first question.

    Args:
        index: The rules.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._in_order: tuple[list[bytes], list[bytes]] | None = None

    def to(self, asked: Asked) -> Near | None:
        """The rule that came nearest to a message that none answers; None: there are none."""
        if self._in_order is None:
            self._in_order = sorted(self._index.exact), sorted(self._index.lowered)
        exact, lowered = self._in_order
        others = islice(self._index.others, ASKED_AT_MOST)
        candidates = chain(
            _neighbours(asked, exact, self._index.exact, ignore_case=False),
            _neighbours(asked, lowered, self._index.lowered, ignore_case=True),
            (_near(candidate.rule, asked) for candidate in others),
        )
        return max(candidates, key=lambda near: near.miss.closeness, default=None)


def _neighbours(
    asked: Asked, in_order: list[bytes], entries: Entries, *, ignore_case: bool
) -> Iterator[Near]:
    """The rules that would stand next to the message in a dictionary."""
    message = asked.message.lower() if ignore_case else asked.message
    at = bisect_left(in_order, message)
    for key in in_order[max(at - 1, 0) : at + 1]:
        if key == message:
            for entry in entries[key][:ASKED_AT_MOST]:
                yield _near(entry.candidate.rule, asked)
        else:
            first = entries[key][0].candidate.rule
            yield Near(first, Equals(Mask(key), ignore_case).why_not(asked))


def _near(rule: Rule, asked: Asked) -> Near:
    return Near(rule, rule.why_not(asked))
