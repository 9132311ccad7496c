"""The log of the process as JSON lines."""

from __future__ import annotations

import errno
import json
import sys
from datetime import UTC, datetime

from twisted.logger import ILogObserver, LogEvent, formatEvent
from zope.interface import implementer

from sockreply.observing.line_file import LineFile
from sockreply.observing.log_file import LAST_SECONDS, LogFile


@implementer(ILogObserver)
class JSONLines:
    """Writes each event of the process's log as one JSON object on a line.

    `time`, `level`, `namespace` and the formatted `text`, and the fields that the text was made
    of, as far as JSON can express them. A file that cannot be written, or that nobody reads, costs
    only these lines; the other logs say so, once.

    Args:
        file: Where to.
        path: The path of that file, if it can be opened again.
    """

    def __init__(self, file: LogFile, path: str | None = None) -> None:
        self._file = file
        self._path = path
        self._starting: list[LogEvent] | None = []

    def started(self) -> None:
        """To be called when the loop runs: no earlier event will be repeated after that."""
        self._starting = None

    def __call__(self, event: LogEvent) -> None:
        if self._starting is not None:
            if any(event is told for told in self._starting):
                return  # twist begins its log late, and then tells everybody all that came before
            self._starting.append(event)
        fields = {
            key: value
            for key, value in event.items()
            if isinstance(value, str | int | float | None) and not key.startswith("log_")
        }
        said = formatEvent(event)
        if not said and event.get("log_failure") is None:
            return  # as with the other logs, it is not to be shown
        level = event.get("log_level")
        line = {
            "time": datetime.fromtimestamp(event["log_time"], UTC).isoformat(),
            "level": "info" if level is None else level.name,
            "namespace": event.get("log_namespace", ""),
            "text": said,
            **{key: value for key, value in fields.items() if key not in _OURS},
        }
        if (failure := event.get("log_failure")) is not None:
            line["traceback"] = failure.getTraceback()
        text = json.dumps(line, ensure_ascii=False) + "\n"
        self._file.write(text.encode("utf-8", "backslashreplace"))

    def reopen(self) -> None:
        """Open the path again, because the file may have been renamed.

        Raises:
            OSError: It cannot be opened; the file that is open stays in use.
        """
        if self._path is not None:
            self._file.reopen(_open(self._path))

    def close(self, at_end: bool = False) -> None:
        """Write no more; at the end, wait a little for what is not written yet."""
        self._file.close(2 * LAST_SECONDS if at_end else 0.0)


_OURS = {"time", "level", "namespace", "text", "traceback"}


_MODE = 0o666
"""Who may read the file is up to the umask, as with other logs."""


def open_json_log(path: str) -> JSONLines:
    """Append JSON lines to a file; `-` is standard output.

    Raises:
        OSError: It cannot be opened.
    """
    if path != "-":
        return JSONLines(LogFile(_open(path), f"JSON lines to {path}"), path)
    stream = sys.__stdout__  # sys.stdout is what twistd reads into the log itself
    if stream is None:
        raise OSError(errno.EBADF, "Standard output is closed")
    return JSONLines(LogFile(LineFile.inherited(stream.fileno()), "JSON lines to standard output"))


def _open(path: str) -> LineFile:
    return LineFile.open(path, _MODE)
