"""How a regular expression on bytes is built, as a tree.

Only the parser of `re` can tell that, and only its compiler takes parts of what it tells: both are
private. This is the only module that names them.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from re import _compiler as compiler  # type: ignore[attr-defined]  # only it takes parts of one
from re import _constants as codes  # type: ignore[attr-defined]  # the parser's words have no other home
from re import _parser as parser  # type: ignore[attr-defined]  # only it tells how one is built
from typing import Any, TypeAlias

Nodes: TypeAlias = tuple["Node", ...]
"""The parts of an expression that follow each other."""

_OCTETS = [bytes([each]) for each in range(256)]


class Kind(Enum):
    """What a part of an expression is."""

    ONE = "one byte, out of some"
    GROUP = "an expression in parentheses"
    REPEAT = "an expression several times, which gives back rounds if the rest does not match"
    START = "an assertion that the message begins here"
    END = "an assertion that it ends here"
    EMPTY = "another assertion, which matches no bytes"
    FINAL = "an expression that never gives back what it took"
    OTHER = "alternatives, or what refers to a group"


_KINDS: dict[Any, Kind] = {
    codes.ANY: Kind.ONE,
    codes.IN: Kind.ONE,
    codes.LITERAL: Kind.ONE,
    codes.NOT_LITERAL: Kind.ONE,
    codes.SUBPATTERN: Kind.GROUP,
    codes.MAX_REPEAT: Kind.REPEAT,
    codes.MIN_REPEAT: Kind.REPEAT,
    codes.ASSERT: Kind.EMPTY,
    codes.ASSERT_NOT: Kind.EMPTY,
    codes.AT: Kind.EMPTY,
    codes.POSSESSIVE_REPEAT: Kind.FINAL,
    codes.ATOMIC_GROUP: Kind.FINAL,
}

_PLACES: dict[Any, Kind] = {  # not in one table with codes: both are numbers
    codes.AT_BEGINNING: Kind.START,
    codes.AT_BEGINNING_STRING: Kind.START,
    codes.AT_END: Kind.END,
    codes.AT_END_STRING: Kind.END,
}


@dataclass(frozen=True)
class Node:
    """A part of an expression.

    Args:
        kind: What it is.
        within: The expressions that stand in it.
        least: The fewest rounds of a REPEAT.
        most: The most; a huge number if there is no limit.
        source: How the parser tells it.
    """

    kind: Kind
    within: tuple[Nodes, ...]
    least: int
    most: int
    source: Any

    @property
    def alternatives(self) -> bool:
        """Is it one out of the expressions in it?"""
        return bool(self.source.data[0][0] is codes.BRANCH)

    @property
    def needed(self) -> bool:
        """Does it always match some bytes?"""
        return bool(self.source.getwidth()[0] > 0)

    def octets(self) -> frozenset[bytes]:
        """The bytes of which a ONE matches one, in either case."""
        single = compiler.compile(self.source, re.IGNORECASE | re.DOTALL)
        return frozenset(filter(single.fullmatch, _OCTETS))


def parse(pattern: bytes) -> Nodes:
    """Take an expression apart.

    Raises:
        re.error: It is not one.
        RecursionError: Too many groups stand within each other.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what Python may read in another way one day
        return _nodes(parser.parse(pattern))


def _nodes(pattern: Any) -> Nodes:
    return tuple(_node(pattern, code, argument) for code, argument in pattern)


def _node(pattern: Any, code: Any, argument: Any) -> Node:
    kind = _KINDS.get(code, Kind.OTHER)
    if code is codes.AT:
        kind = _PLACES.get(argument, kind)
    least, most = argument[:2] if kind is Kind.REPEAT else (1, 1)
    within = tuple(map(_nodes, _below(argument)))
    return Node(kind, within, least, most, parser.SubPattern(pattern.state, [(code, argument)]))


def _below(argument: Any) -> Iterator[Any]:
    """The expressions that are an argument, or stand in one."""
    if isinstance(argument, parser.SubPattern):
        yield argument
    elif isinstance(argument, list | tuple):
        for each in argument:
            yield from _below(each)
