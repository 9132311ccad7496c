r"""Whether the search for a regular expression starts over at each byte of a long run.

With \d+x, each digit of a message may be the first of a match; from each, the search goes on to the
last digit, and then fails. A message of n digits takes n * n / 2 steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sockreply.config.regex_repeats import ANY, MANY, octets_of
from sockreply.config.regex_tree import Kind, Node, Nodes, parse

_SELDOM = (
    4  # bytes before a run without which it does not begin; a run has a fourth of them, or less
)


def searches_long_runs(pattern: bytes) -> bool:
    """Does it? False, too, for what is not a regular expression."""
    try:
        return _starts_over(tuple(_flat(parse(pattern))), ())
    except Exception:  # another Python may build it otherwise, and it is but a warning
        return False


def _flat(nodes: Nodes) -> Iterator[Node]:
    """The parts, with those of groups among them."""
    for node in nodes:
        if node.kind is Kind.GROUP:
            yield from _flat(node.within[0])
        else:
            yield node


def _starts_over(nodes: Sequence[Node], before: tuple[frozenset[bytes], ...]) -> bool:
    """Can a match begin anywhere in a run of what is repeated, and fail after it?

    Args:
        nodes: What is still to match.
        before: What has matched one byte each.
    """
    for at, node in enumerate(nodes):
        rest = nodes[at + 1 :]
        if len(before) >= _SELDOM:
            return False
        if node.kind is Kind.ONE:
            before += (node.octets(),)
        elif node.kind is Kind.REPEAT:
            octets = octets_of(node.within[0])
            anywhere = not any(octets.isdisjoint(each) for each in before)
            if node.most >= MANY and anywhere and _may_fail(rest, octets):
                return True
            before += (octets,) * min(node.least, _SELDOM)
        elif node.alternatives:
            return any(_starts_over((*_flat(each), *rest), before) for each in node.within)
        elif node.kind not in (Kind.END, Kind.EMPTY):
            return False
    return False


def _may_fail(nodes: Sequence[Node], run: frozenset[bytes]) -> bool:
    """Is there something after a run that does not match for each of its bytes?"""
    for node in nodes:
        if node.kind is Kind.END:
            return run != ANY
        if node.needed and not run <= octets_of((node,)):
            return True
    return False
