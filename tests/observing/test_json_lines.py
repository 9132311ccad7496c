"""The log as JSON lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import (
    FilteringLogObserver,
    LogEvent,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
    LogPublisher,
    capturedLogs,
    globalLogPublisher,
)
from twisted.python.failure import Failure

from sockreply.observing.exchange_log import ExchangeLog
from sockreply.observing.json_lines import JSONLines, open_json_log
from sockreply.observing.log_file import LogFile
from sockreply.replies import Reply
from sockreply.settings import EXCHANGES_A_SECOND, Level
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


class Page(LogFile):
    """Keeps the lines that are written."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, line: bytes) -> None:
        """Keep it."""
        self.lines.append(line)


def as_json(log: Callable[[Logger], object]) -> dict[str, Any]:
    """The line for what is logged."""
    page = Page()
    log(Logger("tests", observer=LogPublisher(JSONLines(page))))
    (line,) = page.lines
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
    page = Page()
    JSONLines(page)({"log_time": 0.0, "log_format": "{log_text}", "log_text": "old", "message": ()})
    line = json.loads(page.lines[0])
    assert line["level"] == "info"
    assert line["time"] == "1970-01-01T00:00:00+00:00"


def test_event_without_text() -> None:
    """It is not to be shown, unless it has a failure."""
    page = Page()
    JSONLines(page)({"log_time": 0.0, "log_format": ""})
    assert not page.lines
    JSONLines(page)({"log_time": 0.0, "log_format": "", "log_failure": Failure(ValueError("bad"))})
    assert len(page.lines) == 1


def test_json_of_every_exchange(tmp_path: Path) -> None:
    """The exchange log as JSON: each line valid, with the peer and what it said."""
    observer = open_json_log(str(tmp_path / "log.json"))
    with capturedLogs() as events:
        talk, _ = logged_talk()
        talk.say(b'a\x1b\xff"\\\nnone\n')
    for event in events:
        observer(event)
    observer.close(at_end=True)
    lines = [json.loads(line) for line in (tmp_path / "log.json").read_text().splitlines()]
    assert [line["text"] for line in lines] == texts(events)
    assert {line["peer"] for line in lines} == {PEER}
    assert lines[1]["message"] == r"""'a\x1b\xff"\\'"""


def test_json_lines_are_added(tmp_path: Path) -> None:
    """What was in the file stays."""
    path = tmp_path / "log.json"
    path.write_text("before\n")
    observer = open_json_log(str(path))
    Logger("tests", observer=observer).info("now")
    observer.close(at_end=True)
    before, now = path.read_text().splitlines()
    assert before == "before"
    assert json.loads(now)["text"] == "now"


def test_json_of_lone_surrogates(tmp_path: Path) -> None:
    """Text that UTF-8 has no form for is escaped, and the line stays valid."""
    path = tmp_path / "log.json"
    observer = open_json_log(str(path))
    Logger("tests", observer=observer).info("{x}", x="\udcff")
    observer.close(at_end=True)
    assert json.loads(path.read_text())["x"] == "\udcff"


def test_json_to_standard_output() -> None:
    """`-` is the process's own standard output, which closing leaves open."""
    observer = open_json_log("-")
    observer.close(at_end=True)
    assert sys.__stdout__ is not None
    assert not sys.__stdout__.closed


def test_json_log_that_cannot_be_opened(tmp_path: Path) -> None:
    """A file that cannot be opened is an OSError."""
    with pytest.raises(OSError, match="directory"):
        open_json_log(str(tmp_path))


def test_json_lines_are_an_observer() -> None:
    """They can stand behind a filter, as any of Twisted's observers."""
    page = Page()
    only = FilteringLogObserver(JSONLines(page), [LogLevelFilterPredicate(LogLevel.warn)])
    log = Logger("tests", observer=only)
    log.info("no")
    log.warn("yes")
    assert json.loads(page.lines[0])["text"] == "yes"


def json_log_to(path: Path) -> tuple[JSONLines, Logger]:
    """A log of JSON lines, and what logs to it."""
    observer = open_json_log(str(path))
    return observer, Logger("tests", observer=observer)


def texts_in(path: Path) -> list[str]:
    """What the lines of a file say."""
    return [json.loads(line)["text"] for line in path.read_text().splitlines()]


def test_json_log_opened_anew(tmp_path: Path) -> None:
    """After the file was renamed lines go on under the old name, and none is lost."""
    path, moved = tmp_path / "log.json", tmp_path / "log.json.1"
    observer, log = json_log_to(path)
    log.info("one")
    path.rename(moved)
    log.info("two")
    observer.reopen()
    log.info("three")
    observer.close(at_end=True)
    assert texts_in(moved) == ["one", "two"]
    assert texts_in(path) == ["three"]


def test_json_log_that_cannot_be_opened_anew(tmp_path: Path) -> None:
    """The file that is open stays in use when the path cannot be opened."""
    path, moved = tmp_path / "log.json", tmp_path / "log.json.1"
    observer, log = json_log_to(path)
    path.rename(moved)
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        observer.reopen()
    log.info("here")
    observer.close(at_end=True)
    assert texts_in(moved) == ["here"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_json_log_on_a_full_disk(tmp_path: Path) -> None:
    """It costs the JSON lines only, and is told once; and once, when they are written again."""
    path, log = tmp_path / "log.json", Logger()
    path.symlink_to("/dev/full")
    observer = open_json_log(str(path))
    globalLogPublisher.addObserver(observer)
    try:
        with capturedLogs() as events:
            for _ in range(1000):
                log.info("lost" * 100)
            path.unlink()
            path.symlink_to("/dev/null")
            observer.reopen()
            log.info("here")
    finally:
        globalLogPublisher.removeObserver(observer)
    observer.close(at_end=True)
    ours = [event for event in events if event["log_namespace"] == "sockreply"]
    assert texts(ours) == [
        f"cannot write JSON lines to {path}: No space left on device",
        f"writing JSON lines to {path} again; 1001 lines lost",
    ]


def test_json_log_on_a_disk_that_stays_full() -> None:
    """What it could not write is no error at the end; it is counted."""
    observer, log = json_log_to(Path("/dev/full"))
    with capturedLogs() as events:
        log.info("one")
        observer.close(at_end=True)
    assert texts(events)[-1] == "no longer writing JSON lines to /dev/full; 1 lines lost"


def test_json_log_without_a_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is an OSError where standard output is closed."""
    monkeypatch.setattr(sys, "__stdout__", None)
    with pytest.raises(OSError, match="Standard output is closed"):
        open_json_log("-")


def test_json_to_standard_output_is_not_opened_anew() -> None:
    """Standard output has no name to open it under, and stays."""
    observer = open_json_log("-")
    observer.reopen()
    assert sys.__stdout__ is not None
    assert not sys.__stdout__.closed
