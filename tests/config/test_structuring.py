"""Tables become dataclasses, with everything that is wrong in its place."""

from __future__ import annotations

import pytest

from sockreply.config import form, form_data
from sockreply.config.problems import Problems
from sockreply.config.structuring import structured, unknown_key


def test_what_is_right() -> None:
    """A table becomes the dataclass; a key that Python keeps for itself gets an underscore."""
    problems = Problems()
    table = {"not": {"equals": {"hex": "00"}}, "length": {"min": 2}}
    when = structured(form.When, table, problems)
    assert when == form.When(not_=form.When(equals=form_data.Hex("00")), length=form.Sizes(min=2))
    assert problems.lines() == ()


def test_what_is_wrong_is_left_out() -> None:
    """What is wrong is a problem in its place, and the rest is as if it were not there."""
    problems = Problems()
    table = {"level": "loud", "exchanges_per_second": 7, "jsno": "x"}
    assert structured(form.Log, table, problems) == form.Log(exchanges_per_second=7)
    assert problems.lines() == (
        "level: expected 'debug' or 'info' or 'warn', found text 'loud'",
        "jsno: unknown key (did you mean json?); known: level, exchanges_per_second, json, record",
    )


@pytest.mark.parametrize("table", [None, 5, [], {}, {"listen": 5}])
def test_nothing_is_left(table: object) -> None:
    """Without a key that has to be there, nothing can be made of a table."""
    problems = Problems()
    assert structured(form.Metrics, table, problems) is None
    assert len(problems.lines()) == 1


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ({}, ": expected a table with hex, base64, file, template, echo, raw, "),
        ({"hex": "00", "raw": "x"}, ": hex and raw cannot be in one table"),
        ({"close": False}, ".close: expected true or 'half', found false"),
        ({"close": 1}, ".close: expected true or 'half', found number 1"),
        ({"delay": "x"}, ".delay: expected a number of seconds from 0 to "),
        ({"delay": [1, "x"]}, ".delay[2]: expected a number of seconds from 0 to "),
    ],
    ids=repr,
)
def test_steps(step: object, problem: str) -> None:
    """Of several tables that could stand in a place, the keys tell which one is meant."""
    problems = Problems()
    structured(form.Service, {"otherwise": step}, problems)
    (only,) = problems.lines()
    assert only.startswith(f"otherwise{problem}")


def test_unknown_keys() -> None:
    """A key that is unknown is compared with those that are known, here and elsewhere."""
    assert unknown_key("x", form.Log).startswith("unknown key; known: level, ")
    assert unknown_key("keep_alive", form.Rule).startswith(
        "unknown key here; it belongs in a service, before its rules; known: name, when, "
    )
    assert "did you mean reply?" in unknown_key("replay", form.Rule)
    assert "did you mean" not in unknown_key("reply" * 10, form.Rule)
