r"""Whether a regular expression can share the same bytes out among its repeats in very many ways.

A message that almost matches can then take time that doubles with each of its bytes. Where
something between two rounds is never part of what is repeated, as the comma in (\d+,)+, there is
only one way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sockreply.config.regex_tree import Kind, Node, Nodes, parse

MANY = 100
"""Bytes of an ordinary message, or rounds of a repeat that has no end."""

_WAYS = 1_000_000  # ways of sharing bytes out, all of which are tried in some tenths of a second

ANY = frozenset(bytes([each]) for each in range(256))
"""All bytes."""


def repeats_within_repeats(pattern: bytes) -> bool:
    """Can it? False, too, for what is not a regular expression."""
    try:
        return _any_ambiguous(parse(pattern))
    except Exception:  # another Python may build it otherwise, and it is but a warning
        return False


class _Item(NamedTuple):
    """A part of an expression.

    Args:
        octets: The bytes that can be in what it matches.
        needed: Does it always match some?
        lengths: How many different numbers of bytes can it match, as far as `MANY`?
    """

    octets: frozenset[bytes]
    needed: bool
    lengths: int = 1

    @property
    def varies(self) -> bool:
        """Can it match more or fewer bytes than it did at first?"""
        return self.lengths > 1


def _any_ambiguous(nodes: Nodes) -> bool:
    return any(
        (node.kind is Kind.REPEAT and _is_slow(node)) or any(map(_any_ambiguous, node.within))
        for node in nodes
    )


def _is_slow(repeat: Node) -> bool:
    """Can so many rounds of it share bytes out in too many ways?"""
    items = list(_items(repeat.within[0]))
    lengths = max((item.lengths for item in items), default=1)
    return lengths ** min(repeat.most, MANY) > _WAYS and _is_ambiguous(items)


def _is_ambiguous(items: list[_Item]) -> bool:
    """Can what one of the items leaves be taken by another, in this round or in the next?"""
    for at, item in enumerate(items):
        if not item.varies:
            continue
        for other in (*items[at + 1 :], *items[: at + 1]):
            apart = other.octets.isdisjoint(item.octets)
            if other.needed and apart:
                break
            if other.varies and not apart:
                return True
    return False


def _items(nodes: Nodes) -> Iterator[_Item]:
    """The parts that follow each other, those of groups among them."""
    for node in nodes:
        match node.kind:
            case Kind.GROUP:
                yield from _items(node.within[0])
            case Kind.ONE:
                yield _Item(node.octets(), needed=True)
            case Kind.REPEAT:
                octets, needed, lengths = _united(_items(node.within[0]))
                lengths = min(lengths * (node.most - node.least + 1), MANY)
                yield _Item(octets, needed and node.least > 0, lengths)
            case Kind.FINAL | Kind.OTHER:
                octets, _, lengths = _united(each for part in node.within for each in _items(part))
                lengths = 1 if node.kind is Kind.FINAL else lengths
                yield _Item(octets or ANY, False, lengths)


def octets_of(nodes: Nodes) -> frozenset[bytes]:
    """The bytes that can be in what the parts match."""
    return _united(_items(nodes)).octets


def _united(items: Iterable[_Item]) -> _Item:
    """Some items as one."""
    all_of = list(items)
    octets = frozenset[bytes]().union(*(each.octets for each in all_of))
    needed = any(each.needed for each in all_of)
    return _Item(octets, needed, max((each.lengths for each in all_of), default=1))
