"""How lines of the log reach systemd's journal: with a level, as sd-daemon(3) describes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import IO, TextIO

from twisted.logger import (
    FileLogObserver,
    LogEvent,
    LogLevel,
    eventAsText,
    textFileLogObserver,
)

from sockreply.observing.log_stream import log_stream

_PRIORITIES: dict[object, int] = {  # of syslog(3), by which the journal tells how bad it is
    LogLevel.debug: 7,
    LogLevel.info: 6,
    LogLevel.warn: 4,
    LogLevel.error: 3,
    LogLevel.critical: 2,
}


def reaches_journal(stream: IO[str] | None, environment: Mapping[str, str] = os.environ) -> bool:
    """Has systemd connected a stream to the journal? See JOURNAL_STREAM in systemd.exec(5)."""
    if stream is None:
        return False
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):  # it is closed, or no file at all
        return False
    return environment.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def in_journal(text: str, level: object = LogLevel.error) -> str:
    """Text with its level before each line; the journal takes that off, and adds the time."""
    mark = f"<{_PRIORITIES.get(level, _PRIORITIES[LogLevel.info])}>"
    return "\n".join(mark + line for line in text.split("\n"))


def _event_in_journal(event: LogEvent) -> str:
    text = eventAsText(event, includeTimestamp=False, includeSystem=False)
    return text and in_journal(text.rstrip("\n"), event.get("log_level")) + "\n"


def text_observer(
    stream: TextIO | None, environment: Mapping[str, str] = os.environ
) -> FileLogObserver:
    """Writes events as text with the time, or with the level instead where the journal gets it.

    Args:
        stream: Where to; None: nowhere. A reader of it who stands still holds up nothing.
        environment: Tells whether the journal gets it.
    """
    if reaches_journal(stream, environment):
        return FileLogObserver(log_stream(stream), _event_in_journal)
    return textFileLogObserver(log_stream(stream))


def standard_output() -> FileLogObserver:
    """For `twistd -n --logger sockreply.observing.journal.standard_output`."""
    return text_observer(sys.stdout)
