"""Standard output, and what becomes of what it does not take."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sockreply.commands.output import print_bytes, print_lines
from sockreply.errors import CannotPrint

FULL = Path("/dev/full")  # Linux's, which takes not one byte


@contextmanager
def standard_output(
    monkeypatch: pytest.MonkeyPatch, descriptor: int, encoding: str = "utf-8"
) -> Iterator[None]:
    """Print to a descriptor, which is closed afterwards."""
    with open(descriptor, "w", encoding=encoding) as file:
        monkeypatch.setattr(sys, "stdout", file)
        yield
        monkeypatch.undo()


def test_bytes_are_there_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads them waits for no buffer to fill."""
    reading, writing = os.pipe()
    with standard_output(monkeypatch, writing):
        print_bytes(b"\xff\n")
        assert os.read(reading, 10) == b"\xff\n"
    os.close(reading)


def test_lines_that_the_encoding_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are escaped, not refused."""
    reading, writing = os.pipe()
    with standard_output(monkeypatch, writing, "ascii"):
        print_lines(["plain", "한"])
        assert os.read(reading, 100) == b"plain\n\\ud55c\n"
    os.close(reading)


def test_lines_without_a_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that was started with it closed still has its exit status."""
    monkeypatch.setattr(sys, "stdout", None)
    print_lines(["nobody reads this"])


def test_reader_that_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told apart from a failure, and what is left raises nothing more at the exit."""
    reading, writing = os.pipe()
    os.close(reading)
    with standard_output(monkeypatch, writing):
        with pytest.raises(CannotPrint) as caught:
            print_bytes(b"x")
        assert caught.value.reader_left
        print_bytes(b"y")


@pytest.mark.skipif(not FULL.exists(), reason="has no full device")
def test_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says why nothing was written."""
    descriptor = os.open(FULL, os.O_WRONLY)
    with standard_output(monkeypatch, descriptor), pytest.raises(CannotPrint) as caught:
        print_lines(["x"])
    assert str(caught.value) == "cannot write standard output: No space left on device"
    assert not caught.value.reader_left
