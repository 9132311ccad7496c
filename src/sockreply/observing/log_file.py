"""A file that a log goes to, whose reader or disk may hang without delaying the loop.

What has room is written at once, so that it is there even if the process dies next. What has not,
and what goes to a file of its own on a disk, waits for a thread. What finds no place there is lost,
and counted.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from twisted.logger import Logger

from sockreply.observing.line_file import LineFile

_log = Logger(namespace="sockreply")  # in a class, it would get that one's name

WAITING_BYTES = 1 << 20
"""How many bytes of lines may wait: at 50 exchanges a second, those of about half a minute."""

LAST_SECONDS = 1.0
"""How long a stop waits for lines that are not written yet. A reader that
reads needs much less, and waiting does not help one that hangs."""


def in_a_thread(work: Callable[[], None]) -> None:
    """Call something in a thread that keeps no process alive."""
    threading.Thread(target=work, name="sockreply log", daemon=True).start()


class LogFile:
    """Writes lines to a file, in order, without ever waiting for it.

    Args:
        file: The file.
        what: What is written, as an error names it.
        in_thread: Calls a function in another thread.
    """

    lost: int
    """How many lines have been lost so far."""

    def __init__(
        self,
        file: LineFile,
        what: str,
        in_thread: Callable[[Callable[[], None]], None] = in_a_thread,
    ) -> None:
        self._file = file
        self._what = what
        self._in_thread = in_thread
        # What the thread is writing is the first of these until it is written.
        self._waiting: deque[tuple[LineFile, bytes]] = deque()
        self._size = 0  # bytes that wait
        self._state = threading.Condition()  # the thread changes it too
        self._give_up_at = float("inf")
        self._reason = ""  # why a line was lost
        self._missing = 0  # lines, since we could write the last time
        self._failing = False  # was the last line lost?
        self._told = False  # that some are missing?
        self.lost = 0

    def write(self, line: bytes) -> None:
        """Write a line, now if that is possible.

        Args:
            line: With its end. It may have further line ends in it.
        """
        with self._state:
            if self._closing:
                return
            try:
                begun = 0 if self._waiting else self._file.begin(line)
            except OSError as error:
                self._lose(1, error.strerror or str(error))
            else:
                if begun < len(line):
                    self._wait_with(line[begun:])
                else:
                    self._failing = False
        self._tell()

    def reopen(self, file: LineFile) -> None:
        """Write to another file from now on; what came before goes to the one that was there."""
        with self._state:
            if file.is_same_as(self._file):  # of a full pipe, there would be one more each time
                file.close()
                return
            before, self._file = self._file, file
            if self._waiting:
                self._waiting.append((before, b""))  # it is closed when its turn comes
            else:
                before.close()

    def close(self, seconds: float = 0.0) -> None:
        """Take no more lines, and write those that wait, within `LAST_SECONDS`.

        Args:
            seconds: How long to stay until that is done.
        """
        with self._state:
            if not self._closing:
                self._give_up_at = time.monotonic() + LAST_SECONDS
                if self._waiting:
                    self._waiting.append((self._file, b""))
                else:
                    self._file.close()
            if not self._state.wait_for(lambda: not self._waiting, seconds) and seconds:
                self._lose(sum(1 for _, line in self._waiting if line), "")
            missing, self._missing = self._missing, 0
        if missing:
            _log.warn("no longer writing {what}; {lost} lines lost", what=self._what, lost=missing)

    @property
    def _closing(self) -> bool:
        return self._give_up_at < float("inf")

    def _wait_with(self, line: bytes) -> None:
        if self._size + len(line) > WAITING_BYTES:
            self._lose(1, "its reader takes no more lines")
            return
        self._waiting.append((self._file, line))
        self._size += len(line)
        if len(self._waiting) > 1:
            return  # the thread sees it
        try:
            self._in_thread(self._write_waiting)
        except RuntimeError as error:  # there can be no more threads
            self._waiting.clear()
            self._size = 0
            self._lose(1, str(error))

    def _write_waiting(self) -> None:
        """Write all that waits: what the thread does."""
        while True:
            file, line = self._waiting[0]
            _, error = file.add(line, lambda: time.monotonic() >= self._give_up_at)
            if not line:
                file.close()
            with self._state:
                self._waiting.popleft()
                self._size -= len(line)
                if error is not None:
                    self._lose(1, error.strerror or str(error))
                elif line:
                    self._failing = False
                if not self._waiting:
                    self._state.notify_all()
                    return

    def _lose(self, lines: int, reason: str) -> None:
        self._failing = True
        self._reason = reason
        self._missing += lines
        self.lost += lines

    def _tell(self) -> None:
        """Log once that lines are being lost, and once, later, how many were."""
        with self._state:
            told, self._told = self._told, self._told or self._missing > 0
            if told and not self._failing and self._size <= WAITING_BYTES // 2:
                self._told = False
                missing, self._missing = self._missing, 0
        # Other logs hear of it, and this one too, which is why everything is set by now.
        if self._told and not told:
            _log.error("cannot write {what}: {reason}", what=self._what, reason=self._reason)
        elif told and not self._told:
            _log.warn("writing {what} again; {lost} lines lost", what=self._what, lost=missing)
