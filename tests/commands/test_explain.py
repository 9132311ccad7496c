"""`sockreply explain`: its options, and which rule of a file answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockreply.commands.explain import Options, explained, run
from sockreply.errors import BadFile, ConfigError
from tests.commands.test_check import of_responder


def parse(*words: str) -> Options:
    """The options of `sockreply explain`."""
    options = Options()
    options.parseOptions(words)
    return options


@pytest.mark.parametrize(
    "words",
    [
        ["--hex", "--service", "s", "FILE", "41"],
        ["FILE", "--service", "s", "--hex", "41"],
        ["FILE", "41", "--hex", "--service=s"],
    ],
)
def test_explain_takes_options_anywhere(words: list[str]) -> None:
    """Before FILE, between it and MESSAGE, and after both."""
    options = parse(*words)
    assert (options.file, options.message, options["service"]) == ("FILE", b"A", "s")


@pytest.mark.parametrize("words", [["FILE", "-1"], ["FILE", "--", "-1"], ["--", "FILE", "-1"]])
def test_explain_of_a_message_with_a_dash(words: list[str]) -> None:
    """What is not an option is the message."""
    assert parse(*words).message == b"-1"


def test_exit_status_is_whether_a_rule_answers(
    two: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The explanation is printed, and the status is 0 only if a rule answers for certain."""
    assert run(parse(two, "--service", "one", "in")) == 0
    assert capsys.readouterr().out.startswith("in: ")
    assert run(parse(two, "--service", "one", "out")) == 1
    assert capsys.readouterr().out.startswith("in: does not match")


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
        ({"service": "one", "peer": "home"}, "--peer: 'home' is not an IP address"),
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


def test_a_responder_that_explains_itself(tmp_path: Path) -> None:
    """Code may explain its answers, as rules do, and has states of its own."""
    path = str(of_responder(tmp_path, "Talker"))
    assert list(explained(path, b"x", state="awake").lines()) == ["echo:", "  b'x'"]
    with pytest.raises(ConfigError, match="--state: 'asleep' is not one of awake"):
        explained(path, b"x", state="asleep")


def test_a_responder_that_cannot_explain_itself(tmp_path: Path) -> None:
    """It is one line that names the place."""
    with pytest.raises(ConfigError, match=r"^responder: explain: LookupError: no reason "):
        explained(str(of_responder(tmp_path, "Broken")), b"x")
