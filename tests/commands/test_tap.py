"""Options, their defaults, and what is said of bad ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import twisted.internet
from twisted.internet.testing import MemoryReactorClock

from sockreply.commands.tap import Options, makeService
from sockreply.daemon.daemon import Daemon
from sockreply.errors import CannotStart, ConfigError
from sockreply.framing import Chunk, Length, Line
from sockreply.replies import Echo, Responder
from sockreply.server import Limits
from sockreply.settings import ListenerSettings, LogSettings, Settings


def parse(*words: str) -> Settings:
    """The settings that options ask for."""
    options = Options()
    options.parseOptions(words)
    return options.settings()


def answer(responder: Responder) -> object:
    """What a responder says to a message."""
    session: Any = None
    return responder.respond(b"message", session)


def shout(message: bytes, _: object) -> bytes:
    """A responder, to be loaded by its name."""
    return message.upper()


def test_defaults() -> None:
    """Without options it is the textbook server."""
    settings = parse()
    service = settings.services["default"]
    assert service.listen == (ListenerSettings("tcp:12345:interface=127.0.0.1"),)
    assert service.framing == Chunk()
    assert answer(service.responder) == "서버로부터 응답 메시지입니다.".encode()
    assert service.greeting is None
    assert not service.keep_alive
    assert service.limits == Limits()
    assert not service.max_connections_asked
    assert settings.log == LogSettings(level="info", json=None)


@pytest.mark.parametrize(
    ("words", "listen"),
    [
        (["-p", "80"], ("tcp:80:interface=127.0.0.1",)),
        (["--port=0"], ("tcp:0:interface=127.0.0.1",)),
        (["--port", "65535"], ("tcp:65535:interface=127.0.0.1",)),
        (["--interface", "0.0.0.0"], ("tcp:12345:interface=0.0.0.0",)),
        (["--interface", "::1", "-p", "1"], (r"tcp:1:interface=\:\:1",)),
        (["--listen", "tcp:1"], ("tcp:1",)),
        (["--listen=tcp:7-7", "--listen", "unix:/1-2"], ("tcp:7", "unix:/1-2")),
        (["-p", "7-8"], ("tcp:7:interface=127.0.0.1", "tcp:8:interface=127.0.0.1")),
        (["--listen", "tcp:1", "--listen=unix:/x"], ("tcp:1", "unix:/x")),
    ],
)
def test_where_to_listen(words: list[str], listen: tuple[str, ...]) -> None:
    """A port and an interface, or endpoint strings, in their order."""
    listeners = parse(*words).services["default"].listen
    assert tuple(each.endpoint for each in listeners) == listen


@pytest.mark.parametrize(
    ("words", "framing"),
    [
        (["-f", "line"], Line()),
        (["--framing=line:ending=crlf"], Line(ending=b"\r\n")),
        (["--framing", "length:bytes=2"], Length(octets=2)),
    ],
)
def test_framing(words: list[str], framing: object) -> None:
    """A framing is told in the notation."""
    assert parse(*words).services["default"].framing == framing


def test_installed_framing(install: Callable[..., None]) -> None:
    """One that an installed distribution names is an option's, too; what fails is the option's."""
    install("sockreply.framings", stop="tests.framing.stand_ins:Stop", gone="gone:make")
    for name in ("stop", "tests.framing.stand_ins:Stop"):
        framing = parse("--framing", f"{name}:word=END").services["default"].framing
        assert framing.frame(b"x") == b"xEND"
    for spec, why in (
        ("gone", "framing gone: ModuleNotFoundError: No module named 'gone'"),
        ("no_such:Stop", "framing no_such:Stop: ModuleNotFoundError: No module named 'no_such'"),
        ("stops", "unknown framing 'stops'; known: chunk, .*, eof, gone, stop"),
    ):
        with pytest.raises(CannotStart, match=f"^--framing: {why}"):
            parse("--framing", spec)


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (["--reply", "hello"], b"hello"),
        (["--reply", ""], b""),
        (["--reply", "안녕"], "안녕".encode()),
        (["--reply", r"a\r\n\t\0\\\x1b"], b"a\r\n\t\0\\\x1b"),
        (["--echo"], b"message"),
        (["--responder", "tests.commands.test_tap:shout"], b"MESSAGE"),
    ],
)
def test_who_answers(words: list[str], reply: bytes) -> None:
    """A text that knows escapes, echo, or code."""
    assert answer(parse(*words).services["default"].responder) == reply


@pytest.mark.parametrize("text", [r"READY\r\n", ""])
def test_greeting(text: str) -> None:
    """A greeting knows escapes too, and may be empty."""
    assert (
        parse("--greeting", text).services["default"].greeting
        == text.replace(r"\r\n", "\r\n").encode()
    )


@pytest.mark.parametrize("word", ["-k", "--keep-alive"])
def test_keep_alive(word: str) -> None:
    """Keep-alive is a flag."""
    assert parse(word).services["default"].keep_alive is True


@pytest.mark.parametrize(
    ("word", "limits"),
    [
        ("--idle-timeout=0.5", Limits(idle_timeout=0.5)),
        ("--idle-timeout=0", Limits(idle_timeout=0)),
        ("--drain-timeout=1e3", Limits(drain_timeout=1000)),
        ("--drain-delay=3", Limits(drain_delay=3)),
        ("--max-message=1", Limits(max_message=1)),
        ("--max-connections=7", Limits(max_connections=7)),
    ],
)
def test_limits(word: str, limits: Limits) -> None:
    """Limits are numbers."""
    assert parse(word).services["default"].limits == limits


def test_max_connections_asked() -> None:
    """A number of connections that is asked for is told apart from the same as a default."""
    assert parse("--max-connections=10000").services["default"].max_connections_asked


@pytest.mark.parametrize("level", ["debug", "info", "warn"])
def test_log_level(level: str) -> None:
    """There are three levels."""
    assert parse("--log-level", level).log.level == level


def test_json_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A JSON log's path is absolute before twistd changes the directory; `-` stays."""
    monkeypatch.chdir(tmp_path)
    assert parse("--json-log=log.json").log.json == str(tmp_path / "log.json")
    assert parse("--json-log=/var/log/x").log.json == "/var/log/x"
    assert parse("--json-log=-").log.json == "-"


def test_ready_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its path is absolute, too, with a file and without."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.toml").write_text('[services.s]\nlisten = "tcp:0"\notherwise = "x"\n')
    assert parse("--ready-file=ready").ready_file == str(tmp_path / "ready")
    settings = parse("--config=x.toml", "--ready-file=ready")
    assert settings.ready_file == str(tmp_path / "ready")


NUMBERS = ["x", "", "-1", "1.5", "0x10", "1_000", " 1", "\u0661", "9" * 30]
SECONDS = ["x", "", "-1", "nan", "inf", "1e999"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("port", value) for value in [*NUMBERS, "65536"]),
        *(("port", value) for value in ["9-7", "0-7", "1-65536", "1-", "1-2-3", "a-b", "1-x"]),
        *(("max-connections", value) for value in [*NUMBERS, "0"]),
        *(("max-message", value) for value in [*NUMBERS, "0"]),
        *(("idle-timeout", value) for value in SECONDS),
        *(("drain-timeout", value) for value in SECONDS),
        *(("drain-delay", value) for value in SECONDS),
        ("interface", ""),
        ("log-level", "error"),
        ("log-level", ""),
        ("framing", "nonsense"),
        ("framing", "line:x=1"),
        ("framing", ""),
        ("reply", "\\"),
        ("reply", r"\q"),
        ("greeting", r"\x1"),
        ("responder", "no.such.module:x"),
        ("responder", "tests.commands.test_tap:nothing"),
        ("responder", "tests.commands.test_tap:NUMBERS"),
        ("responder", "nonsense"),
        ("responder", ""),
        ("responder", "tests.commands.test_tap:"),
    ],
)
def test_bad_values(option: str, value: str) -> None:
    """A bad value is one line that names the option."""
    with pytest.raises(CannotStart) as caught:
        parse(f"--{option}={value}")
    line = str(caught.value)
    assert option in line
    assert "\n" not in line
    assert line.isprintable()


def test_bad_range() -> None:
    """A range of ports that cannot be is one line that names the endpoint."""
    with pytest.raises(CannotStart, match=r"^endpoint tcp:9-7: the range 9-7 runs backwards"):
        parse("--listen=tcp:9-7")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--listen=tcp:1", "--port=1"], ["--listen", "--port"]),
        (["--listen=tcp:1", "--interface=::"], ["--listen", "--interface"]),
        (["--reply=x", "--echo"], ["--reply", "--echo"]),
        (["--reply=", "--echo"], ["--reply", "--echo"]),
        (["--echo", "--responder=tests.commands.test_tap:shout"], ["--echo", "--responder"]),
        (["--reply=x", "--responder=tests.commands.test_tap:shout"], ["--reply", "--responder"]),
        (["--config=x.toml", "--listen=tcp:0"], ["--config", "--listen"]),
        (["--config=x.toml", "--echo"], ["--config", "--echo"]),
        (["--config=x.toml", "--framing=line"], ["--config", "--framing"]),
        (["--config=x.toml", "--idle-timeout=5"], ["--config", "--idle-timeout"]),
    ],
)
def test_exclusions(words: list[str], said: list[str]) -> None:
    """Options that cannot be combined are both named."""
    with pytest.raises(CannotStart) as caught:
        parse(*words)
    assert all(name in str(caught.value) for name in said)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["--framing=fixed:size=70000"],
            "--framing: fixed:size=70000 needs more than --max-message 65536 allows",
        ),
        (
            ["--framing=length:bytes=2,offset=7,strip=no", "--max-message=8"],
            "--framing: length:bytes=2,offset=7,strip=no needs more than --max-message 8 allows",
        ),
        (
            ["--framing=length:bytes=1", "--reply", "x" * 300],
            "--reply: 300 bytes, but the length field can only hold 0 to 255",
        ),
        (
            ["--framing=length:digits=1"],
            "--reply: 42 bytes, but the length field can only hold 0 to 9",
        ),
        (
            ["--framing=length:digits=1", "--echo", "--greeting=0123456789"],
            "--greeting: 10 bytes, but the length field can only hold 0 to 9",
        ),
        (
            ["--framing=length:bytes=1,adjust=2", "--echo", "--greeting="],
            "--greeting: 0 bytes, but the length field can only hold 2 to 257",
        ),
    ],
)
def test_what_the_framing_cannot_carry(words: list[str], line: str) -> None:
    """Whatever no connection could use is told at the start, by its option."""
    with pytest.raises(CannotStart) as caught:
        parse(*words)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    "answers", ["--echo", "--responder=tests.commands.test_tap:shout", "--reply=short"]
)
def test_replies_that_are_not_known(answers: str) -> None:
    """Only the reply that would be sent has to fit the framing."""
    assert parse("--framing=length:digits=1", answers).services["default"].framing == Length(
        digits=1
    )


@pytest.mark.parametrize("words", [["--nonsense"], ["word"], ["--port"], ["--echo=1"], ["-x"]])
def test_wrong_usage(words: list[str]) -> None:
    """What is no option is one line that names it and says where the options are."""
    with pytest.raises(CannotStart, match="--help") as caught:
        parse(*words)
    assert "\n" not in str(caught.value)
    assert words[0].strip("-").partition("=")[0] in str(caught.value)


@pytest.mark.parametrize(
    ("parent", "possible"), [({"nodaemon": 1}, True), ({"nodaemon": 0}, False)]
)
def test_json_log_of_a_daemon(parent: dict[str, Any], possible: bool) -> None:
    """A process that becomes a daemon has no standard output to log to."""
    options: Any = Options()
    options.parent = parent
    if possible:
        options.parseOptions(["--json-log=-"])
        assert options.settings().log.json == "-"
    else:
        options.parseOptions(["--json-log=-"])
        with pytest.raises(ConfigError, match="--json-log"):
            options.settings()


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The version is that of the installed distribution."""
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"1.2.3 of {name}")
    with pytest.raises(SystemExit) as caught:
        parse("--version")
    assert caught.value.code == 0
    assert capsys.readouterr().out == "sockreply 1.2.3 of sockreply\n"


def test_help_tells_defaults_and_lists() -> None:
    """Every option has its help, with the defaults and the framings."""
    text = str(Options())
    for told in ("[default: 12345]", "[default: 127.0.0.1]", "[default: 10000]", "netstring"):
        assert told in text
    assert "--listen" in text


def test_make_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon that the options ask for, on the process's reactor."""
    monkeypatch.setattr(twisted.internet, "reactor", MemoryReactorClock(), raising=False)
    options = Options()
    options.parseOptions(["--echo", "-f", "line"])
    daemon = makeService(options)
    assert isinstance(daemon, Daemon)
    assert isinstance(daemon.serving["default"].factory.shared.responder, Echo)


def test_service_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only the service finds out is one line too."""
    monkeypatch.setattr(twisted.internet, "reactor", MemoryReactorClock(), raising=False)
    options = Options()
    options.parseOptions(["--listen=nonsense:1"])
    with pytest.raises(CannotStart, match="endpoint nonsense:1") as caught:
        makeService(options)
    assert "\n" not in str(caught.value)
