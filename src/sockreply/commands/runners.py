"""What twistd and twist have to do differently around a daemon of ours, by their options.

The options of twistd have a `nodaemon`, and those of twist a `logFile`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping
from io import TextIOWrapper
from typing import Any

from sockreply.errors import WrongSettings
from sockreply.observing.journal import in_journal, reaches_journal
from sockreply.observing.log_stream import log_stream

_LOGGER = "sockreply.observing.journal.standard_output"
"""As it is named on the command line of twistd."""


def log_without_waiting(runner: MutableMapping[str, Any] | None) -> None:
    """Let the text log go to a stream that never waits, where it goes to a standard stream.

    The observers of twistd and twist wait until a stream takes a line, so a reader of a pipe that
    stands still would stop all services. A log that goes to a file of its own stays as it is.

    Args:
        runner: The options of twistd or twist, or others, or none.
    """
    if runner is None:
        return
    file = runner.get("logFile")
    if "logFile" in runner and file in (sys.stdout, sys.stderr):
        runner["logFile"] = log_stream(file)
    elif isinstance(file, TextIOWrapper):
        file.reconfigure(errors="backslashreplace")  # a character that it lacks would cost the line
    elif runner.get("nodaemon") and not _logs_elsewhere(runner):
        runner["logger"] = _LOGGER


def _logs_elsewhere(twistd: Mapping[str, Any]) -> bool:
    named = twistd.get("logfile") not in (None, "", "-")
    return named or bool(twistd.get("logger") or twistd.get("syslog"))


def why_no_output(runner: Mapping[str, Any] | None) -> str:
    """Why nothing can be written to standard output; empty: it can.

    Args:
        runner: The options of twistd or twist, or others, or none.
    """
    if runner is not None and runner.get("nodaemon") == 0:
        return "a daemon has no standard output"
    return "standard output is closed" if sys.__stdout__ is None else ""


def refusal(why: str, runner: Mapping[str, Any] | None) -> WrongSettings:
    """What to raise because the settings are wrong.

    It ends twistd and twist. They know no exit status but 1 for an error with a text, so for them
    the text is printed here.

    Args:
        why: One line that names the place.
        runner: The options of twistd or twist, or others, or none.
    """
    error = WrongSettings(why)
    if runner is not None and {"nodaemon", "logFile"} & runner.keys():
        print(in_journal(why) if reaches_journal(sys.stderr) else why, file=sys.stderr)
        error.code = error.status
    return error
