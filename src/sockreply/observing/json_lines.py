"""The log of the process as JSON lines."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from twisted.logger import ILogObserver, LogEvent, Logger, formatEvent
from zope.interface import implementer

_log = Logger(namespace="sockreply")  # in a class, it would get that one's name


@implementer(ILogObserver)
class JSONLines:
    """Writes each event of the process's log as one JSON object on a line.

    `time`, `level`, `namespace` and the formatted `text`, and the fields that the text was made
    of, as far as JSON can express them. A file that cannot be written costs only these lines; the
    other logs say so, once.

    Args:
        file: Where to; each line is flushed.
        path: The path of that file, if it can be opened again.
    """

    def __init__(self, file: IO[str], path: Path | None = None) -> None:
        self._file = file
        self._path = path
        self._failing = False
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
        level = event.get("log_level")
        line = {
            "time": datetime.fromtimestamp(event["log_time"], UTC).isoformat(),
            "level": "info" if level is None else level.name,
            "namespace": event.get("log_namespace", ""),
            "text": formatEvent(event),
            **{key: value for key, value in fields.items() if key not in _OURS},
        }
        if (failure := event.get("log_failure")) is not None:
            line["traceback"] = failure.getTraceback()
        self._write(json.dumps(line, ensure_ascii=False) + "\n")

    def _write(self, line: str) -> None:
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            if not self._failing:
                self._failing = True  # first, for we are told of this, too
                _log.error(
                    "cannot write JSON lines to {file}: {reason}",
                    file="standard output" if self._path is None else str(self._path),
                    reason=error.strerror,
                )
            return
        if self._failing:
            self._failing = False
            _log.warn("writing JSON lines again; some are missing")

    def reopen(self) -> None:
        """Open the path anew, for the file may have been renamed.

        Raises:
            OSError: It cannot be opened; the file that is open stays in use.
        """
        if self._path is None:
            return
        before, self._file = self._file, _open_to_append(self._path)
        with suppress(OSError):  # of what it could not write, which was told then
            before.close()

    def close(self) -> None:
        """Write no more."""
        if self._file is not sys.__stdout__:
            with suppress(OSError):  # of what it could not write, which was told then
                self._file.close()


_OURS = {"time", "level", "namespace", "text", "traceback"}


def open_json_log(path: str) -> JSONLines:
    """Append JSON lines to a file; `-` is standard output.

    Raises:
        OSError: It cannot be opened.
    """
    if path == "-":
        assert sys.__stdout__ is not None  # noqa: S101 - for the type checker: there is always one
        return JSONLines(sys.__stdout__)  # sys.stdout is what twistd reads into the log itself
    return JSONLines(_open_to_append(Path(path)), Path(path))


def _open_to_append(path: Path) -> IO[str]:
    # With O_NONBLOCK a pipe that nobody reads is an error; else opening it would wait for a reader.
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o666)
    os.set_blocking(file, True)
    return os.fdopen(file, "a", encoding="utf-8", errors="backslashreplace")
