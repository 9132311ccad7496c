"""Files of all kinds that lines are appended to; test_line_writer.py has the full and torn ones."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sockreply.observing.line_file import LineFile


def never() -> bool:
    """Whoever waits goes on waiting."""
    return False


def at_once() -> bool:
    """Nobody waits."""
    return True


def full(_: int, __: bytes) -> int:
    """Stands for `os.write` on a full disk."""
    raise OSError(errno.ENOSPC, "full")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe that is read when the test does so."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_nothing_begins_on_a_disk(tmp_path: Path) -> None:
    """A file on a disk may let us wait at any time."""
    file = LineFile.open(str(tmp_path / "file"), 0o600)
    assert file.begin(b"x\n") == 0
    assert file.add(b"x\n", never) == (1, None)
    file.close()
    assert (tmp_path / "file").read_bytes() == b"x\n"


def test_standard_output_on_a_disk_is_written_at_once(tmp_path: Path) -> None:
    """Who looks at it sees what was logged before, as with any other program."""
    with (tmp_path / "file").open("wb") as output:
        file = LineFile.inherited(output.fileno())
        assert file.begin(b"x\n") == 2
        assert (tmp_path / "file").read_bytes() == b"x\n"
        file.close()


def test_disk_that_fills_up_within_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing stays of a line that could only be begun."""
    write = os.write
    with (tmp_path / "file").open("wb") as output:
        file = LineFile.inherited(output.fileno())
        file.begin(b"first\n")
        monkeypatch.setattr(os, "write", lambda number, data: write(number, data[:3]))
        assert file.begin(b"second\n") == 3
        monkeypatch.setattr(os, "write", full)
        whole, error = file.add(b"ond\n", never)
        assert (whole, str(error)) == (0, "[Errno 28] full")
        monkeypatch.undo()
        assert file.begin(b"third\n") == 6
        file.close()
    assert (tmp_path / "file").read_bytes() == b"first\nthird\n"


def test_pipe_whose_line_was_only_begun(pipe: tuple[int, int]) -> None:
    """It is ended before the next one."""
    file = LineFile.inherited(pipe[1])
    line = b"x" * (1 << 20) + b"\n"
    begun = file.begin(line)
    file.add(line[begun:], at_once)
    os.read(pipe[0], 1 << 20)
    assert file.add(b"next\n", never) == (1, None)
    assert os.read(pipe[0], 99) == b"\nnext\n"
    file.close()


def test_a_pipe_is_written_as_far_as_there_is_room(pipe: tuple[int, int]) -> None:
    """What does not fit is not waited for, and comes when it is asked for again."""
    reader, writer = pipe
    file = LineFile.inherited(writer)
    line = b"x" * (1 << 20) + b"\n"
    begun = file.begin(line)
    assert 4096 <= begun < len(line)
    assert file.begin(line) == 0
    assert os.read(reader, 1 << 20) == b"x" * begun
    assert file.begin(b"rest\n") == 5
    assert os.read(reader, 1 << 20) == b"rest\n"
    file.close()


def test_others_may_wait_for_an_inherited_pipe(pipe: tuple[int, int]) -> None:
    """Who has it too finds it as it was."""
    file = LineFile.inherited(pipe[1])
    assert os.get_blocking(pipe[1])
    file.close()
    os.write(pipe[1], b"it is still open")


def test_a_line_that_was_given_up_is_ended(pipe: tuple[int, int]) -> None:
    """The next line is not joined to what there is of it."""
    file = LineFile.inherited(pipe[1])
    whole, error = file.add(b"one\n" + b"x" * (1 << 20) + b"\n", at_once)
    assert (whole, str(error)) == (1, "[Errno 110] The pipe is full")
    os.read(pipe[0], 1 << 20)
    assert file.begin(b"next\n") == 0, "it is left to who can wait"
    assert file.add(b"next\n", never) == (1, None)
    assert os.read(pipe[0], 99) == b"\nnext\n"
    file.close()


def test_a_socket() -> None:
    """Nobody can open it anew, and it takes no more than there is room for either."""
    reader, writer = socket.socketpair()
    with reader, writer:
        file = LineFile.inherited(writer.fileno())
        line = b"x" * (1 << 22) + b"\n"
        begun = file.begin(line)
        assert 4096 <= begun < len(line)
        assert writer.getblocking()
        file.close()
        assert reader.recv(4096) == b"x" * 4096


def test_a_reader_that_left(pipe: tuple[int, int]) -> None:
    """It is an error at once."""
    reader, writer = os.pipe()
    file = LineFile.inherited(writer)
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        file.begin(b"x\n")
    file.close()
    os.close(writer)
