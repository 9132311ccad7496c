"""The list of what is wrong."""

from __future__ import annotations

import pytest

from sockreply.config.problems import Problems
from sockreply.errors import ConfigError


def test_places_stand_within_each_other() -> None:
    """An error is collected with the places around it, and what follows goes on."""
    problems = Problems()
    with problems.at("services", "s"):
        with problems.at("reply", 1):
            raise ConfigError("first")
        problems.add("second", "listen")
        assert problems.keys() == ("services", "s")
    assert problems.keys() == ()
    assert problems.lines() == ("services.s.reply[1]: first", "services.s.listen: second")


def test_other_errors_pass() -> None:
    """Only what the operator wrote is collected; the place is left all the same."""
    problems = Problems()
    with pytest.raises(ZeroDivisionError), problems.at("a"):
        raise ZeroDivisionError
    assert problems.keys() == ()
    assert problems.lines() == ()


def test_here() -> None:
    """A place is wrong if something in it is, or below it."""
    problems = Problems()
    problems.add("x", "a", "b")
    assert problems.here()
    assert problems.here("a")
    assert problems.here("a", "b")
    assert not problems.here("b")
    with problems.at("a"):
        assert problems.here("b")
        assert not problems.here("c")


def test_each() -> None:
    """The entries of a list have numbers; a single value has the place that it stands in."""
    problems = Problems()
    for written in (["x", "y"], "z"):
        for at, entry in problems.each(written):
            with at:
                raise ConfigError(entry)
    assert problems.lines() == ("[1]: x", "[2]: y", "z")


def test_lines() -> None:
    """Each problem is one line, shown once, and not longer than a screen."""
    problems = Problems()
    for _ in range(2):
        problems.add("two\n  lines\x1b")
    problems.add("x" * 501)
    assert problems.lines() == (r"two lines\x1b", f"{'x' * 500}...")
