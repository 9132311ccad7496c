"""The exchange log, its cap, and the log as JSON lines."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.logger import (
    FilteringLogObserver,
    LogEvent,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
    LogPublisher,
    capturedLogs,
)
from twisted.python.failure import Failure

from sockreply.logs import EXCHANGES_A_SECOND, ExchangeLog, JSONLines, Level, open_json_log
from sockreply.replies import Reply
from tests.server.stand_ins import Talk, by_message, texts

PEER = "192.168.1.1:54321"


@pytest.fixture
def events() -> Iterator[Sequence[LogEvent]]:
    """What is logged during the test."""
    with capturedLogs() as captured:
        yield captured


def logged_talk(level: Level = "info", a_second: int = EXCHANGES_A_SECOND) -> tuple[Talk, Clock]:
    """A connection whose exchanges are shown, and the clock of their log."""
    clock = Clock()
    log = ExchangeLog(clock, level, a_second)
    return Talk(by_message(two=Reply(b"2", b"zwei"), none=None), exchanges=log), clock


def test_what_the_textbook_prints(events: Sequence[LogEvent]) -> None:
    """The address, the client, what was received and what was answered, in this order."""
    ExchangeLog(Clock()).listening(IPv4Address("TCP", "127.0.0.1", 12345))
    talk, _ = logged_talk()
    talk.say("안녕\ntwo\nnone\n".encode())
    talk.leave()
    assert texts(events) == [
        "listening on 127.0.0.1:12345",
        f"client {PEER} connected",
        f"received from {PEER}: '안녕'",
        f"answered {PEER}: '안녕'",
        f"received from {PEER}: 'two'",
        f"answered {PEER}: '2zwei'",
        f"received from {PEER}: 'none'",
        f"answered {PEER} with silence",
    ]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (b"\x1b[2J\rforged", r"'\x1b[2J\rforged'"),
        ("\u202egnp.exe".encode(), r"'\u202egnp.exe'"),
        (b"\xff\xc3", r"'\xff\xc3'"),
        (b"two\x0blines\x85", r"'two\x0blines\x85'"),
        (b"{peer}%s", "'{peer}%s'"),
        (b"x" * 300, f"'{'x' * 200}'... (300 bytes)"),
    ],
)
def test_peers_bytes_are_shown_safely(
    events: Sequence[LogEvent], message: bytes, shown: str
) -> None:
    """No peer can forge a line, drive a screen or fill a disk."""
    talk, _ = logged_talk()
    talk.say(message + b"\n")
    assert texts(events)[1:] == [f"received from {PEER}: {shown}", f"answered {PEER}: {shown}"]
    assert events[1]["size"] == len(message)


def test_newline_in_a_message(events: Sequence[LogEvent]) -> None:
    """A line end within a message does not end the log's line."""
    log = ExchangeLog(Clock())
    talk = Talk(framing="chunk", exchanges=log)
    talk.say(b"one\nERROR forged\n")
    assert texts(events)[1] == rf"received from {PEER}: 'one\nERROR forged\n'"


def test_cap(events: Sequence[LogEvent]) -> None:
    """So many exchanges are shown in a second, whole; the rest is told in one line at its end."""
    talk, clock = logged_talk(a_second=3)
    talk.say(b"x\n" * 10)
    lines = texts(events)
    assert len([line for line in lines if line.startswith("received")]) == 3
    assert len([line for line in lines if line.startswith("answered")]) == 3
    clock.advance(0.999)
    assert len(texts(events)) == len(lines)
    clock.advance(0.001)
    assert texts(events)[len(lines) :] == [
        "not shown: 7 more exchanges, 0 more clients in a second"
    ]
    talk.say(b"again\n")
    assert texts(events)[-2:] == [f"received from {PEER}: 'again'", f"answered {PEER}: 'again'"]


def test_cap_of_clients(events: Sequence[LogEvent]) -> None:
    """Clients are counted apart from exchanges, against the same number."""
    talk, clock = logged_talk(a_second=3)
    for _ in range(9):
        talk.factory.buildProtocol(None).makeConnection(type(talk.transport)())
    talk.say(b"x\n")
    assert len([line for line in texts(events) if line.endswith("connected")]) == 3
    assert texts(events)[-1].startswith("answered")
    clock.advance(1)
    assert texts(events)[-1] == "not shown: 0 more exchanges, 7 more clients in a second"


def test_every_second_is_capped(events: Sequence[LogEvent]) -> None:
    """The number holds in every second, and every second's line tells of that second."""
    talk, clock = logged_talk(a_second=2)
    for _ in range(3):
        talk.say(b"x\n" * 6)
        clock.advance(1)
    lines = texts(events)
    assert len([line for line in lines if line.startswith("received")]) == 6
    summary = "not shown: 4 more exchanges, 0 more clients in a second"
    assert [line for line in lines if line.startswith("not shown")] == [summary] * 3


def test_nothing_hidden_nothing_said(events: Sequence[LogEvent]) -> None:
    """Where all was shown there is no line about the rest, and no timer runs on."""
    talk, clock = logged_talk()
    talk.say(b"x\n")
    clock.advance(1)
    assert not any("not shown" in line for line in texts(events))
    assert not clock.getDelayedCalls()


def test_answer_of_an_exchange_that_was_shown(events: Sequence[LogEvent]) -> None:
    """An exchange that was shown is shown to its end, though the number is used up."""
    talk, _ = logged_talk(a_second=1)
    talk.say(b"two\n")
    assert texts(events)[-2:] == [f"received from {PEER}: 'two'", f"answered {PEER}: '2zwei'"]


def test_close_tells_the_rest(events: Sequence[LogEvent]) -> None:
    """At the end what was not shown is told without waiting for the second."""
    talk, clock = logged_talk(a_second=1)
    talk.say(b"x\n" * 3)
    talk.factory.exchanges.close()  # type: ignore[attr-defined]
    assert texts(events)[-1] == "not shown: 2 more exchanges, 0 more clients in a second"
    assert not clock.getDelayedCalls()
    talk.factory.exchanges.close()  # type: ignore[attr-defined]
    assert len([line for line in texts(events) if "not shown" in line]) == 1


def test_warn_is_silent(events: Sequence[LogEvent]) -> None:
    """At "warn" nothing of the exchanges is logged, whatever happens."""
    talk, clock = logged_talk("warn")
    log: Any = talk.factory.exchanges
    log.listening(IPv4Address("TCP", "127.0.0.1", 12345))
    talk.say(b"x\nnone\n" * 100)
    talk.leave()
    clock.advance(10)
    log.close()
    assert not events
    assert not clock.getDelayedCalls()


def test_debug_shows_the_ends(events: Sequence[LogEvent]) -> None:
    """At "debug" the end of a connection is shown too, with its reason."""
    talk, _ = logged_talk("debug")
    talk.leave()
    assert texts(events, "debug") == [f"client {PEER} gone: peer"]


def test_ends_are_capped_too(events: Sequence[LogEvent]) -> None:
    """Ends are shown up to the same number a second."""
    talk, _ = logged_talk("debug", a_second=2)
    log: Any = talk.factory.exchanges
    for _ in range(5):
        log.disconnected(talk.session, "peer")
    assert len(texts(events, "debug")) == 2


def as_json(log: Callable[[Logger], object]) -> dict[str, Any]:
    """The line for what is logged."""
    file = io.StringIO()
    log(Logger("tests", observer=LogPublisher(JSONLines(file))))
    (line,) = file.getvalue().splitlines()
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def test_json_fields() -> None:
    """A line has time, level, namespace and text, and the fields of the text."""
    line = as_json(lambda log: log.warn("{peer}: {n}, {x}", peer="p\u202e", n=3, x=0.5, y=None))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "warn",
        "namespace": "tests",
        "text": "p\u202e: 3, 0.5",
        "peer": "p\u202e",
        "n": 3,
        "x": 0.5,
        "y": None,
    }


def test_json_of_what_has_no_form() -> None:
    """A field that JSON has no form for is in the text only."""
    line = as_json(lambda log: log.info("{error}", error=ValueError("bad")))
    assert line["text"] == "bad"
    assert "error" not in line


def test_json_fields_of_ours_are_ours() -> None:
    """A field of the event cannot take the place of one that every line has."""
    line = as_json(lambda log: log.info("hello", time="x", text="x", traceback="x"))
    assert line["text"] == "hello"
    assert line["time"] != "x"
    assert "traceback" not in line


def test_json_traceback() -> None:
    """A failure's traceback is in the line."""
    failure = Failure(ValueError("bad"))
    line = as_json(lambda log: log.failure("broke", failure))
    assert line["level"] == "critical"
    assert "ValueError: bad" in line["traceback"]


def test_json_line_of_a_legacy_event() -> None:
    """An event of Twisted's old log is a valid line too."""
    file = io.StringIO()
    JSONLines(file)({"log_time": 0.0, "log_format": "{log_text}", "log_text": "old", "message": ()})
    line = json.loads(file.getvalue())
    assert line["level"] == "info"
    assert line["time"] == "1970-01-01T00:00:00+00:00"


def test_json_of_every_exchange(tmp_path: Path) -> None:
    """The exchange log as JSON: each line valid, with the peer and what it said."""
    observer = open_json_log(str(tmp_path / "log.json"))
    with capturedLogs() as events:
        talk, _ = logged_talk()
        talk.say(b'a\x1b\xff"\\\nnone\n')
    for event in events:
        observer(event)
    observer.close()
    lines = [json.loads(line) for line in (tmp_path / "log.json").read_text().splitlines()]
    assert [line["text"] for line in lines] == texts(events)
    assert {line["peer"] for line in lines} == {PEER}
    assert lines[1]["message"] == r"""'a\x1b\xff"\\'"""


def test_json_lines_are_there_at_once(tmp_path: Path) -> None:
    """A line can be read as soon as it is written; what was in the file stays."""
    path = tmp_path / "log.json"
    path.write_text("before\n")
    observer = open_json_log(str(path))
    Logger("tests", observer=observer).info("now")
    assert len(path.read_text().splitlines()) == 2
    observer.close()


def test_json_of_lone_surrogates(tmp_path: Path) -> None:
    """Text that UTF-8 has no form for is escaped, and the line stays valid."""
    path = tmp_path / "log.json"
    observer = open_json_log(str(path))
    Logger("tests", observer=observer).info("{x}", x="\udcff")
    observer.close()
    assert json.loads(path.read_text())["x"] == "\udcff"


def test_json_to_standard_output() -> None:
    """`-` is the process's own standard output, which closing leaves open."""
    observer = open_json_log("-")
    observer.close()
    assert sys.__stdout__ is not None
    assert not sys.__stdout__.closed


def test_json_log_that_cannot_be_opened(tmp_path: Path) -> None:
    """A file that cannot be opened is an OSError."""
    with pytest.raises(OSError, match="directory"):
        open_json_log(str(tmp_path))


def test_json_lines_are_an_observer() -> None:
    """They can stand behind a filter, as any of Twisted's observers."""
    file = io.StringIO()
    only = FilteringLogObserver(JSONLines(file), [LogLevelFilterPredicate(LogLevel.warn)])
    log = Logger("tests", observer=only)
    log.info("no")
    log.warn("yes")
    assert json.loads(file.getvalue())["text"] == "yes"


def test_nothing_shown_is_told_at_the_end(events: Sequence[LogEvent]) -> None:
    """A log that shows no exchange still tells how many there were."""
    clock = Clock()
    log = ExchangeLog(clock, a_second=0)
    log.hidden = 7
    log.close()
    assert texts(events) == ["not shown: 7 more exchanges, 0 more clients in a second"]
    assert clock.getDelayedCalls() == []
