"""Conditions on the bytes of a message."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockreply.rules.conditions import (
    Condition,
    Contains,
    EndsWith,
    Equals,
    Mask,
    Regex,
    StartsWith,
)
from sockreply.rules.conditions.contents import ALMOST
from sockreply.rules.conditions.unseen import LOOKED_AT_MOST
from tests.rules.stand_ins import asked

TEXT = Mask.of(b"ABCD")
HEX = Mask.from_hex("41 ?? 43")


def fits(mask: Mask, piece: bytes, ignore_case: bool) -> bool:
    """A plain and slow comparison."""
    if len(piece) != len(mask):
        return False
    if ignore_case:
        mask, piece = mask.lower(), piece.lower()
    return all(mask.data[at] == piece[at] or at in mask.wild for at in range(len(mask)))


small = st.lists(st.sampled_from([b"a", b"A", b"b", b"\n", b"\xe4", b"\xc4"]), max_size=5).map(
    b"".join
)
masks = st.builds(Mask, small, st.frozensets(st.integers(0, 3))).map(
    lambda mask: Mask(mask.data, frozenset(at for at in mask.wild if at < len(mask)))
)


@given(masks, small, st.booleans())
def test_all_comparisons(mask: Mask, message: bytes, ignore_case: bool) -> None:
    """Each finds what a byte by byte comparison finds; who misses says why, in part or not."""
    size = len(mask)
    pieces = [message[at : at + size] for at in range(len(message) + 1)]
    expected: dict[type, bool] = {
        Equals: fits(mask, message, ignore_case),
        StartsWith: fits(mask, message[:size], ignore_case),
        EndsWith: size <= len(message) and fits(mask, message[len(message) - size :], ignore_case),
        Contains: any(fits(mask, piece, ignore_case) for piece in pieces),
    }
    for kind in (Equals, StartsWith, EndsWith, Contains):
        condition = kind(mask, ignore_case)
        assert condition.holds(asked(message)) is expected[kind]
        if not expected[kind]:
            reason, closeness = condition.why_not(asked(message))
            assert reason.startswith(f"{condition.name}: ")
            assert 0 <= closeness < 1


@pytest.mark.parametrize(
    ("condition", "message", "reason", "closeness"),
    [
        (Equals(TEXT), b"ABXD", "equals: byte 2 (from 0) is 0x58 'X', not 0x43 'C'", 0.75),
        (Equals(TEXT), b"BCD", "equals: byte 0 (from 0) is 0x42 'B', not 0x41 'A'", 0.75),
        (
            Equals(Mask.of(b"aaab")),
            b"aab",
            "equals: byte 2 (from 0) is 0x62 'b', not 0x61 'a'",
            0.75,
        ),
        (Equals(TEXT), b"AB\r\xff", r"equals: byte 2 (from 0) is 0x0d '\r', not 0x43 'C'", 0.5),
        (Equals(TEXT), b"ABC\xff", "equals: byte 3 (from 0) is 0xff, not 0x44 'D'", 0.75),
        (Equals(TEXT), b"AB", "equals: 2 bytes too short", 0.5),
        (Equals(TEXT), b"", "equals: 4 bytes too short", 0.0),
        (Equals(TEXT), b"ABCDE", "equals: 1 byte too long", 0.8),
        (Equals(TEXT, True), b"abxD", "equals: byte 2 (from 0) is 0x78 'x', not 0x43 'C'", 0.75),
        (Equals(HEX), b"AxB", "equals: byte 2 (from 0) is 0x42 'B', not 0x43 'C'", 2 / 3),
        (
            StartsWith(TEXT),
            b"ABXXXX",
            "starts_with: byte 2 (from 0) is 0x58 'X', not 0x43 'C'",
            0.5,
        ),
        (StartsWith(TEXT), b"ABC", "starts_with: 1 byte too short", 0.75),
        (EndsWith(TEXT), b"---AXCD", "ends_with: byte 4 (from 0) is 0x58 'X', not 0x42 'B'", 0.5),
        (EndsWith(TEXT), b"CD", "ends_with: 2 bytes too short", 0.5),
        (EndsWith(TEXT), b"XD", "ends_with: byte 0 (from 0) is 0x58 'X', not 0x43 'C'", 0.25),
        (
            Contains(TEXT),
            b"-ABCE",
            "contains: 'ABCD' is not in it, only 'ABC' at byte 1 (from 0)",
            0.75,
        ),
        (Contains(TEXT), b"xyz", "contains: 'ABCD' is not in it", 0.0),
        (Contains(HEX), b"AxB", "contains: 41 ?? 43 is not in it", 0.0),
        (Regex(re.compile(rb"^U\n")), b"m", r"regex '^U\n' finds no match", 0.0),
    ],
)
def test_reasons(condition: Condition, message: bytes, reason: str, closeness: float) -> None:
    """Who misses names the byte, or how much is missing; what fits at both ends is close."""
    assert not condition.holds(asked(message))
    miss = condition.why_not(asked(message))
    assert miss.reason == reason
    assert miss.closeness == pytest.approx(closeness)


CASE, SPACE = "it differs only in case", "it differs only in white space"
LINE = 'framing = "line"?'


@pytest.mark.parametrize(
    ("condition", "message", "unseen"),
    [
        (Equals(TEXT), b"abCD", CASE),
        (Equals(TEXT), b"ABCD ", SPACE),
        (Equals(TEXT), b"AB\tCD\0", SPACE),
        (Equals(Mask.of(b"A B")), b"AB", SPACE),
        (Equals(TEXT), b" abcd", f"{CASE} and white space"),
        (Equals(TEXT, True), b"abcd ", SPACE),
        (Equals(TEXT), b"ABCD\n", f"the message ends with LF: {LINE}"),
        (Equals(TEXT), b"ABCD\r\n", f"the message ends with CR LF: {LINE}"),
        (
            Equals(TEXT),
            b"ABCD\r",
            r'the message ends with CR: framing = "line" for CR LF, "delimited:end=\r" for CR?',
        ),
        (Equals(TEXT), b"abcd\r", f"{CASE} and white space"),
        (StartsWith(TEXT), b"abcd 1", CASE),
        (StartsWith(Mask.of(b"SET ")), b"SET1", SPACE),
        (EndsWith(TEXT), b"1 ABCD\n", f"the message ends with LF: {LINE}"),
        (Contains(TEXT), b"--AB CD--", SPACE),
        (Regex(re.compile(rb"^UNIT (kg|lb)$")), b"UNIT kg ", SPACE),
        (Regex(re.compile(rb"^UNIT (kg|lb)$")), b"unit kg", CASE),
        (Regex(re.compile(rb"^UNIT (kg|lb)$")), b"UNIT kg\r\n", f"... CR LF: {LINE}"),
    ],
)
def test_differences_that_nobody_sees(condition: Condition, message: bytes, unseen: str) -> None:
    """Case, white space and line ends are named, and are closer than any other difference."""
    assert not condition.holds(asked(message))
    miss = condition.why_not(asked(message))
    assert miss.reason.endswith(f"; {unseen}") or miss.reason.endswith(unseen.removeprefix("..."))
    assert miss.closeness == ALMOST


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (Equals(TEXT), b"ABCE "),
        (Equals(Mask.of(b" ")), b"\t"),
        (Contains(Mask.of(b"\r\n")), b"x"),
        (Equals(HEX), b"axC"),
        (StartsWith(TEXT), b"abcd" + bytes(LOOKED_AT_MOST)),
        (Regex(re.compile(rb"^UNIT$")), b"UNITS "),
        (Regex(re.compile(rb"(?i)^UNIT$")), b"UNITS"),
    ],
)
def test_differences_that_are_seen(condition: Condition, message: bytes) -> None:
    """Where anything else differs, or nothing else, or the message is long, nothing is said."""
    assert not condition.holds(asked(message))
    assert condition.why_not(asked(message)).closeness < ALMOST


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        (Equals(TEXT), "equals 'ABCD'"),
        (StartsWith(TEXT, True), "starts_with 'ABCD' (in any case)"),
        (EndsWith(HEX), "ends_with 41 ?? 43"),
        (Regex(re.compile(b"a+")), "regex 'a+'"),
    ],
)
def test_shown(condition: Condition, shown: str) -> None:
    """As text a condition reads like the file that it was written in."""
    assert str(condition) == shown


def test_a_regex_is_searched_and_keeps_what_it_found() -> None:
    """It may match anywhere; its groups are then at hand."""
    message = asked(b"set UNIT kg now")
    assert Regex(re.compile(b"UNIT (?P<unit>kg|lb)")).holds(message)
    assert message.match is not None
    assert message.match["unit"] == b"kg"


def test_a_regex_that_finds_nothing_changes_nothing() -> None:
    """The match of an earlier one stays."""
    earlier = re.match(b"m", b"m")
    message = asked(b"m", match=earlier)
    assert not Regex(re.compile(b"x")).holds(message)
    assert message.match is earlier
