"""Lines on their way to a file: gathered, bounded, and never torn."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogEvent, capturedLogs

from sockreply.observing import line_writer as module
from sockreply.observing.line_writer import (
    GATHERED_BYTES,
    GATHERED_SECONDS,
    WAITING_BYTES,
    LineWriter,
)
from tests.server.stand_ins import texts, watch


@pytest.fixture
def events() -> Iterator[Sequence[LogEvent]]:
    """What is logged during the test."""
    with capturedLogs() as captured:
        yield captured


class Threads:
    """A thread that works when the test says so."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Callable[[], Any], Deferred[Any]]] = []
        self.most = 0

    def __call__(self, work: Callable[[], Any]) -> Deferred[Any]:
        self.jobs.append((work, Deferred()))
        self.most = max(self.most, len(self.jobs))
        return self.jobs[-1][1]

    def work(self, times: int = 99) -> None:
        """Do what there is to do."""
        while self.jobs and times:
            work, done = self.jobs.pop(0)
            done.callback(work())
            times -= 1


class Desk:
    """A writer, and what it works with.

    Args:
        path: The file.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.clock = Clock()
        self.threads = Threads()
        self.writer = LineWriter(str(path), self.clock, self.threads)

    def record(self, *lines: bytes) -> None:
        """Record lines."""
        for line in lines:
            self.writer.write(line)

    def write(self) -> None:
        """Let what was recorded be written."""
        self.clock.advance(GATHERED_SECONDS)
        self.threads.work()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A writer that writes to a file."""
    return Desk(tmp_path / "record.jsonl")


class Disk:
    """A disk with so much room, whose writes may be short.

    Args:
        room: Bytes.
        piece: The most bytes that one write takes.
    """

    def __init__(self, room: int = 1 << 30, piece: int = 1 << 30) -> None:
        self.room = room
        self.piece = piece
        self.on_full: Callable[[], object] = lambda: None
        self._write = os.write

    def write(self, file: int, data: bytes | memoryview) -> int:
        """Stands for `os.write`."""
        size = min(len(data), self.room, self.piece)
        if not size:
            self.on_full()
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= size
        return self._write(file, data[:size])


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """The disk that is written to."""
    disk = Disk()
    monkeypatch.setattr(os, "write", disk.write)
    return disk


def test_lines_gather(desk: Desk) -> None:
    """Nothing is written for half a second, then all in one piece."""
    desk.record(b"1\n", b"2\n")
    desk.clock.advance(GATHERED_SECONDS - 0.01)
    assert not desk.threads.jobs
    desk.clock.advance(0.01)
    assert len(desk.threads.jobs) == 1
    assert desk.path.read_bytes() == b""
    desk.threads.work()
    assert desk.path.read_bytes() == b"1\n2\n"
    assert not desk.clock.getDelayedCalls()


def test_much_is_written_at_once(desk: Desk) -> None:
    """Lines of a size worth writing do not wait for the time."""
    desk.record(b"x" * GATHERED_BYTES + b"\n")
    desk.threads.work()
    assert desk.path.stat().st_size == GATHERED_BYTES + 1
    assert not desk.clock.getDelayedCalls()


def test_one_thread_at_a_time(desk: Desk) -> None:
    """However slow the disk is, one thread only waits for it, and order is kept."""
    for number in range(5):
        desk.record(b"%d\n" % number)
        desk.clock.advance(GATHERED_SECONDS)
    assert desk.threads.most == 1
    desk.threads.work()
    assert desk.threads.most == 1
    assert desk.path.read_bytes() == b"0\n1\n2\n3\n4\n"


def test_file_is_added_to(tmp_path: Path) -> None:
    """What is in the file stays; a new one is for the owner and the group."""
    path = tmp_path / "record.jsonl"
    path.write_bytes(b"before\n")
    desk = Desk(path)
    desk.record(b"now\n")
    desk.write()
    assert path.read_bytes() == b"before\nnow\n"
    umask = os.umask(0)
    try:
        Desk(tmp_path / "new")
    finally:
        os.umask(umask)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640


def test_cannot_open(tmp_path: Path) -> None:
    """A path that cannot be opened is an OSError at once."""
    with pytest.raises(OSError, match="directory"):
        Desk(tmp_path)


def test_bounded(desk: Desk, events: Sequence[LogEvent]) -> None:
    """What a hung disk lets pile up is bounded; the rest is lost, counted and told once."""
    line = b"x" * (GATHERED_BYTES - 1) + b"\n"
    fit = WAITING_BYTES // GATHERED_BYTES
    desk.record(*[line] * (fit + 9))
    assert desk.writer.lost == 9
    assert texts(events) == [
        f"cannot record to {desk.path}: exchanges come faster than they can be written"
    ]
    desk.threads.work(1)
    desk.record(line, line)
    assert desk.writer.lost == 10
    assert len(events) == 1
    desk.threads.work()
    assert texts(events)[1:] == ["recording resumed; 10 exchanges lost"]
    assert desk.path.stat().st_size == (fit + 1) * GATHERED_BYTES


def test_no_flood_of_lines_about_losses(desk: Desk, events: Sequence[LogEvent]) -> None:
    """A disk that is just too slow is told of once, not at every line that finds a place."""
    line = b"x" * (GATHERED_BYTES - 1) + b"\n"
    desk.record(*[line] * (WAITING_BYTES // GATHERED_BYTES + 1))
    for _ in range(50):
        desk.threads.work(1)
        desk.record(line, line)
    assert len(events) == 1
    assert desk.writer.lost == 51


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_full_device(events: Sequence[LogEvent]) -> None:
    """A device that takes nothing loses the lines, and is told of once."""
    desk = Desk("/dev/full")
    for _ in range(3):
        desk.record(b"x\n", b"y\n")
        desk.write()
    assert desk.writer.lost == 6
    assert texts(events) == ["cannot record to /dev/full: No space left on device"]
    assert events[0]["log_namespace"] == "sockreply"
    assert watch(desk.writer.close()) == [None]
    assert texts(events)[1:] == ["recording ended; 6 exchanges lost"]


def test_full_disk_tears_no_line(desk: Desk, disk: Disk, events: Sequence[LogEvent]) -> None:
    """Of the lines that did not fit nothing stays, and it goes on once there is room again."""
    disk.room = 10
    desk.record(b"first\n", b"second\n", b"third\n")
    desk.write()
    assert desk.path.read_bytes() == b"first\n"
    assert desk.writer.lost == 2
    desk.record(b"fourth\n")
    desk.write()
    disk.room = 100
    desk.record(b"fifth\n")
    desk.write()
    assert desk.path.read_bytes() == b"first\nfifth\n"
    assert desk.writer.lost == 3
    assert texts(events) == [
        f"cannot record to {desk.path}: No space left on device",
        "recording resumed; 3 exchanges lost",
    ]


def test_torn_line_in_a_file_of_several_writers(desk: Desk, disk: Disk) -> None:
    """Where another wrote behind a torn line it stays, and no line is joined to what is there."""

    def others_write() -> None:
        with desk.path.open("ab", buffering=0) as others:
            others.write(b"other\n")

    disk.room, disk.on_full = 3, others_write
    desk.record(b"torn\n")
    desk.write()
    disk.room = 100
    desk.record(b"next\n")
    desk.write()
    assert desk.path.read_bytes() == b"torother\n\nnext\n"
    assert desk.writer.lost == 1


@given(
    st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"") + b"\n")),
    st.lists(st.integers(0, 40)),
    st.integers(1, 9),
)
def test_any_room_and_any_short_writes(lines: list[bytes], rooms: list[int], piece: int) -> None:
    """Whatever room there is when: the file has whole lines in order, the others are counted."""
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch, capturedLogs():
        desk, disk = Desk(f"{directory}/record"), Disk(0, piece)
        patch.setattr(os, "write", disk.write)
        for line, room in zip_longest(lines, rooms[: len(lines)], fillvalue=0):
            assert isinstance(line, bytes)
            disk.room += room
            desk.record(line)
            if room % 2:
                desk.write()
        desk.writer.close()
        written = desk.path.read_bytes()
    kept = [line + b"\n" for line in written.split(b"\n")[:-1]]
    assert b"".join(kept) == written
    assert len(kept) + desk.writer.lost == len(lines)
    rest = iter(lines)
    assert all(line in rest for line in kept)


def test_thread_that_cannot_work(desk: Desk, events: Sequence[LogEvent]) -> None:
    """Lines that no thread can be found for are lost, and it goes on."""
    desk.record(b"x\n")
    desk.clock.advance(GATHERED_SECONDS)
    desk.threads.jobs.pop()[1].errback(RuntimeError("no thread"))
    assert texts(events) == [f"cannot record to {desk.path}: no thread"]
    desk.record(b"y\n")
    desk.write()
    assert desk.path.read_bytes() == b"y\n"
    assert desk.writer.lost == 1


def test_opened_anew(desk: Desk) -> None:
    """What was recorded before goes to the file that was renamed, the rest to the new one."""
    moved = desk.path.with_suffix(".1")
    desk.record(b"1\n")
    desk.clock.advance(GATHERED_SECONDS)  # a thread has it
    desk.record(b"2\n")
    desk.path.rename(moved)
    desk.writer.reopen()
    desk.record(b"3\n")
    desk.write()
    assert moved.read_bytes() == b"1\n2\n"
    assert desk.path.read_bytes() == b"3\n"


def test_cannot_be_opened_anew(desk: Desk) -> None:
    """The file that is open stays in use when the path cannot be opened."""
    moved = desk.path.with_suffix(".1")
    desk.path.rename(moved)
    desk.path.mkdir()
    with pytest.raises(OSError, match="directory"):
        desk.writer.reopen()
    desk.record(b"1\n")
    desk.write()
    assert moved.read_bytes() == b"1\n"


def test_opened_anew_leaves_no_files_open(desk: Desk) -> None:
    """However often it is opened, one file is open."""
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - this directory changes as it is read
    for _ in range(20):
        desk.writer.reopen()
        desk.write()
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208 - the same
    desk.writer.close()
    assert len(os.listdir("/dev/fd")) == before - 1  # noqa: PTH208 - the same


def test_opened_anew_says_nothing_of_recording_again(
    desk: Desk, disk: Disk, events: Sequence[LogEvent]
) -> None:
    """That nothing had to be written is no sign that writing works again."""
    disk.room = 0
    desk.record(b"x\n")
    desk.write()
    desk.writer.reopen()
    desk.write()
    assert len(events) == 1


def test_close_writes_the_rest(desk: Desk) -> None:
    """At the end nothing waits for the time."""
    desk.record(b"1\n")
    assert watch(desk.writer.close()) == [None]
    assert desk.path.read_bytes() == b"1\n"
    assert not desk.threads.jobs
    assert not desk.clock.getDelayedCalls()


def test_close_waits_for_the_thread(desk: Desk) -> None:
    """What a thread has in hand comes first; then the rest is written at once, file by file."""
    moved = desk.path.with_suffix(".1")
    desk.record(b"1\n")
    desk.clock.advance(GATHERED_SECONDS)
    desk.record(b"2\n")
    desk.path.rename(moved)
    desk.writer.reopen()
    desk.record(b"3\n")
    closed = watch(desk.writer.close())
    assert not closed
    desk.threads.work()
    assert closed == [None]
    assert moved.read_bytes() == b"1\n2\n"
    assert desk.path.read_bytes() == b"3\n"


def test_close_again(desk: Desk) -> None:
    """Closing what is closed does nothing, and what comes then is lost."""
    desk.writer.close()
    desk.writer.close()
    desk.record(b"x\n")
    assert desk.writer.lost == 1
    assert desk.path.read_bytes() == b""


def test_pipe(tmp_path: Path) -> None:
    """A pipe that is read gets the lines."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    desk = Desk(tmp_path / "pipe")
    desk.record(b"x\n")
    desk.write()
    assert os.read(reader, 100) == b"x\n"
    desk.writer.close()
    os.close(reader)


def test_pipe_without_reader(tmp_path: Path) -> None:
    """A pipe that nobody reads is an error at once: nothing waits for a reader."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="Nobody reads from this pipe"):
        Desk(tmp_path / "pipe")


def test_pipe_whose_reader_left(tmp_path: Path, events: Sequence[LogEvent]) -> None:
    """A reader that leaves loses lines, one that comes gets those from then on."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    desk = Desk(tmp_path / "pipe")
    os.close(reader)
    desk.record(b"x\n")
    desk.write()
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    desk.record(b"y\n")
    desk.write()
    assert os.read(reader, 100) == b"y\n"
    assert texts(events) == [
        f"cannot record to {desk.path}: Broken pipe",
        "recording resumed; 1 exchanges lost",
    ]
    desk.writer.close()
    os.close(reader)


def test_pipe_that_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: Sequence[LogEvent]
) -> None:
    """A reader that reads no more holds nothing up for long; a torn line is ended for it."""
    monkeypatch.setattr(module, "PIPE_SECONDS", 0.0)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    desk = Desk(tmp_path / "pipe")
    desk.record(b"whole\n", b"x" * GATHERED_BYTES + b"\n")
    desk.write()
    assert texts(events) == [f"cannot record to {desk.path}: The pipe is full"]
    assert os.read(reader, GATHERED_BYTES).startswith(b"whole\nx")
    desk.record(b"after\n")
    desk.write()
    assert os.read(reader, GATHERED_BYTES) == b"\nafter\n"
    desk.writer.close()
    os.close(reader)


def test_pipe_that_stays_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its reader is waited for once, and not with every line, nor again at the end."""
    monkeypatch.setattr(module, "PIPE_SECONDS", 0.0)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    desk = Desk(tmp_path / "pipe")
    desk.record(b"x" * GATHERED_BYTES + b"\n")
    desk.write()
    monkeypatch.setattr(module, "PIPE_SECONDS", 3600.0)  # then the test would not come to an end
    desk.record(b"1\n")
    desk.write()
    desk.record(b"2\n")
    desk.writer.close()
    assert desk.writer.lost == 3
    os.close(reader)


def test_pipe_with_a_slow_reader(tmp_path: Path) -> None:
    """What does not fit into a pipe waits for its reader."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    desk = Desk(tmp_path / "pipe")
    os.set_blocking(reader, True)
    desk.record(b"x" * GATHERED_BYTES + b"\n")
    heard = b""

    def read() -> None:
        nonlocal heard
        while not heard.endswith(b"\n"):
            heard += os.read(reader, 4096)

    reading = threading.Thread(target=read)
    reading.start()
    desk.threads.work()
    reading.join(timeout=10)
    assert len(heard) == GATHERED_BYTES + 1
    assert desk.writer.lost == 0
    desk.writer.close()
    os.close(reader)
