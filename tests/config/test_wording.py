"""How errors name what stands in a configuration, and where."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from sockreply.config.wording import Foreign, excerpt, found, place, shown_number


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "true"),
        (5, "number 5"),
        (-0.5, "number -0.5"),
        (10**30, "number a number that large"),
        ("a\nb", r"text 'a\nb'"),
        ({}, "a table"),
        ([], "a list"),
        (date(2026, 1, 1), "a date"),
        (datetime(2026, 1, 1, tzinfo=UTC), "a date"),
        (time(1), "a time"),
        (None, "null"),
        (b"", "a value of type bytes"),
        (Foreign("something else"), "something else"),
    ],
    ids=repr,
)
def test_found(value: object, words: str) -> None:
    """A value is named in the words of TOML, or by its type."""
    assert found(value) == words


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ((), ""),
        (("services", "scale", "rules"), "services.scale.rules"),
        (("reply", 2, "hex"), "reply[2].hex"),
        (("a b", "c.d", ""), "'a b'.'c.d'.''"),
        (("x" * 60,), "x" * 60),
        (("x" * 61,), f"'{'x' * 60}'..."),
    ],
)
def test_place(keys: tuple[str | int, ...], shown: str) -> None:
    """A place is written as TOML writes a dotted key; unusual keys are quoted."""
    assert place(keys) == shown


def test_excerpt() -> None:
    """The beginning of a long text is enough to find it by."""
    assert excerpt("x" * 60) == f"'{'x' * 60}'"
    assert excerpt("x" * 61) == f"'{'x' * 60}'..."


def test_huge_numbers() -> None:
    """Python refuses to write numbers of thousands of digits, so they are not written."""
    assert shown_number(10**18 - 1) == "999999999999999999"
    assert shown_number(10**5000) == "a number that large"
    assert shown_number(-(10**5000)) == "a number that small"
    assert shown_number(1e300) == "1e+300"
