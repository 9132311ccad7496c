"""Code from elsewhere: how it is found and called, and what is said when it fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sockreply.errors import CannotFrame, ConfigError
from sockreply.extensions import crashes_of, failures_of, installed, made_by

GROUP = "sockreply.tests"


def keys(**values: str) -> dict[str, str]:
    """What an entry point makes here: the keys that it is called with."""
    return values


def test_installed(install: Callable[..., None]) -> None:
    """Entry points are found by their names, those of the group only."""
    install(GROUP, one="tests.test_extensions:keys", other="gone:make")
    points = installed(GROUP)
    assert sorted(points) == ["one", "other"]
    assert points["one"].load() is keys
    assert installed("sockreply.nothing") == {}


def test_made_by(install: Callable[..., None]) -> None:
    """A callable is called with the keys as text, their escapes undone."""
    install(GROUP, one="tests.test_extensions:keys")
    point = installed(GROUP)["one"]
    assert made_by(point.load(), {}) == {}
    assert made_by(point.load(), {"a": r"\,\x41", "b": "끝"}) == {"a": ",A", "b": "끝"}


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ConfigError("a is given twice"), "thing: a is given twice"),
        (KeyError("k"), "thing: KeyError: 'k' (tests/test_extensions.py, line N)"),
        (OSError("two\n lines"), "thing: OSError: two lines (tests/test_extensions.py, line N)"),
        (AssertionError(), "thing: AssertionError (tests/test_extensions.py, line N)"),
        (SystemExit(3), "thing: SystemExit: 3 (tests/test_extensions.py, line N)"),
    ],
)
def test_failures_of(monkeypatch: pytest.MonkeyPatch, error: BaseException, line: str) -> None:
    """Whatever goes wrong is one line that says what failed, and where."""
    monkeypatch.chdir(Path(__file__).parents[1])
    with pytest.raises(ConfigError) as caught, failures_of("thing"):
        raise error
    assert re.sub(r"line \d+", "line N", str(caught.value)) == line


@pytest.mark.parametrize("error", [ConfigError("fixed: too big"), CannotFrame(9, 0, 1)])
def test_errors_of_ours_are_no_crashes(error: Exception) -> None:
    """They stay what they are."""
    with pytest.raises(type(error)) as caught, crashes_of("thing"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize("error", [KeyError("k"), SystemExit(3)])
def test_crashes_of(error: BaseException) -> None:
    """All else is one line that says what crashed, and where."""
    where = r"^thing: \w+: .* \(.*test_extensions.py, line"
    with pytest.raises(ConfigError, match=where), crashes_of("thing"):
        raise error


def test_what_is_not_a_failure() -> None:
    """An interrupt stays one."""
    with pytest.raises(KeyboardInterrupt), failures_of("thing"):
        raise KeyboardInterrupt
