"""Lines for the journal, and whether they go there."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import IO

import pytest
from twisted.logger import ILogObserver, Logger
from twisted.python.failure import Failure

from sockreply.observing.journal import in_journal, reaches_journal, standard_output, text_observer


def journal_of(stream: IO[str]) -> dict[str, str]:
    """The environment in which a stream is the journal's."""
    found = os.fstat(stream.fileno())
    return {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """What stands for the journal."""
    return tmp_path / "journal"


def test_which_stream_reaches_it(file: Path) -> None:
    """Only the stream that JOURNAL_STREAM names does, and none without it."""
    with file.open("w") as stream, file.with_name("other").open("w") as other:
        assert reaches_journal(stream, journal_of(stream))
        assert not reaches_journal(other, journal_of(stream))
        assert not reaches_journal(stream, {})
        assert not reaches_journal(stream, {"JOURNAL_STREAM": "nonsense"})
        environment = journal_of(stream)
    assert not reaches_journal(stream, environment)
    assert not reaches_journal(io.StringIO(), environment)
    assert not reaches_journal(None, environment)


def test_levels(file: Path) -> None:
    """Each level has its number of syslog's; there is no time, and no name of a class."""
    with file.open("w") as stream:
        log = Logger(observer=text_observer(stream, journal_of(stream)))
        for level in ("debug", "info", "warn", "error", "critical"):
            getattr(log, level)("it is {what}", what=level)
    assert file.read_text() == (
        "<7>it is debug\n<6>it is info\n<4>it is warn\n<3>it is error\n<2>it is critical\n"
    )


def test_traceback(file: Path) -> None:
    """Every line of an event has its level, for each is an entry of its own in the journal."""
    with file.open("w") as stream:
        log = Logger(observer=text_observer(stream, journal_of(stream)))
        log.failure("it failed", Failure(ValueError("why")))
    lines = file.read_text().splitlines()
    assert lines[0] == "<2>it failed"
    assert lines[-1] == "<2>Failure: builtins.ValueError: why"
    assert all(line.startswith("<2>") for line in lines)


def test_event_of_the_old_kind(file: Path) -> None:
    """An event without a level is information; one without text is nothing."""
    with file.open("w") as stream:
        observe = text_observer(stream, journal_of(stream))
        observe({"log_format": "hello", "log_time": 0.0})
        observe({"log_format": "", "log_time": 0.0})
    assert file.read_text() == "<6>hello\n"


def test_elsewhere(file: Path) -> None:
    """A stream that is not the journal's gets the time, and Twisted's usual form."""
    with file.open("w") as stream:
        Logger("here", observer=text_observer(stream, {})).info("hello")
    assert file.read_text().endswith(" [here#info] hello\n")
    assert file.read_text().startswith("20")


def test_one_text() -> None:
    """A text that is no event is an error, unless something else is said."""
    assert in_journal("two\nlines") == "<3>two\n<3>lines"


def test_standard_output(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `twistd --logger` gets is an observer that writes to standard output."""
    with file.open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setitem(os.environ, "JOURNAL_STREAM", journal_of(stream)["JOURNAL_STREAM"])
        observer = standard_output()
        assert ILogObserver.providedBy(observer)
        observer({"log_format": "hello", "log_time": 0.0})
    assert file.read_text() == "<6>hello\n"
