"""What is said of a file without running it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sockreply.commands.inspection import check, explained
from sockreply.errors import BadFile, ConfigError

TWO = """
[log]
json = "-"
[metrics]
listen = "tcp:9464"
[services.one]
listen = ["tcp:0:interface=127.0.0.1", "unix:one.sock"]
framing = "line"
keep_alive = true
greeting = "hello"
max_message = 9
rules = [
  { name = "in", when = { equals = "In", ignore_case = true }, next_state = "in", reply = "yes" },
  { name = "home", state = "in", when = { peer = "10.0.0.0/8", regex = '^\\d$' }, reply = "no" },
]
[services.two]
listen = "tcp:0:interface=127.0.0.1"
responder = "tests.end_to_end.responders:upper"
"""


@pytest.fixture
def two(tmp_path: Path) -> str:
    """A file with two services."""
    path = tmp_path / "two.toml"
    path.write_text(TWO.replace("tests.end_to_end.responders:upper", "operator:add"))
    return str(path)


def test_what_is_set_up(two: str) -> None:
    """Each service with its listeners and rules, and the outlets."""
    lines, good = check(two)
    assert good
    assert lines == [
        "service one: framing line, keep-alive, 2 rules, greets who connects",
        "  listens on tcp:0:interface=127.0.0.1",
        "  listens on unix:one.sock",
        "  rule in: equals 'In' (in any case)",
        r"  rule home: peer in 10.0.0.0/8 and regex '^\d$'",
        "  otherwise silence",
        "service two: framing chunk, one message a connection, code answers",
        "  listens on tcp:0:interface=127.0.0.1",
        "metrics on tcp:9464:interface=127.0.0.1",
        "JSON lines to standard output",
    ]


def test_nothing_is_otherwise_behind_a_rule_for_everything(tmp_path: Path) -> None:
    """Where a rule takes every message, nothing is said of what happens otherwise."""
    path = tmp_path / "x.toml"
    path.write_text('[services.s]\nlisten = "tcp:0"\nrules = [{ reply = "x" }]\n')
    assert check(str(path))[0][-1] == "  rule rule-1: every message"


def test_installed_framing(tmp_path: Path, install: Callable[..., None]) -> None:
    """One that a distribution names is shown by its name, or its failure as a problem."""
    install("sockreply.framings", stop="tests.framing.stand_ins:Stop", gone="gone:make")
    path = tmp_path / "x.toml"
    text = '[services.s]\nlisten = "tcp:0"\nframing = "stop:word=END"\notherwise = "x"\n'
    path.write_text(text)
    assert check(str(path))[0][0] == "service s: framing stop, one message a connection, 0 rules"
    path.write_text(text.replace("stop:word=END", "gone"))
    why = "framing gone: ModuleNotFoundError: No module named 'gone'"
    assert check(str(path)) == ([f"{path}: services.s.framing: {why}"], False)


def test_each_line_is_a_line(tmp_path: Path) -> None:
    """Whatever a file is called."""
    lines, good = check(str(tmp_path / "a\nb.toml"))
    assert not good
    assert len(lines) == 1
    assert "\n" not in lines[0]


def test_message_is_explained_as_it_was_sent(two: str) -> None:
    """Bytes are shown as they are in the message and in the file, also where case is ignored."""
    (verdict, *_) = explained(two, b"IX", service="one").lines()
    assert verdict == "in: does not match - equals: byte 1 (from 0) is 0x58 'X', not 0x6e 'n'"


def test_state_and_peer_that_are_imagined(two: str) -> None:
    """They are those that were asked for."""
    assert not explained(two, b"7", service="one", state="in").answered
    assert not explained(two, b"7", service="one", peer="10.1.2.3").answered
    assert explained(two, b"7", service="one", state="in", peer="10.1.2.3").answered
    assert not explained(two, b"7", service="one", state="in", peer="fe80::1").answered


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "--service: which one of one, two?"),
        ({"service": "three"}, "--service: 'three' is not one of one, two"),
        ({"service": "two"}, "services.two: code answers, not rules"),
        ({"service": "one", "state": "out"}, "--state: 'out' is not one of start, in"),
        ({"service": "one", "peer": "home"}, "--peer: 'home' is no IP address"),
    ],
)
def test_what_cannot_be_explained(two: str, options: dict[str, str], problem: str) -> None:
    """One line says what would be right."""
    with pytest.raises(ConfigError) as caught:
        explained(two, b"7", **options)
    assert str(caught.value) == problem


def test_message_that_is_too_long(two: str) -> None:
    """No rule would see it."""
    with pytest.raises(ConfigError, match="10 bytes, which is more than max_message = 9"):
        explained(two, b"x" * 10, service="one")


def test_file_that_is_wrong(tmp_path: Path) -> None:
    """Nothing is explained of it."""
    with pytest.raises(BadFile):
        explained(str(tmp_path / "none.toml"), b"x")
