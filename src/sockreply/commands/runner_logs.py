"""The text log of twistd and twist, where it goes to standard output or standard error.

Their own observers write to a stream and wait until it takes the line, so a reader of a pipe that
stands still would stop all services.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

from sockreply.observing.log_stream import log_stream

_LOGGER = "sockreply.observing.journal.standard_output"
"""As it is named on the command line of twistd."""


def log_without_waiting(runner: MutableMapping[str, Any]) -> None:
    """Let a runner log to a stream that never waits, in the form that it would have.

    Args:
        runner: Its options: those of twistd have a `nodaemon`, and those of twist a `logFile`. A log
            that goes to a file of its own stays as it is.
    """
    if "logFile" in runner and runner["logFile"] in (sys.stdout, sys.stderr):
        runner["logFile"] = log_stream(runner["logFile"])
    elif runner.get("nodaemon") and not _goes_elsewhere(runner):
        runner["logger"] = _LOGGER


def _goes_elsewhere(twistd: Mapping[str, Any]) -> bool:
    named = twistd.get("logfile") not in (None, "", "-")
    return named or bool(twistd.get("logger") or twistd.get("syslog"))


def why_no_output(runner: Mapping[str, Any]) -> str:
    """Why nothing can be written to standard output; empty: it can.

    Args:
        runner: As for `log_without_waiting`.
    """
    if runner.get("nodaemon") == 0:
        return "a daemon has no standard output"
    return "standard output is closed" if sys.__stdout__ is None else ""
