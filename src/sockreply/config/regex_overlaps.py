r"""Whether alternatives that are repeated can match the same bytes in several ways.

With (a|ab|b)*x, each "ab" is matched in two ways, and a message of n of them in 2 ** n, all of
which are tried before it is known that there is no x. It is looked at as an automaton: one that
comes back from a state to the same state by two different ways, for the same bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from sockreply.config.regex_tree import Kind, Node, Nodes, parse

_ROUNDS = 20  # of a repeat: a million ways, if there are two of each
_STATES = 60  # of an automaton; to look at more takes too long

_Pair = tuple[int, int]


def repeats_overlapping(pattern: bytes) -> bool:
    """Can they? False, too, for what is not a regular expression, or too long."""
    try:
        return _any_ambiguous(parse(pattern))
    except Exception:  # another Python may build it otherwise, and it is but a warning
        return False


def _any_ambiguous(nodes: Nodes) -> bool:
    return any(
        (node.kind is Kind.REPEAT and node.most >= _ROUNDS and _is_ambiguous(node.within[0]))
        or any(map(_any_ambiguous, node.within))
        for node in nodes
    )


@dataclass(frozen=True)
class _Part:
    """A part of an automaton whose states are the places of an expression that match one byte.

    Args:
        empty: Can it match nothing?
        first: The states in which it can begin.
        last: Those in which it can end.
    """

    empty: bool
    first: frozenset[int]
    last: frozenset[int]


_NOTHING = _Part(True, frozenset(), frozenset())


class _Automaton:
    """One of an expression (Glushkov's).

    Raises:
        ValueError: It has too many states, or looks ahead or back.
    """

    def __init__(self, nodes: Nodes) -> None:
        self.octets: list[frozenset[bytes]] = []
        self.after: list[set[int]] = []
        self.empty_twice = False  # two alternatives match nothing
        self.whole = self._sequence(nodes)
        self._follow(self.whole, self.whole)

    def _sequence(self, nodes: Nodes) -> _Part:
        whole = _NOTHING
        for node in nodes:
            part = self._part(node)
            self._follow(whole, part)
            whole = _Part(
                whole.empty and part.empty,
                whole.first | part.first if whole.empty else whole.first,
                part.last | whole.last if part.empty else part.last,
            )
        return whole

    def _part(self, node: Node) -> _Part:
        match node.kind:
            case Kind.ONE:
                return self._state(node)
            case Kind.GROUP:
                return self._sequence(node.within[0])
            case Kind.REPEAT:
                part = self._sequence(node.within[0])
                if node.most > 1:
                    self._follow(part, part)
                return _Part(part.empty or node.least == 0, part.first, part.last)
            case Kind.OTHER if node.alternatives:
                parts = [self._sequence(each) for each in node.within]
                self.empty_twice |= sum(part.empty for part in parts) > 1
                return _Part(
                    any(part.empty for part in parts),
                    frozenset[int]().union(*(part.first for part in parts)),
                    frozenset[int]().union(*(part.last for part in parts)),
                )
            case Kind.START | Kind.END:
                return _NOTHING
            case _:
                raise ValueError("it depends on what stands around it")

    def _state(self, node: Node) -> _Part:
        number = len(self.octets)
        if number == _STATES:
            raise ValueError("too many states")
        self.octets.append(node.octets())
        self.after.append(set())
        here = frozenset([number])
        return _Part(False, here, here)

    def _follow(self, one: _Part, other: _Part) -> None:
        for state in one.last:
            self.after[state] |= other.first

    def pairs_after(self, pair: _Pair) -> Iterator[_Pair]:
        """The states that two ways can be in after one more byte, the same for both."""
        for one, other in product(self.after[pair[0]], self.after[pair[1]]):
            if not self.octets[one].isdisjoint(self.octets[other]):
                yield one, other


def _is_ambiguous(body: Nodes) -> bool:
    """Is there a state to which two different ways lead back?"""
    if not _has_alternatives(body):
        return False
    automaton = _Automaton(body)
    return automaton.empty_twice or any(
        _comes_back(automaton, state) for state in range(len(automaton.octets))
    )


def _has_alternatives(nodes: Nodes) -> bool:
    return any(node.alternatives or any(map(_has_alternatives, node.within)) for node in nodes)


def _comes_back(automaton: _Automaton, state: int) -> bool:
    """Can two ways part at this state and meet there again?"""
    reached: set[tuple[_Pair, bool]] = set()
    left = deque([((state, state), False)])
    while left:
        pair, apart = left.popleft()
        for after in automaton.pairs_after(pair):
            step = after, apart or after[0] != after[1]
            if step == ((state, state), True):
                return True
            if step not in reached:
                reached.add(step)
                left.append(step)
    return False
