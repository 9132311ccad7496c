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


class Pipe:
    """What stands for the journal and has each line at once.

    Args:
        encoding: In which it is written.
    """

    def __init__(self, encoding: str = "utf-8") -> None:
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        self.stream = os.fdopen(writer, "w", encoding=encoding)

    def read(self) -> str:
        """What was written."""
        self.stream.close()
        with os.fdopen(self._reader, encoding=self.stream.encoding) as reader:
            return reader.read()


@pytest.fixture
def pipe() -> Pipe:
    """What stands for the journal."""
    return Pipe()


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


def test_levels(pipe: Pipe) -> None:
    """Each level has its number of syslog's; there is no time, and no name of a class."""
    log = Logger(observer=text_observer(pipe.stream, journal_of(pipe.stream)))
    for level in ("debug", "info", "warn", "error", "critical"):
        getattr(log, level)("it is {what}", what=level)
    assert pipe.read() == (
        "<7>it is debug\n<6>it is info\n<4>it is warn\n<3>it is error\n<2>it is critical\n"
    )


def test_traceback(pipe: Pipe) -> None:
    """Every line of an event has its level, for each is an entry of its own in the journal."""
    log = Logger(observer=text_observer(pipe.stream, journal_of(pipe.stream)))
    log.failure("it failed", Failure(ValueError("why")))
    lines = pipe.read().splitlines()
    assert lines[0] == "<2>it failed"
    assert lines[-1] == "<2>Failure: builtins.ValueError: why"
    assert all(line.startswith("<2>") for line in lines)


def test_event_of_the_old_kind(pipe: Pipe) -> None:
    """An event without a level is information; one without text is nothing."""
    observe = text_observer(pipe.stream, journal_of(pipe.stream))
    observe({"log_format": "hello", "log_time": 0.0})
    observe({"log_format": "", "log_time": 0.0})
    assert pipe.read() == "<6>hello\n"


def test_elsewhere(pipe: Pipe) -> None:
    """A stream that is not the journal's gets the time, and Twisted's usual form."""
    Logger("here", observer=text_observer(pipe.stream, {})).info("hello")
    text = pipe.read()
    assert text.endswith(" [here#info] hello\n")
    assert text.startswith("20")


def test_one_text() -> None:
    """A text that is no event is an error, unless something else is said."""
    assert in_journal("two\nlines") == "<3>two\n<3>lines"


def test_standard_output(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `twistd --logger` gets is an observer that writes to standard output."""
    monkeypatch.setattr(sys, "stdout", pipe.stream)
    monkeypatch.setitem(os.environ, "JOURNAL_STREAM", journal_of(pipe.stream)["JOURNAL_STREAM"])
    observer = standard_output()
    assert ILogObserver.providedBy(observer)
    observer({"log_format": "hello", "log_time": 0.0})
    assert pipe.read() == "<6>hello\n"


@pytest.mark.parametrize("journal", [True, False])
def test_characters_that_the_stream_lacks(journal: bool) -> None:
    """They are escaped, and the line is there; what no encoding has is escaped too."""
    pipe = Pipe("latin-1")
    environment = journal_of(pipe.stream) if journal else {}
    Logger("here", observer=text_observer(pipe.stream, environment)).info("ä안녕\udcff")
    assert pipe.read().endswith("ä\\uc548\\ub155\\udcff\n")


def test_stream_that_is_closed() -> None:
    """Where there is none, lines go nowhere, and nothing fails."""
    observe = text_observer(None)
    observe({"log_format": "hello", "log_time": 0.0})


def test_stream_that_is_no_file() -> None:
    """It gets the lines as any observer would write them."""
    stream = io.StringIO()
    text_observer(stream)({"log_format": "hello", "log_time": 0.0})
    assert stream.getvalue().endswith(" hello\n")
