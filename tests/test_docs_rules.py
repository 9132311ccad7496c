"""docs/rules.md is true: its examples do what stands below them, and no key is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock

from sockreply.config import form, form_tls, read
from sockreply.notation import unescape
from sockreply.rules.templates.checksums import CRCS
from sockreply.rules.templates.values import NAMES
from sockreply.server import ReplyFactory
from sockreply.settings import ServiceSettings
from tests.server.stand_ins import FakeTransport

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
PAIRS = re.findall(r"^```toml\n(.*?)^```\n\n```talk\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
IN_MEMORY = [pair for pair in PAIRS if "command =" not in pair[0]]
OF_COMMANDS = [pair for pair in PAIRS if "command =" in pair[0]]
LISTEN = 'listen = "tcp:0:interface=127.0.0.1"\n'
RULE = (
    f'[services.example]\n{LISTEN}framing = "line"\nkeep_alive = true\n[[services.example.rules]]\n'
)


def whole_file(snippet: str, directory: Path) -> Path:
    """The configuration file that an example stands for, with the files that it names."""
    head = "[services.example]\n"
    text = snippet.replace(head, head + LISTEN) if head in snippet else RULE + snippet
    for name in ("request", "reply"):
        (directory / f"{name}.bin").write_text(f"from {name}.bin")
    path = directory / "example.toml"
    path.write_text(text, encoding="utf-8")
    return path


class Stage:
    """Plays what is said about a service on a clock and in memory."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.framing = settings.framing
        self.clock = Clock()
        self.factory = ReplyFactory(
            settings.framing,
            settings.responder,
            self.clock,
            keep_alive=settings.keep_alive,
            greeting=settings.greeting,
            limits=settings.limits,
        )
        self.connect()

    def connect(self) -> None:
        """Another connection."""
        self.protocol: Any = self.factory.buildProtocol(None)
        self.transport = FakeTransport()
        self.transport.peerAddr = IPv4Address("TCP", "192.168.7.7", 40000)
        self.protocol.makeConnection(self.transport)

    def heard(self, size: int) -> bytes:
        """The next bytes that were sent."""
        sent: bytes = self.transport.value()
        self.transport.clear()
        self.transport.io.write(sent[size:])
        return sent[:size]

    def play_whole(self, talk: str) -> None:
        """All lines of a talk, after which nothing more may have been sent."""
        for line in talk.splitlines():
            self.play(line)
        assert self.transport.value() == b"", "more was sent than is told"

    def play(self, line: str) -> None:
        """One line of a talk."""
        match line.split(" ", 1):
            case [">", text]:
                assert self.transport.value() == b"", "more was sent than is told"
                self.protocol.dataReceived(self.framing.frame(unescape(text)))
            case [">>", text]:
                assert self.transport.value() == b"", "more was sent than is told"
                self.protocol.dataReceived(unescape(text))
            case ["<", text]:
                expected = self.framing.frame(unescape(text))
                assert self.heard(len(expected)) == expected
            case ["<<", text]:
                expected = unescape(text)
                assert self.heard(len(expected)) == expected
            case _:
                assert self.transport.value() == b"", "more was sent than is told"
                self.see(line)

    def see(self, line: str) -> None:
        """What is no message."""
        match line:
            case "(silence)":
                assert not self.transport.disconnecting
                assert not self.transport.aborted
            case "(closed)":
                assert self.transport.disconnecting
                assert not self.transport.aborted
            case "(reset)":
                assert self.transport.aborted
            case "(new connection)":
                self.connect()
            case _:
                passed = re.fullmatch(r"\((\d+\.\d+) s\)", line)
                assert passed, f"{line!r} is nothing that a talk knows"
                self.clock.advance(float(passed[1]))


@pytest.mark.parametrize(("snippet", "talk"), IN_MEMORY, ids=[pair[0][:40] for pair in IN_MEMORY])
def test_example(snippet: str, talk: str, tmp_path: Path) -> None:
    """An example does what its transcript shows, and nothing else."""
    settings = read(whole_file(snippet, tmp_path))
    assert not settings.warnings
    Stage(settings.services["example"]).play_whole(talk)


@pytest.mark.parametrize("wrong", ["< ACME", "(closed)", "(reset)", "<< \\x00", "(silence)"])
def test_examples_can_fail(wrong: str, tmp_path: Path) -> None:
    """What is not so is noticed."""
    snippet, talk = IN_MEMORY[0]
    stage = Stage(read(whole_file(snippet, tmp_path)).services["example"])
    stage.play(talk.splitlines()[0])
    with pytest.raises(AssertionError):
        stage.play_whole(wrong)


def test_every_example_is_seen() -> None:
    """Each block of TOML has its transcript."""
    assert len(PAIRS) == TEXT.count("```toml\n") == TEXT.count("```talk\n")
    assert len(OF_COMMANDS) == 2


def keys() -> Iterator[tuple[str, object]]:
    """All keys of the file, with the defaults that tables tell."""
    for table in (*vars(form).values(), *vars(form_tls).values()):
        if isinstance(table, type) and table.__module__.startswith(form.__name__):
            for field in fields(table) if hasattr(table, "__dataclass_fields__") else ():
                yield field.name.rstrip("_"), field.default


@pytest.mark.parametrize(
    "key", sorted({key for key, _ in keys()} - {"log", "metrics", "ready", "services"})
)
def test_every_key_is_told(key: str) -> None:
    """No key of the file is missing."""
    assert re.search(rf"`{key}`|\b{key} = ", TEXT)


@pytest.mark.parametrize("table", [form.Log, form.Service, form.PerPeer, form.Rule])
def test_defaults_are_the_real_ones(table: type) -> None:
    """The default that a table of the document tells is the one that holds."""
    told = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", TEXT, re.MULTILINE))
    for field in fields(table):
        if isinstance(field.default, bool | int | float):
            if isinstance(field.default, bool):
                assert told[field.name] == str(field.default).lower()
            else:
                assert float(told[field.name]) == field.default
        elif isinstance(field.default, str) and field.default:
            assert told[field.name].strip('"') == field.default


@pytest.mark.parametrize("name", [*NAMES, *CRCS, "lrc", "xor", "sum", "pack", "unpack", "hex"])
def test_what_templates_know_is_told(name: str) -> None:
    """No name and no filter of ours is missing."""
    assert f"`{name}" in TEXT
