"""A log's file never holds up who writes to it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from twisted.logger import LogEvent, capturedLogs

from sockreply.observing import log_file
from sockreply.observing.line_file import LineFile
from sockreply.observing.log_file import WAITING_BYTES, LogFile
from tests.server.stand_ins import texts

FILLING = b"x" * 4095 + b"\n"
"""A line of the size in which a pipe has room."""


@pytest.fixture
def events() -> Iterator[Sequence[LogEvent]]:
    """What is logged during the test."""
    with capturedLogs() as captured:
        yield captured


class Thread:
    """One that works when the test says so."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []

    def run(self) -> None:
        """Do what there is to do."""
        while self.work:
            self.work.pop(0)()


class Desk:
    """A log's file, its thread, and a pipe to read it from."""

    def __init__(self) -> None:
        self.reader, writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.thread = Thread()
        self.file = LogFile(LineFile.inherited(writer), "what", self.thread.work.append)
        os.close(writer)

    def fill(self) -> int:
        """Write until the pipe is full, and one line waits; how many lines are in the pipe."""
        count = 0
        while not self.thread.work:
            self.file.write(FILLING)
            count += 1
        return count - 1

    def read(self) -> bytes:
        """What is in the pipe."""
        return os.read(self.reader, 1 << 20)


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A log's file that is a pipe."""
    desk = Desk()
    yield desk
    os.close(desk.reader)


def test_what_has_room_is_there_at_once(desk: Desk) -> None:
    """A line that a pipe takes needs no thread."""
    desk.file.write(b"one\n")
    assert desk.read() == b"one\n"
    assert not desk.thread.work


def test_what_has_no_room_waits_in_order(desk: Desk) -> None:
    """A full pipe costs whoever writes no time; a thread writes what waits, in order."""
    whole = desk.fill()
    desk.file.write(b"after\n")
    assert len(desk.thread.work) == 1
    assert desk.read() == FILLING * whole
    desk.file.write(b"last\n")
    desk.thread.run()
    assert desk.read() == FILLING + b"after\nlast\n"
    assert desk.file.lost == 0


def test_what_waits_is_bounded(desk: Desk, events: Sequence[LogEvent]) -> None:
    """What finds no room is lost, counted, and told once; so is that it is over."""
    whole = desk.fill()
    room = WAITING_BYTES // len(FILLING) - 1
    for _ in range(room + 9):
        desk.file.write(FILLING)
    assert desk.file.lost == 9
    assert texts(events) == ["cannot write what: its reader takes no more lines"]
    assert desk.read() == FILLING * whole
    reading = threading.Thread(target=desk.thread.run)
    reading.start()
    data = b""
    while reading.is_alive():
        try:
            data += desk.read()
        except BlockingIOError:
            reading.join(0.001)
    assert data + desk.read() == FILLING * (room + 1)
    desk.file.write(b"on\n")
    assert desk.read() == b"on\n"
    assert texts(events)[1:] == ["writing what again; 9 lines lost"]
    desk.file.write(b"and on\n")
    assert len(events) == 2


def test_reader_that_left(desk: Desk, events: Sequence[LogEvent]) -> None:
    """It is told once."""
    reader = desk.reader
    desk.reader = os.dup(os.open("/dev/null", os.O_RDONLY))
    os.close(reader)
    desk.file.write(b"1\n")
    desk.file.write(b"2\n")
    assert desk.file.lost == 2
    assert texts(events) == ["cannot write what: Broken pipe"]


def test_reader_that_left_while_lines_wait(desk: Desk, events: Sequence[LogEvent]) -> None:
    """What the thread cannot write is told with the next line."""
    desk.fill()
    reader = desk.reader
    desk.reader = os.dup(os.open("/dev/null", os.O_RDONLY))
    os.close(reader)
    desk.thread.run()
    assert (desk.file.lost, texts(events)) == (1, [])
    desk.file.write(b"2\n")
    assert texts(events) == ["cannot write what: Broken pipe"]


def test_a_file_on_a_disk_is_left_to_the_thread(tmp_path: Path) -> None:
    """A disk that does not answer holds up only the thread."""
    thread = Thread()
    path = tmp_path / "log"
    file = LogFile(LineFile.open(str(path), 0o600), "what", thread.work.append)
    file.write(b"1\n")
    file.write(b"2\n")
    assert path.read_bytes() == b""
    assert len(thread.work) == 1
    thread.run()
    assert path.read_bytes() == b"1\n2\n"
    file.close()


def test_opened_anew(tmp_path: Path) -> None:
    """What waits goes to the file that was there, which is closed behind it."""
    thread, opened = Thread(), len(os.listdir("/dev/fd"))  # noqa: PTH208 - it changes meanwhile
    file = LogFile(LineFile.open(str(tmp_path / "1"), 0o600), "what", thread.work.append)
    file.write(b"1\n")
    for number in (2, 3):
        file.reopen(LineFile.open(str(tmp_path / str(number)), 0o600))
        file.write(b"%d\n" % number)
    thread.run()
    assert [(tmp_path / str(n)).read_bytes() for n in (1, 2, 3)] == [b"1\n", b"2\n", b"3\n"]
    assert len(os.listdir("/dev/fd")) == opened + 1  # noqa: PTH208 - the same
    file.reopen(LineFile.open(str(tmp_path / "4"), 0o600))
    file.close()
    assert len(os.listdir("/dev/fd")) == opened  # noqa: PTH208 - the same


def test_opened_anew_though_it_is_the_same(tmp_path: Path) -> None:
    """A pipe that nobody reads takes no further descriptor each time."""
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    thread = Thread()
    file = LogFile(LineFile.open(path, 0o600), "what", thread.work.append)
    while not thread.work:
        file.write(FILLING)
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - it changes as it is read
    for _ in range(9):
        file.reopen(LineFile.open(path, 0o600))
        file.write(b"later\n")
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208 - the same
    os.read(reader, 1 << 20)
    thread.run()
    assert os.read(reader, 1 << 20) == FILLING + b"later\n" * 9
    file.close()
    os.close(reader)


def test_end_waits_no_longer_than_that(
    desk: Desk, events: Sequence[LogEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody has read by then is given up, counted and told."""
    monkeypatch.setattr(log_file, "LAST_SECONDS", 0.0)
    desk.fill()
    desk.file.write(b"x\n")
    desk.file.close()
    desk.thread.run()
    desk.file.write(b"too late\n")
    desk.file.close()
    assert desk.file.lost == 2
    assert texts(events) == ["no longer writing what; 2 lines lost"]


def test_end_with_a_thread_that_does_not_come_back(desk: Desk, events: Sequence[LogEvent]) -> None:
    """A disk that stands still for ever holds up the end for the given time only."""
    desk.fill()
    desk.file.close(0.01)
    assert texts(events) == ["no longer writing what; 1 lines lost"]


def test_no_thread_to_be_had(tmp_path: Path, events: Sequence[LogEvent]) -> None:
    """A line that no thread can be found for is lost, and it goes on."""
    failures = ["can't start new thread"]

    def at_the_second_time(work: Callable[[], None]) -> None:
        if failures:
            raise RuntimeError(failures.pop())
        work()

    file = LogFile(LineFile.open(str(tmp_path / "log"), 0o600), "what", at_the_second_time)
    file.write(b"1\n")
    file.write(b"2\n")
    file.close()
    assert (tmp_path / "log").read_bytes() == b"2\n"
    assert file.lost == 1
    assert texts(events) == [
        "cannot write what: can't start new thread",
        "writing what again; 1 lines lost",
    ]


def test_a_real_thread(tmp_path: Path) -> None:
    """What a file on a disk gets is there when the end has been waited for."""
    file = LogFile(LineFile.open(str(tmp_path / "log"), 0o600), "what")
    for number in range(100):
        file.write(b"%d\n" % number)
    file.close(10)
    assert (tmp_path / "log").read_bytes() == b"".join(b"%d\n" % n for n in range(100))
