"""Which rule came nearest to a message that none answers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain, islice
from typing import NamedTuple

from sockreply.rules.asked import Asked
from sockreply.rules.conditions import Equals, Mask, Miss
from sockreply.rules.conditions.unseen import folded
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

    Of the rules of a large table that are looked up only those are asked that are most like the
    message. Most tables are never asked, so what this takes is made by the first question.

    Args:
        index: The rules.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._looked_up: tuple[_LookedUp, _LookedUp] | None = None

    def to(self, asked: Asked) -> Near | None:
        """The rule that came nearest to a message that none answers; None: there are none."""
        if self._looked_up is None:
            self._looked_up = (
                _LookedUp(self._index.exact, ignore_case=False),
                _LookedUp(self._index.lowered, ignore_case=True),
            )
        exact, lowered = self._looked_up
        others = islice(self._index.others, ASKED_AT_MOST)
        candidates = chain(
            exact.near(asked),
            lowered.near(asked),
            (_near(candidate.rule, asked) for candidate in others),
        )
        return max(candidates, key=lambda near: near.miss.closeness, default=None)


class _LookedUp:
    """Rules that are looked up by the whole message, arranged for finding what it is most like.

    Args:
        entries: The rules by the messages.
        ignore_case: Are these in small letters, for case does not count?
    """

    def __init__(self, entries: Entries, *, ignore_case: bool) -> None:
        self._entries = entries
        self._ignore_case = ignore_case
        self._few = len(entries) <= ASKED_AT_MOST
        self._forwards = [] if self._few else sorted(entries)
        self._backwards = [] if self._few else sorted(key[::-1] for key in entries)
        self._folded: dict[bytes, list[bytes]] = {}
        for key in () if self._few else entries:
            self._folded.setdefault(folded(key), []).append(key)

    def near(self, asked: Asked) -> Iterator[Near]:
        """Those that are most like a message, and what it misses of each."""
        message = asked.message.lower() if self._ignore_case else asked.message
        for key in self._entries if self._few else dict.fromkeys(self._like(message)):
            if key == message:
                for entry in self._entries[key][:ASKED_AT_MOST]:
                    yield _near(entry.candidate.rule, asked)
            else:
                first = self._entries[key][0].candidate.rule
                yield Near(first, Equals(Mask(key), self._ignore_case).why_not(asked))

    def _like(self, message: bytes) -> Iterator[bytes]:
        """The messages that begin like it, that end like it, and that differ in nothing seen."""
        yield from _neighbours(self._forwards, message)
        for backwards in _neighbours(self._backwards, message[::-1]):
            yield backwards[::-1]
        yield from self._folded.get(folded(message), ())[:ASKED_AT_MOST]


def _neighbours(in_order: list[bytes], message: bytes) -> list[bytes]:
    """The message itself, or those that would stand next to it in a dictionary."""
    at = bisect_left(in_order, message)
    return in_order[max(at - 1, 0) : at + 1]


def _near(rule: Rule, asked: Asked) -> Near:
    return Near(rule, rule.why_not(asked))
