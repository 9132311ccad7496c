"""The two ways to settings: a file and a document."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path

import pytest

from sockreply.commands.tap import Options
from sockreply.config import form, read, settings_from
from sockreply.config.form import keys_of
from sockreply.errors import BadFile, BadSettings
from sockreply.framing import Choice, Chunk, Entry, Line, Netstring, Switched
from sockreply.masks import Mask
from sockreply.replies.builtin import TEXTBOOK_REPLY
from sockreply.rules.table import RuleTable
from sockreply.settings import Limits, LogSettings, PeerLimits, Rate, Settings
from tests.config.texts import EVERYTHING, SERVICE, problems_of, settings_of, shout
from tests.rules.stand_ins import session

SHIPPED = Path(__file__).parents[2] / "etc" / "sockreply.toml"


def test_everything(tmp_path: Path) -> None:
    """Every key becomes the setting of that name."""
    settings = settings_of(EVERYTHING, tmp_path)
    assert settings.file == tmp_path / "s.toml"
    assert settings.log == LogSettings(
        level="debug", exchanges_per_second=0, json="-", record=str(tmp_path / "record.jsonl")
    )
    assert settings.metrics == "tcp:9464:interface=127.0.0.1"
    assert settings.ready_file == str(tmp_path / "ready.json")
    assert list(settings.services) == ["scale", "code"]
    scale = settings.services["scale"]
    assert [each.endpoint for each in scale.listen] == [
        "tcp:12345:interface=127.0.0.1",
        "unix:/run/sockreply/scale.sock",
    ]
    entries = Entry(Line(), (Mask.from_hex("02 ??"), Mask(b"A"))), Entry(Netstring())
    assert scale.framing == Switched(Line(b"\r\n"), Line(b"\r\n"), (Choice(entries),))
    assert scale.encoding == "latin-1"
    assert scale.keep_alive
    assert scale.max_connections_asked
    assert scale.limits == Limits(
        idle_timeout=1.0,
        message_timeout=2.5,
        reply_timeout=0.0,
        write_timeout=3.0,
        close_timeout=4.0,
        drain_timeout=5.0,
        drain_delay=6.0,
        max_connections=7,
        max_message=900,
        max_connections_per_peer=8,
        allow=(ip_network("127.0.0.0/8"), ip_network("::1")),
        amplification=2.5,
        per_peer=PeerLimits(
            connections=Rate(0.5, 20),
            messages=Rate(2.5, 1),
            bytes=Rate(1e6, 65_536),
            over="refuse",
            ipv6_prefix=56,
        ),
    )
    assert isinstance(scale.responder, RuleTable)
    assert [rule.name for rule in scale.responder.rules] == [
        "identify",
        "unit",
        "rule-3",
        "in turn",
    ]
    assert settings.services["code"].responder.respond(b"a", session()) == shout(b"a", None)
    assert settings.warnings == ()


def test_defaults() -> None:
    """What is not said is as on the command line."""
    service = settings_of(f"{SERVICE}otherwise = 'x'").services["s"]
    assert service.limits == Limits()
    assert service.framing == Chunk()
    assert service.encoding == "utf-8"
    assert not service.keep_alive
    assert service.greeting is None
    assert not service.max_connections_asked


def answers(settings: Settings) -> list[object]:
    """All that can be compared of settings with one service."""
    (name, service), *more = settings.services.items()
    assert not more
    listen, framing, limits = service.listen, service.framing, service.limits
    reply = service.responder.respond(b"hello", session())
    asked = service.max_connections_asked
    rest = (
        service.keep_alive,
        service.greeting,
        asked,
        settings.log,
        settings.metrics,
        settings.ready_file,
    )
    return [name, listen, framing, limits, reply, *rest]


def test_shipped_file_is_the_daemon_without_options() -> None:
    """etc/sockreply.toml does what no options do."""
    options = Options()
    options.parseOptions([])
    settings = read(SHIPPED)
    assert answers(settings) == answers(options.settings())
    assert answers(settings)[4] == TEXTBOOK_REPLY.encode()
    assert settings.warnings == ()


def test_shipped_file_shows_every_key() -> None:
    """etc/sockreply.toml names each key at least once."""
    text = SHIPPED.read_text()
    tables = (form.Log, form.Metrics, form.Ready, form.Service, form.PerPeer, form.Rule, form.When)
    for written in tables:
        for key in keys_of(written):
            assert f"{key} = " in text or f"[services.default.{key}" in text, key


def test_shipped_defaults_and_examples_hold(tmp_path: Path) -> None:
    """What etc/sockreply.toml shows is right, and what it calls a default is the default."""
    text = SHIPPED.read_text()
    shown = "\n".join(
        line[1:] if line.startswith("#") and line[1:2] not in ("", " ") else line
        for line in text.splitlines()
    )
    shown = shown.replace("keep_alive = false", "keep_alive = true")  # some of its rules need it
    shown = shown[: shown.rindex("[[")]  # the rule behind which nothing acts
    settings = settings_of(shown, tmp_path)
    service = settings.services["default"]
    unlike = {"allow", "per_peer"}
    for each in fields(Limits):
        if each.name not in unlike:
            assert getattr(service.limits, each.name) == each.default
    assert isinstance(service.responder, RuleTable)
    assert len(service.responder.rules) == 7
    assert (settings.log.level, settings.log.exchanges_per_second) == ("info", 50)
    assert settings.metrics == "tcp:9464:interface=127.0.0.1"
    assert settings.ready_file == "/run/sockreply/ready.json"


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """A file that cannot be read is an error like all others."""
    (tmp_path / "directory").mkdir()
    large = tmp_path / "large"
    with large.open("wb") as opened:
        os.truncate(opened.fileno(), 16 * 1024 * 1024 + 1)
    for name, reason in {
        "none": "No such file or directory",
        "directory": "is a directory",
        "large/none": "Not a directory",
        "large": "is larger than 16777216 bytes",
        "x" * 300: "File name too long",
    }.items():
        with pytest.raises(BadFile) as caught:
            read(tmp_path / name)
        assert caught.value.problems == (reason,)
    with pytest.raises(BadFile) as caught:
        read(tmp_path / "nul\0")
    assert "embedded null" in caught.value.problems[0]  # Pythons have different words for it


def test_reads_pipes() -> None:
    """The file may be what another program writes."""
    reading, writing = os.pipe()
    os.write(writing, f"{SERVICE}otherwise = 'x'".encode())
    os.close(writing)
    try:
        assert list(read(Path(f"/dev/fd/{reading}")).services) == ["s"]
    finally:
        os.close(reading)


def test_error_is_one_line(tmp_path: Path) -> None:
    """As text, the error is the first problem, the number of the others and who shows them."""
    path = tmp_path / "s.toml"
    path.write_text("colour = 1\n")
    with pytest.raises(BadFile) as caught:
        read(path)
    unknown = "colour: unknown key; known: log, metrics, ready, services"
    none = "services: there is none; one begins with a line such as [services.default]"
    assert caught.value.problems == (unknown, none)
    assert str(caught.value) == f"{path}: {unknown} (and 1 more; sockreply check {path} shows all)"
    assert str(BadFile(Path("a\nb"), ("x",))) == r"'a\nb': x"


def test_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory may change after the file was read."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.toml").write_text(f"{SERVICE}otherwise = 'x'\n[log]\njson = 'j'")
    settings = read(Path("s.toml"))
    assert settings.file == tmp_path / "s.toml"
    assert settings.log.json == str(tmp_path / "j")


def test_all_at_once() -> None:
    """A service, a rule and a key that are wrong hide no other."""
    problems = problems_of(r"""
        [log]
        level = "loud"
        [services.a]
        listen = 5
        colour = "red"
        framing = "lines"
        idle_timeout = -1
        [[services.a.rules]]
        name = "first"
        when = { regex = "(", equal = "x" }
        reply = { drip = { hex = "0" }, size = "all" }
        [[services.a.rules]]
        when = { regex = "(" }
        reply = [{ hex = "0" }, { template = "{{ match[1] }} {{ nothing }}" }]
        [services.b]
        listen = "tcp:no"
        [[services.b.rules]]
        replies = ["a", { base64 = "?" }]
        after_last = "again"
        [services.c]
        listen = "tcp:0"
        idle_timeout = -1
        [[services.c.rules]]
        state = "nowhere"
        [[services.c.rules]]
        reply = { template = "{{ nothing }}" }
        [[services.c.rules]]
        when.equals = "hidden"
        reply = "x"
    """)
    assert [problem.partition(": ")[0] for problem in problems] == [
        "log.level",
        "services.a.rules.first.when.equal",
        "services.a.rules.first.reply.size",
        "services.a.listen",
        "services.a.idle_timeout",
        "services.a.colour",
        "services.b.rules.rule-1.after_last",
        "services.c.idle_timeout",
        "services.a.framing",
        "services.a.rules.first.when.regex",
        "services.a.rules.first.reply.drip.hex",
        "services.a.rules.rule-2.when.regex",
        "services.a.rules.rule-2.reply[1].hex",
        "services.b.listen",
        "services.b.rules.rule-1.replies[2].base64",
        "services.c.rules.rule-1",
        "services.c.rules.rule-2.reply.template",
        "services.c.rules.rule-3",
        "services.c.rules.rule-1.state",
        "services.c.rules.rule-1.state",
    ]


def test_loads_with_only_what_it_needs() -> None:
    """Options load neither Jinja2 nor cattrs, and a file without templates no Jinja2."""
    code = (
        "import sys, sockreply.commands.tap, sockreply.settings\n"
        "assert not {'cattrs', 'jinja2'} & set(sys.modules)\n"
        f"from tests.config.texts import settings_of\nsettings_of({SERVICE + 'otherwise = []'!r})\n"
        "assert 'jinja2' not in sys.modules\n"
        "assert 'twisted.internet.reactor' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_settings_from_a_document(tmp_path: Path) -> None:
    """A document without a file is read in the same way; paths are relative to a directory."""
    asked = {
        "log": {"record": "record.jsonl"},
        "services": {"s": {"listen": "tcp:0", "otherwise": {"file": "reply"}}},
    }
    (tmp_path / "reply").write_bytes(b"from a file")
    settings = settings_from(asked, tmp_path)
    assert settings.file is None
    assert settings.log.record == str(tmp_path / "record.jsonl")
    assert settings.services["s"].responder.respond(b"", session()) == b"from a file"
    assert settings_from(asked, tmp_path, tmp_path / "x").file == tmp_path / "x"


def test_document_of_a_file(tmp_path: Path) -> None:
    """What a file says and what its document says are the same."""
    from_file = settings_of(EVERYTHING, tmp_path)
    parsed = settings_from(tomllib.loads(EVERYTHING), tmp_path)
    assert parsed.log == from_file.log
    assert parsed.metrics == from_file.metrics
    assert [each.limits for each in parsed.services.values()] == [
        each.limits for each in from_file.services.values()
    ]


def test_relative_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory of a document is the one of now, wherever the process goes later."""
    monkeypatch.chdir(tmp_path)
    asked = {"log": {"json": "j"}, "services": {"s": {"listen": "tcp:0", "otherwise": "x"}}}
    assert settings_from(asked, Path()).log.json == str(tmp_path / "j")


def test_error_of_a_document() -> None:
    """Without a file, the error is the first problem and the number of the others."""
    with pytest.raises(BadSettings) as caught:
        settings_from({"colour": 1}, Path("/"))
    unknown, none = caught.value.problems
    assert not isinstance(caught.value, BadFile)
    assert none.startswith("services: there is none")
    assert str(caught.value) == f"{unknown} (and 1 more)"
    with pytest.raises(BadSettings) as caught:
        settings_from({}, Path("/"))
    assert (str(caught.value),) == caught.value.problems
