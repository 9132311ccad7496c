"""A file that lines are appended to, whatever it is: a file on a disk, a pipe, a terminal."""

from __future__ import annotations

import errno
import os
import select
import stat
from collections.abc import Callable
from contextlib import suppress

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
"""Without O_NONBLOCK opening a pipe that nobody reads would wait for a reader."""

_PIECE = 4096
"""How much fits into what poll(2) says has room, for that is PIPE_BUF on Linux."""

_LOOK_SECONDS = 0.1
"""How often `give_up` is called while there is no room, in seconds."""


class LineFile:
    """Lines are appended to it: each in full or not at all, as far as possible.

    Args:
        descriptor: It is closed with this object.
    """

    def __init__(self, descriptor: int) -> None:
        self._file = descriptor
        self._regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._waits = self._regular  # must `begin` leave it alone?
        self._begun = 0  # bytes of a line that `add` has to go on with
        self._torn = False  # is the last line not whole?

    @classmethod
    def open(cls, path: str, mode: int) -> LineFile:
        """Append to the file of that name.

        Args:
            path: Where it is, or is made.
            mode: Who may read it if it is made.

        Raises:
            OSError: It cannot be opened.
        """
        try:
            return cls(os.open(path, _FLAGS | os.O_CREAT, mode))
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            raise OSError(error.errno, "Nobody reads from this pipe", path) from None

    @classmethod
    def inherited(cls, descriptor: int) -> LineFile:
        """Append to what others have open too, such as standard output.

        A pipe or a terminal is opened again where that is possible, because to switch off waiting
        would switch it off for all who have it. A file on a disk is written at once, as anybody
        expects of standard output.
        """
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            with suppress(OSError):  # it is a socket, or there is no /proc
                return cls(os.open(f"/proc/self/fd/{descriptor}", _FLAGS))
        file = cls(os.dup(descriptor))
        file._waits = False
        return file

    def begin(self, lines: bytes) -> int:
        """Add as much as there is room for now.

        Only pipes, sockets and terminals know that they have room. A disk may always let us wait,
        so nothing is added to a file that we have opened there.

        Returns:
            How many bytes there are now; `add` can go on with the next one.

        Raises:
            OSError: It takes no more.
        """
        if self._waits or self._torn:
            return 0
        written = os.write(self._file, lines) if self._regular else self._fill(lines)
        self._begun = written % len(lines)
        return written

    def add(self, lines: bytes, give_up: Callable[[], bool]) -> tuple[int, OSError | None]:
        """Add lines, as many as can be.

        Args:
            lines: Each with its end.
            give_up: Asked while there is no room.

        Returns:
            How many there are now, and why there are no more.
        """
        view, written, error = memoryview(lines), 0, None
        try:
            if self._torn:
                self._write(b"\n", give_up)
                self._torn = False
            while written < len(lines):
                written += self._write(view[written:], give_up)
        except OSError as stopped:
            error = stopped
        whole = lines.rfind(b"\n", 0, written) + 1
        rest, self._begun = written - whole + (0 if whole else self._begun), 0
        if rest:
            self._take_off(rest)
        return lines.count(b"\n", 0, whole), error

    def is_same_as(self, other: LineFile) -> bool:
        """Would lines go to the same place?"""
        return os.path.sameopenfile(self._file, other._file)

    def close(self) -> None:
        with suppress(OSError):  # nothing could be done about it
            os.close(self._file)

    def _fill(self, lines: bytes) -> int:
        written = 0
        while written < len(lines) and self._has_room(0.0):
            with suppress(BlockingIOError):  # somebody else was faster
                written += os.write(self._file, lines[written : written + _PIECE])
        return written

    def _write(self, data: bytes | memoryview, give_up: Callable[[], bool]) -> int:
        if self._regular:
            return os.write(self._file, data)
        while True:
            if self._has_room(0.0):
                with suppress(BlockingIOError):  # somebody else was faster
                    return os.write(self._file, data[:_PIECE])
            if give_up():
                raise TimeoutError(errno.ETIMEDOUT, "The pipe is full")
            self._has_room(_LOOK_SECONDS)

    def _has_room(self, seconds: float) -> bool:
        """Does it take something within that time, or fail at once?"""
        room = select.poll()
        room.register(self._file, select.POLLOUT)
        return bool(room.poll(seconds * 1000))

    def _take_off(self, size: int) -> None:
        """Remove the beginning of a line again, or let it be ended before the next one."""
        self._torn = True
        if not self._regular:
            return
        with suppress(OSError):
            end = os.lseek(self._file, 0, os.SEEK_CUR)
            if os.fstat(self._file).st_size == end:  # else others write to it too
                os.ftruncate(self._file, end - size)
                os.lseek(self._file, end - size, os.SEEK_SET)  # standard output may not append
                self._torn = False
