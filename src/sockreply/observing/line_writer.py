"""Lines on their way to a file.

They gather, and a thread writes them, so that a slow disk holds up no reply. What cannot be written
is lost, and counted; it neither fills the memory nor ends the service.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from itertools import groupby
from typing import TypeAlias

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from sockreply.observing.line_file import LineFile

_log = Logger(namespace="sockreply")  # in a class, it would get that one's name


GATHERED_SECONDS = 0.5
"""How long a line may wait for others: a crash loses no more than that."""

GATHERED_BYTES = 1 << 18
"""How many bytes of lines are written at once, at which size a write costs little more than its
bytes."""

WAITING_BYTES = 1 << 24
"""How many bytes of lines may wait to be written: some seconds of a busy service."""

PIPE_SECONDS = 5.0
"""How long lines wait for the reader of a full pipe, which may hold up the end for that long. Lines
that come later do not wait, until it reads again."""

_MODE = 0o640
"""A record is for its owner and the group: it has all that peers say."""


class _Batch:
    """Lines that are written together.

    Args:
        file: Where to.
    """

    __slots__ = ("file", "hurry", "last", "lines", "size")

    def __init__(self, file: LineFile) -> None:
        self.file = file
        self.lines: list[bytes] = []
        self.size = 0
        self.last = False  # is the file closed then?
        self.hurry = False  # is it not to wait for a reader?

    def write(self) -> tuple[int, Exception | None]:
        """Write it; returns as `LineFile.add` does."""
        deadline = time.monotonic() + (0.0 if self.hurry else PIPE_SECONDS)
        result = self.file.add(b"".join(self.lines), lambda: time.monotonic() >= deadline)
        if self.last:
            self.file.close()
        return result


InThread: TypeAlias = Callable[
    [Callable[[], tuple[int, Exception | None]]], "Deferred[tuple[int, Exception | None]]"
]
"""Calls a function in another thread, as `deferToThread` does."""


class LineWriter:
    """Writes lines to a file, in the background and in order.

    Args:
        path: The file; lines are added to what is there.
        clock: Tells the time, in seconds since 1970, and when lines have gathered long enough.
        in_thread: Calls a function in another thread.

    Raises:
        OSError: The file cannot be opened.
    """

    lost: int
    """How many lines could not be written, ever."""

    def __init__(self, path: str, clock: IReactorTime, in_thread: InThread) -> None:
        self._path = path
        self.clock = clock
        self._in_thread = in_thread
        self._batch = _Batch(LineFile.open(path, _MODE))
        self._due: deque[_Batch] = deque()
        self._waiting = 0  # bytes, also of what is being written
        self._timer: IDelayedCall | None = None
        self._busy = False
        self._stuck = False  # did nobody read from the pipe?
        self._closed: Deferred[None] | None = None
        self._missing = 0  # lines, since it could write the last time
        self.lost = 0

    def write(self, line: bytes) -> None:
        """Write a line soon.

        Args:
            line: With its end.
        """
        if self._closed is not None:
            self._lose(1, "it is closed")
        elif self._waiting + len(line) > WAITING_BYTES:
            self._lose(1, "exchanges come faster than they can be written")
        else:
            self._waiting += len(line)
            self._batch.lines.append(line)
            self._batch.size += len(line)
            if self._batch.size >= GATHERED_BYTES:
                self._cut()
            elif self._timer is None:
                self._timer = self.clock.callLater(GATHERED_SECONDS, self._cut)

    def reopen(self) -> None:
        """Open the path again: the file may have been renamed, and what came before goes to that.

        Raises:
            OSError: It cannot be opened; the file that is open stays in use.
        """
        file = LineFile.open(self._path, _MODE)
        self._batch.last = True
        self._cut(file)

    def close(self) -> Deferred[None]:
        """Write what is left, at once.

        Returns:
            Fires when that is done: now, or when the thread that writes is done.
        """
        if self._closed is None:
            self._closed = Deferred()
            self._batch.last = True
            self._cut()
        return self._closed

    def _cut(self, file: LineFile | None = None) -> None:
        """Have what has gathered written, and start again, for another file if there is one."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        self._due.append(self._batch)
        self._batch = _Batch(self._batch.file if file is None else file)
        self._go_on()

    def _go_on(self) -> None:
        if self._busy:
            return
        if self._closed is not None:
            self._finish(self._closed)
        elif self._due:
            batch = self._due.popleft()
            batch.hurry = self._stuck
            self._busy = True
            writing = self._in_thread(batch.write)
            writing.addErrback(_nothing_written)
            writing.addCallback(self._written, batch)

    def _written(self, result: tuple[int, Exception | None], batch: _Batch) -> None:
        self._busy = False
        self._account(result, batch)
        self._go_on()

    def _account(self, result: tuple[int, Exception | None], batch: _Batch) -> None:
        written, error = result
        self._stuck = isinstance(error, TimeoutError)
        self._waiting -= batch.size
        if lost := len(batch.lines) - written:
            self._lose(lost, getattr(error, "strerror", None) or str(error))
        elif written and self._missing and self._waiting <= WAITING_BYTES // 2:
            _log.warn("recording resumed; {lost} exchanges lost", lost=self._missing)
            self._missing = 0

    def _lose(self, lines: int, reason: str) -> None:
        if not self._missing:
            _log.error("cannot record to {path}: {reason}", path=self._path, reason=reason)
        self._missing += lines
        self.lost += lines

    def _finish(self, closed: Deferred[None]) -> None:
        due, self._due = self._due, deque()
        for file, batches in groupby(due, lambda batch: batch.file):
            rest = _Batch(file)  # in one, for a full pipe is waited for each time
            rest.last = True
            for batch in batches:
                rest.lines += batch.lines
                rest.size += batch.size
            rest.hurry = self._stuck
            self._account(rest.write(), rest)
        if self._missing:
            _log.warn("recording ended; {lost} exchanges lost", lost=self._missing)
        closed.callback(None)


def _nothing_written(failure: Failure) -> tuple[int, Exception | None]:
    """The thread could not do its work, or not even begin."""
    return 0, failure.value if isinstance(failure.value, Exception) else None
