"""`sockreply check`: what is said of a file without running it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sockreply.commands.check import Options, check, run
from sockreply.errors import ConfigError
from tests.end_to_end.certificates import DAY, make_certificate


def test_what_is_set_up(two: str) -> None:
    """Each service with its listeners and rules, and the outlets."""
    lines, good = check(two)
    assert good
    assert lines == [
        "service one: framing line, keep-alive, 2 rules, greets clients",
        "  listens on tcp:0:interface=127.0.0.1",
        "  listens on unix:one.sock",
        "  rule in: equals 'In' (in any case)",
        r"  rule home: peer in 10.0.0.0/8 and regex '^\d$'",
        "  otherwise silence",
        "service two: framing chunk, one message per connection, code answers",
        "  listens on tcp:0:interface=127.0.0.1",
        "metrics on tcp:9464:interface=127.0.0.1",
        "ready file /run/ready.json",
        "JSON lines to standard output",
    ]


@pytest.mark.parametrize(
    ("more", "lines"),
    [
        ("", ["one message per connection, never answers"]),
        ("otherwise = []", ["one message per connection, never answers"]),
        ("keep_alive = true\ngreeting = 'x'", ["keep-alive, never answers, greets clients"]),
        ("otherwise = 'x'", ["one message per connection, 0 rules", "  otherwise a reply"]),
    ],
)
def test_without_rules(tmp_path: Path, more: str, lines: list[str]) -> None:
    """A service that only listens is said to be one; nothing is missing in its file."""
    path = tmp_path / "x.toml"
    path.write_text(f"[services.s]\nlisten = 'tcp:0'\nframing = 'line'\n{more}\n")
    summary, *others = lines
    expected = [f"service s: framing line, {summary}", "  listens on tcp:0", *others]
    assert check(str(path)) == (expected, True)


def test_ranges_of_ports(tmp_path: Path) -> None:
    """A range is one line, with how many ports it has; so is the warning about it."""
    path = tmp_path / "x.toml"
    path.write_text(
        "[services.s]\notherwise = 'x'\n"
        "listen = ['tcp:5901-5999:interface=127.0.0.1', 'haproxy:tcp:6001-6002', 'tcp:7-7']\n"
    )
    lines, good = check(str(path))
    assert good
    (warning,) = (line for line in lines if "warning" in line)
    assert "haproxy:tcp:6001-6002 accepts PROXY headers from everybody" in warning
    assert [line for line in lines if "listens on" in line] == [
        "  listens on tcp:5901-5999:interface=127.0.0.1 (99 ports)",
        "  listens on haproxy:tcp:6001-6002 (2 ports), with PROXY headers from everybody",
        "  listens on tcp:7-7 (1 port)",
    ]


def test_framings(tmp_path: Path) -> None:
    """Which messages have which framing, and what is different in a state."""
    path = tmp_path / "x.toml"
    path.write_text(r"""
        [services.s]
        listen = "tcp:0"
        keep_alive = true
        framing = [
            { starts_with = ["^X", "^F"], framing = "delimited:end=;" },
            { framing = "line" },
        ]
        rules = [{ next_state = "two", reply = [] }]
        [services.s.states.start]
        framing = "netstring"
        [services.s.states.two]
        framing = [{ starts_with.hex = "02 ??", framing = "line" }, { framing = "fixed:size=2" }]
    """)
    lines, good = check(str(path))
    assert good
    assert lines == [
        "service s: framing delimited or line, keep-alive, 1 rule",
        "  listens on tcp:0",
        "  framing delimited:end=; for messages that begin with '^X' or '^F'",
        "  framing line for all other messages",
        "  framing netstring in state start",
        "  framing line or fixed in state two",
        "    framing line for messages that begin with 02 ??",
        "    framing fixed:size=2 for all other messages",
        "  rule rule-1: every message",
        "  otherwise silence",
    ]


def test_certificates(tmp_path: Path) -> None:
    """Of each listener, whom its certificates are for, and when they expire; and a warning."""
    pair = make_certificate(tmp_path / "a.pem", names=("localhost", "::1"), ends=400 * DAY)
    make_certificate(tmp_path / "b.pem", names=(), subject="CN=b", ends=20.5 * DAY)
    path = tmp_path / "x.toml"
    path.write_text(
        "[services.s]\notherwise = ['x', { starttls = true }]\nlisten = [\n"
        "{ endpoint = 'tcp:0', tls = { certificate = 'a.pem', sni = { 'b' = "
        "{ certificate = 'b.pem' } } } },\n"
        "{ endpoint = 'unix:x', tls = { certificate = 'a.pem', starttls = true } },\n"
        f"'ssl:0:{pair}' ]\n"
    )
    lines, good = check(str(path))
    assert good
    far, near = (f"{datetime.now(UTC) + days:%Y-%m-%d}" for days in (400 * DAY, 20.5 * DAY))
    place = f"{path}: warning: services.s.listen[1].tls.sni.b.certificate"
    assert lines == [
        f"{place}: b.pem expires in 20 days, on {near}",
        "service s: framing chunk, one message per connection, 0 rules",
        "  listens on tcp:0, with TLS",
        f"    certificate: localhost, ::1; expires on {far} (a.pem)",
        f"    certificate for b: CN=b; expires on {near} (b.pem)",
        "  listens on unix:x, with STARTTLS",
        f"    certificate: localhost, ::1; expires on {far} (a.pem)",
        f"  listens on ssl:0:{pair}",
        f"    certificate: localhost, ::1; expires on {far} ({pair})",
        "  otherwise a reply",
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
    assert check(str(path))[0][0] == "service s: framing stop, one message per connection, 0 rules"
    path.write_text(text.replace("stop:word=END", "gone"))
    why = "framing gone: ModuleNotFoundError: No module named 'gone'"
    assert check(str(path)) == ([f"{path}: services.s.framing: {why}"], False)


@pytest.mark.parametrize(
    ("at", "place", "why"),
    [
        ("framer", "framing", "no framer"),
        ("frame", "otherwise", "no frame"),
    ],
)
def test_an_installed_framing_that_fails(
    tmp_path: Path, install: Callable[..., None], at: str, place: str, why: str
) -> None:
    """Whatever it raises is one line that names the place."""
    install("sockreply.framings", failing="tests.framing.stand_ins:Failing")
    path = tmp_path / "x.toml"
    path.write_text(
        f'[services.s]\nlisten = "tcp:0"\nframing = "failing:at={at}"\notherwise = "x"\n'
    )
    ([line], good) = check(str(path))
    assert not good
    assert line.startswith(f"{path}: services.s.{place}: framing failing: LookupError: {why} (")


def test_each_line_is_a_line(tmp_path: Path) -> None:
    """Whatever a file is called."""
    path = tmp_path / "a\nb.toml"
    path.write_text("colour = 1\n")
    lines, good = check(str(path))
    assert not good
    assert len(lines) == 2
    assert not any("\n" in line for line in lines)


def test_exit_status_is_the_verdict(
    two: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lines are printed, and the status is 0 only if the file can be used."""
    options = Options()
    options.parseOptions([two])
    assert run(options) == 0
    assert capsys.readouterr().out.startswith("service one: framing line, ")
    path = tmp_path / "wrong.toml"
    path.write_text("colour = 1\n")
    options.parseOptions([str(path)])
    assert run(options) == 1
    assert capsys.readouterr().out.startswith(f"{path}: colour: unknown key; ")


def of_responder(directory: Path, name: str) -> Path:
    """A file whose service is answered by one of `stand_ins`."""
    path = directory / "x.toml"
    responder = f"tests.commands.stand_ins:{name}"
    path.write_text(f'[services.s]\nlisten = "tcp:0"\nresponder = "{responder}"\n')
    return path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Talker", ["an echo", "  listens on tcp:0", "  it repeats what it is told"]),
        ("Mute", ["code answers", "  listens on tcp:0"]),
    ],
)
def test_what_a_responder_says_of_itself(tmp_path: Path, name: str, said: list[str]) -> None:
    """Code may describe itself, as rules do."""
    lines, good = check(str(of_responder(tmp_path, name)))
    assert good
    assert lines == [f"service s: framing chunk, one message per connection, {said[0]}", *said[1:]]


def test_a_responder_that_cannot_describe_itself(tmp_path: Path) -> None:
    """It is one line that names the place."""
    with pytest.raises(ConfigError, match=r"^responder: describe: LookupError: no words "):
        check(str(of_responder(tmp_path, "Broken")))


@pytest.mark.parametrize(
    ("listen", "allow", "shown"),
    [
        ('{ endpoint = "tcp:1", proxy_from = ["10.0.0.0/8", "::1"] }', "", "10.0.0.0/8, ::1/128"),
        ('{ endpoint = "unix:a", proxy_from = "unix" }', "", "unix"),
        ('"haproxy:tcp:1"', 'allow = "10.0.0.0/8"', "10.0.0.0/8"),
        ('"haproxy:tcp:1"', "allow = []", "nobody"),
        ('"haproxy:unix:a"', 'allow = "10.0.0.0/8"', "10.0.0.0/8, unix"),
        ('"haproxy:unix:a"', "", "unix"),
        ('"haproxy:tcp:1"', "", "everybody"),
    ],
)
def test_proxies(tmp_path: Path, listen: str, allow: str, shown: str) -> None:
    """A listener that reads PROXY headers is shown with the proxies that it believes.

    It is a warning that it believes everybody.
    """
    path = tmp_path / "x.toml"
    path.write_text(f'[services.s]\nlisten = {listen}\n{allow}\notherwise = "x"\n')
    lines, good = check(str(path))
    assert good
    endpoint = lines[-2].removeprefix("  listens on ").partition(",")[0]
    assert lines[-2] == f"  listens on {endpoint}, with PROXY headers from {shown}"
    warned = f"{path}: warning: services.s.listen: haproxy:tcp:1 accepts PROXY headers "
    assert [line.startswith(warned) for line in lines[:-3]] == [True] * (shown == "everybody")
