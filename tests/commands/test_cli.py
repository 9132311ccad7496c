"""The `sockreply` command: what it understands, and what it says when it does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sockreply.commands.cli import Options, main
from sockreply.commands.send import SendOptions


def parse(*words: str) -> SendOptions:
    """The options of `sockreply send`."""
    options = Options()
    options.parseOptions(["send", *words])
    assert isinstance(options.subOptions, SendOptions)
    return options.subOptions


def test_send_has_the_daemons_defaults() -> None:
    """Nothing said is the textbook's address, and chunk."""
    options = parse("hello")
    assert options.endpoint == "tcp:127.0.0.1:12345"
    assert options["framing"] == "chunk"
    assert options.messages == [b"hello"]


@pytest.mark.parametrize(
    ("words", "endpoint"),
    [
        (("--host", "::1", "-p", "7"), r"tcp:\:\:1:7"),
        (("--to", "unix:/run/x.sock"), "unix:/run/x.sock"),
    ],
)
def test_send_goes_where_it_is_told(words: tuple[str, ...], endpoint: str) -> None:
    """Hosts are quoted into an endpoint string; one that is given is taken as it is."""
    assert parse(*words).endpoint == endpoint


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "which command?"),
        (("explode",), "Unknown command: explode"),
        (("send", "--bogus"), "option --bogus not recognized"),
        (("send", "--port", "0"), "--port: '0' is not a whole number from 1 to 65535"),
        (("send", "--port", "1", "--to", "tcp:h:2"), "--to excludes --host and --port"),
        (("send", "--framing", "morse"), "--framing: unknown framing 'morse'"),
        (("send", "--timeout", "soon"), "--timeout: 'soon' is not a number of seconds"),
        (("send", "--hex", "0g"), "'0g' is not hexadecimal"),
        (("send", "-f", "line", "one\ntwo"), r"'one\ntwo' is no message of framing line ("),
        (("send", "-f", "fixed:size=1", "--hex", "0aff"), "'0aff' is no message of framing fixed"),
        (
            ("send", "-f", "length:digits=1", "0123456789"),
            "'0123456789' is no message of framing length:digits=1: 10 bytes, where ",
        ),
        (("send", "-f", "line", "long\n" * 50), r"'long\nlong"),
        (("send", "-f", "eof", "one", "two"), "eof carries one message a connection"),
        (("serve", "--framing", "morse"), "--framing: unknown framing 'morse'"),
        (("serve", "surplus"), "'surplus' is not an option"),
        (("explain", "FILE", "--bogus", "x"), "option --bogus not recognized"),
        (("explain", "FILE"), "Wrong number of arguments"),
        (("explain", "FILE", "two", "words"), "Wrong number of arguments"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    """What cannot be understood is named, on standard error."""
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"sockreply: {says}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("-f", "stop", "a STOP b"), "'a STOP b' is no message of framing stop ("),
        (("-f", "gone", "x"), "--framing: framing gone: ModuleNotFoundError: No module named"),
        (("-f", "leave", "x"), "--framing: framing leave: SystemExit: 3 ("),
        (("-f", "none", "x"), "--framing: framing none: None is not a framing"),
        (("-f", "stops", "x"), "--framing: unknown framing 'stops'; known: chunk, line, "),
    ],
)
def test_what_send_says_of_installed_framings(
    install: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    says: str,
) -> None:
    """What one cannot carry, and what is wrong with it, is one line as with ours."""
    names = {"stop": "Stop", "leave": "leave", "none": "none"}
    points = {name: f"tests.framing.stand_ins:{value}" for name, value in names.items()}
    install("sockreply.framings", gone="gone:make", **points)
    assert parse("-f", "stop", "HOME SAFE ").messages == [b"HOME SAFE "]
    test_wrong_usage_is_one_line_and_status_2(capsys, ("send", *words), says)


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        (["--help"], "sockreply COMMAND [options]"),
        (["-h"], "sockreply COMMAND [options]"),
        (["send", "--help"], "sockreply send [options] [MESSAGE ...]"),
        (["send", "-h"], "sockreply send [options] [MESSAGE ...]"),
        (["serve", "--help"], "sockreply serve [options]"),
        (["explain", "--help"], "sockreply explain FILE [options] MESSAGE"),
    ],
)
def test_help_begins_with_how_to_call_it(
    capsys: pytest.CaptureFixture[str], words: list[str], usage: str
) -> None:
    """The program's name, the command's, and what follows."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert not ended.value.code
    assert capsys.readouterr().out.splitlines()[0] == f"Usage: {usage}"


def test_what_follows_a_message_is_a_message() -> None:
    """Also when it begins with a dash."""
    assert parse("one", "--hex").messages == [b"one", b"--hex"]


@pytest.mark.parametrize(
    "words",
    [
        ["--hex", "--service", "s", "FILE", "41"],
        ["FILE", "--service", "s", "--hex", "41"],
        ["FILE", "41", "--hex", "--service=s"],
    ],
)
def test_explain_takes_options_anywhere(words: list[str]) -> None:
    """Before FILE, between it and MESSAGE, and behind both."""
    options = Options()
    options.parseOptions(["explain", *words])
    explain = options.subOptions
    assert (explain.file, explain.message, explain["service"]) == ("FILE", b"A", "s")


@pytest.mark.parametrize("words", [["FILE", "-1"], ["FILE", "--", "-1"], ["--", "FILE", "-1"]])
def test_explain_of_a_message_with_a_dash(words: list[str]) -> None:
    """What is no option is the message."""
    options = Options()
    options.parseOptions(["explain", *words])
    assert options.subOptions.message == b"-1"


@pytest.mark.parametrize("words", [["--version"], ["send", "--version"], ["serve", "--version"]])
def test_version_is_told(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """Each command tells the version of sockreply, not of Twisted."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert not ended.value.code
    assert capsys.readouterr().out.startswith("sockreply ")
