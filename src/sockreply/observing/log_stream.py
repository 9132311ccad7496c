"""Standard output or error, as what Twisted's observers write text to."""

from __future__ import annotations

import atexit
import sys
from typing import TextIO, cast

from sockreply.observing.line_file import LineFile
from sockreply.observing.log_file import LAST_SECONDS, LogFile


class LogStream:
    """Takes text for a log, one or more lines at a time, and never waits for a reader.

    Args:
        file: Where to; None: nowhere, because that stream is closed.
        encoding: That of the stream. What it lacks is escaped.
    """

    def __init__(self, file: LogFile | None, encoding: str) -> None:
        self._file = file
        self.encoding = encoding

    def write(self, text: str) -> None:
        if self._file is not None:
            self._file.write(text.encode(self.encoding, "backslashreplace"))

    def flush(self) -> None:
        """Everything is written as soon as possible anyway."""

    def close(self) -> None:
        """Write no more; wait a little for what is not written yet."""
        if self._file is not None:
            self._file.close(2 * LAST_SECONDS)


def log_stream(stream: TextIO | None) -> TextIO:
    """A replacement for a stream to log to, whose reader cannot delay the loop.

    Args:
        stream: Standard output or error. Anything that is not a file is returned as it is.
    """
    if stream is None:
        return cast(TextIO, LogStream(None, "utf-8"))
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return stream
    name = "standard error" if stream is sys.stderr else "standard output"
    file = LogFile(LineFile.inherited(descriptor), f"the log to {name}")
    instead = LogStream(file, stream.encoding)
    atexit.register(instead.close)
    return cast(TextIO, instead)  # as far as observers use it
