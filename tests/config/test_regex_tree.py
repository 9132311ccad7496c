"""How a regular expression is built, and what is taken of the inside of `re` to know it."""

from __future__ import annotations

import importlib
import platform
import re
from typing import Any

import pytest

from sockreply.config.regex_tree import Kind, Nodes, parse
from tests.private_names import check_names

SEEN_IN = "Python 3.11 to 3.13"

CODES = (
    "ANY IN LITERAL NOT_LITERAL SUBPATTERN MAX_REPEAT MIN_REPEAT ASSERT ASSERT_NOT AT "
    "POSSESSIVE_REPEAT ATOMIC_GROUP"
)


def inside(name: str) -> Any:
    """A private module of `re`."""
    return importlib.import_module(f"re._{name}")


@pytest.mark.parametrize(
    ("module", "names"),
    [("parser", "parse SubPattern"), ("compiler", "compile"), ("constants", CODES)],
)
def test_python_still_has_the_names(module: str, names: str) -> None:
    """The private modules are there, with what is used of them."""
    check_names(inside(module), names, seen_in=SEEN_IN, now=platform.python_version())


def test_python_still_parses_so() -> None:
    """The parser tells an expression as pairs of a code and an argument."""
    codes, parser = inside("constants"), inside("parser")
    (repeat, group) = parser.parse(b"a{2,3}(b)")
    code, (least, most, repeated) = repeat
    assert (code, least, most) == (codes.MAX_REPEAT, 2, 3), SEEN_IN
    assert list(repeated) == [(codes.LITERAL, ord("a"))], SEEN_IN
    assert isinstance(repeated, parser.SubPattern), SEEN_IN
    assert group[0] is codes.SUBPATTERN, SEEN_IN
    assert list(group[1][-1]) == [(codes.LITERAL, ord("b"))], SEEN_IN


def test_python_still_compiles_parts() -> None:
    """The compiler takes a part of what the parser has told."""
    compiler, parser = inside("compiler"), inside("parser")
    whole = parser.parse(b"a[bc]")
    part = compiler.compile(parser.SubPattern(whole.state, [whole[1]]), 0)
    assert part.fullmatch(b"b"), SEEN_IN
    assert not part.fullmatch(b"ab"), SEEN_IN


def shape(nodes: Nodes) -> list[object]:
    """The kinds of the parts, with what is within them."""
    return [(node.kind, *map(shape, node.within)) if node.within else node.kind for node in nodes]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (b"", []),
        (b"a.[bc][^d]", [Kind.ONE] * 4),
        (b"^$", [Kind.START, Kind.END]),
        (b"(a)(?:b)", [(Kind.GROUP, [Kind.ONE]), Kind.ONE]),
        (b"a+b*?", [(Kind.REPEAT, [Kind.ONE])] * 2),
        (b"(?=a)(?!b)", [(Kind.EMPTY, [Kind.ONE])] * 2),
        (b"a++(?>b)", [(Kind.FINAL, [Kind.ONE])] * 2),
        (b"aa|bbb", [(Kind.OTHER, [Kind.ONE] * 2, [Kind.ONE] * 3)]),
        (b"(a)\\1", [(Kind.GROUP, [Kind.ONE]), Kind.OTHER]),
    ],
    ids=repr,
)
def test_tree(pattern: bytes, expected: list[object]) -> None:
    """Each part has a kind, and within it the expressions that it is made of."""
    assert shape(parse(pattern)) == expected


def test_rounds() -> None:
    """A repeat tells its rounds; without a limit, the most are more than any message has."""
    once, some, any_number = parse(b"a?b{2,5}c*")
    assert [(node.least, node.most) for node in (once, some)] == [(0, 1), (2, 5)]
    assert any_number.least == 0
    assert any_number.most > 2**31


@pytest.mark.parametrize(
    ("pattern", "octets"),
    [
        (b"a", b"aA"),
        (b"[ab]", b"abAB"),
        (b"\\n", b"\n"),
        (b"\\d", b"0123456789"),
        (b".", bytes(range(256))),
        (b"[^\x01-\xff]", b"\0"),
    ],
    ids=repr,
)
def test_octets(pattern: bytes, octets: bytes) -> None:
    """The bytes that a part for one of them matches, in either case."""
    (node,) = parse(pattern)
    assert b"".join(sorted(node.octets())) == bytes(sorted(octets))


def test_what_is_not_an_expression() -> None:
    """It is the same error as that of compiling it."""
    with pytest.raises(re.error, match="missing"):
        parse(b"(")
