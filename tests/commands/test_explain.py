"""`sockreply explain`: its options, and which rule of a file answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockreply.commands import explain
from sockreply.commands.explain import Options, run, subject_of
from sockreply.errors import BadFile, ConfigError
from sockreply.rules.explaining.explain import Explanation
from tests.commands.test_check import of_responder


def parse(*words: str) -> Options:
    """The options of `sockreply explain`."""
    options = Options()
    options.parseOptions(words)
    return options


def explained(path: str, message: bytes, **options: str) -> Explanation:
    """The explanation of a message to a service of a file."""
    return explain.explained(subject_of(path, **options), message)


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


def test_the_framing_of_a_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A message is explained as it would come in the state, and so are bytes."""
    path = tmp_path / "x.toml"
    path.write_text(
        r"""
        [services.s]
        listen = "tcp:0"
        keep_alive = true
        framing = "line"
        rules = [
            { state = "start", when.equals = "go", next_state = "in", reply = "went" },
            { state = "in", when.equals = "a\nb", next_state = "start", reply = "ok" },
        ]
        states.in.framing = "delimited:end=;"
    """
    )
    assert run(parse(str(path), "--state", "in", "--hex", "610a62")) == 0
    assert "send 'ok', on the wire 'ok;'" in capsys.readouterr().out
    assert run(parse(str(path), "--state", "in", "a;b")) == 1
    assert "note: framing delimited hands out no such message" in capsys.readouterr().out
    assert run(parse(str(path), "a;b")) == 1
    assert "note" not in capsys.readouterr().out
    assert run(parse(str(path), "--wire", "--hex", "676f0a 610a623b 676f0a")) == 0
    assert run(parse(str(path), "--wire", "--state", "in", "--hex", "610a623b 676f0a")) == 0
    assert run(parse(str(path), "--wire", "--hex", "610a623b")) == 1


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
        (
            {"service": "two", "state": "in"},
            "--state: services.two: code answers, which has no states",
        ),
        ({"service": "one", "state": "out"}, "--state: 'out' is not one of start, in"),
        ({"service": "one", "peer": "home"}, "--peer: 'home' is not an IP address"),
        *(
            (
                {"service": "one", "local": local},
                f"--local: '{local}' is not HOST:PORT, for example 127.0.0.1:12345 or [::1]:12345",
            )
            for local in (
                "",
                "5901",
                "127.0.0.1",
                "127.0.0.1:",
                "::1:5901",
                "[127.0.0.1]:1",
                "127.0.0.1:65536",
            )
        ),
    ],
)
def test_what_cannot_be_explained(two: str, options: dict[str, str], problem: str) -> None:
    """One line says what would be right."""
    with pytest.raises(ConfigError) as caught:
        explained(two, b"7", **options)
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("listen", "options", "shown"),
    [
        ("tcp:5901", [], "127.0.0.1:5901, 127.0.0.1, 5901"),
        ("tcp6:5901", [], "[::1]:5901, ::1, 5901"),
        ("tcp:5901:interface=192.0.2.7", [], "192.0.2.7:5901, 192.0.2.7, 5901"),
        ("tcp:5901:interface=somewhere", [], "127.0.0.1:5901, 127.0.0.1, 5901"),
        ("unix:x.sock", [], "unix, , "),
        ("systemd:domain=INET:index=0", [], "127.0.0.1:0, 127.0.0.1, 0"),
        ("tcp:5901", ["--local", "192.0.2.7:5999"], "192.0.2.7:5999, 192.0.2.7, 5999"),
        ("tcp:5901", ["--local", "[fe80::1]:1"], "[fe80::1]:1, fe80::1, 1"),
    ],
)
def test_what_the_client_connected_to(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    listen: str,
    options: list[str],
    shown: str,
) -> None:
    """Templates know it; it is the first listener, unless an option says something else."""
    file = tmp_path / "x.toml"
    file.write_text(
        f'[services.s]\nlisten = ["{listen}", "tcp:1"]\n'
        'rules = [{ reply = { template = "{{ local }}, {{ local.host }}, {{ local.port }}" } }]\n'
    )
    assert run(parse(str(file), "x", *options)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"  send '{shown}'"


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


@pytest.mark.parametrize(
    ("words", "status", "last"),
    [
        (
            (r"in\r\n",),
            1,
            r"note: \r is taken literally; $'...' in a shell, or --hex, writes",
        ),
        (("--wire", r"in\x0a"), 1, r"note: \x0a is taken literally; "),
        (("--hex", "5c6e"), 1, "silence"),
        (("in",), 0, "  send 'yes'"),
        (("in\r",), 1, "note: framing line hands out no such message; --wire says what it makes "),
        (("--wire", "in\r\n"), 0, "    send 'yes'"),
        (("--wire", "--hex", "696e0d0a"), 0, "    send 'yes'"),
        (("--wire", "in\r"), 1, "  no LF yet; after message_timeout (10 s) "),
    ],
)
def test_what_is_said_of_how_a_message_is_written(
    two: str, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], status: int, last: str
) -> None:
    """An escape that is not read, and a message that can never come, are said to be so."""
    assert run(parse(two, "--service", "one", *words)) == status
    assert capsys.readouterr().out.splitlines()[-1].startswith(last)


def test_a_message_that_cannot_be_framed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It cannot come either."""
    path = tmp_path / "x.toml"
    path.write_text(
        '[services.s]\nlisten = "tcp:0"\nframing = "length:digits=1"\n'
        'rules = [{ when = { equals = "x" }, reply = "y" }]\n'
    )
    assert run(parse(str(path), "0123456789")) == 1
    assert "note: framing length hands out no such message" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        ([], "clear"),
        (["--tls"], "inside"),
        (["--sni", "a.example"], "named"),
        (["--subject", "CN=device"], "known"),
    ],
)
def test_tls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], answers: str
) -> None:
    """Rules that ask for TLS can be tried as well."""
    file = tmp_path / "tls.toml"
    file.write_text(
        "[services.s]\nlisten = 'tcp:0'\nrules = [\n"
        "{ name = 'known', when = { tls = { subject = 'CN=*' } }, reply = 'x' },\n"
        "{ name = 'named', when = { tls = { sni = '*.example' } }, reply = 'x' },\n"
        "{ name = 'inside', when = { tls = true }, reply = 'x' },\n"
        "{ name = 'clear', reply = { template = '{{ tls }}' } } ]\n"
    )
    options = Options()
    options.parseOptions([str(file), *words, "hello"])
    assert run(options) == 0
    assert f"{answers}: answers" in capsys.readouterr().out
