"""Conditions that hold for a few messages only."""

from __future__ import annotations

import re

import pytest

from sockreply.rules.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Equals,
    Length,
    Mask,
    Not,
    Regex,
    StartsWith,
)
from sockreply.rules.keys import exact_keys

A = Equals(Mask.of(b"A"))
B = Equals(Mask.of(b"B"))
ANY_CASE = Equals(Mask.of(b"Ab"), True)


@pytest.mark.parametrize(
    ("condition", "as_they_are", "lowered", "enough"),
    [
        (A, {b"A"}, set(), True),
        (ANY_CASE, set(), {b"ab"}, True),
        (Equals(Mask.of(b"12"), True), {b"12"}, set(), True),
        (AnyOf([A, B, ANY_CASE]), {b"A", b"B"}, {b"ab"}, True),
        (AnyOf([A, AllOf([B, Length(1, 1)])]), {b"A", b"B"}, set(), False),
        (AllOf([A]), {b"A"}, set(), True),
        (AllOf([Length(1, 1), A]), {b"A"}, set(), False),
        (AllOf([AnyOf([A, B]), B]), {b"B"}, set(), False),
    ],
)
def test_few(
    condition: Condition, as_they_are: set[bytes], lowered: set[bytes], enough: bool
) -> None:
    """What compares the whole message, alone or among others, names the messages."""
    keys = exact_keys(condition)
    assert keys is not None
    assert set(keys.as_they_are) == as_they_are
    assert set(keys.lowered) == lowered
    assert keys.enough is enough


@pytest.mark.parametrize(
    "condition",
    [
        None,
        StartsWith(Mask.of(b"A")),
        Equals(Mask.from_hex("41 ??")),
        Regex(re.compile(b"^A$")),
        Length(1, 1),
        Not(A),
        AnyOf([A, Length(1, 1)]),
        AllOf([Length(1, 1), Not(A)]),
        AllOf([]),
    ],
    ids=str,
)
def test_many(condition: Condition | None) -> None:
    """Everything else holds for more messages than can be listed."""
    assert exact_keys(condition) is None
