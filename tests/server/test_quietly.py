"""Twisted without its lines in the log."""

from __future__ import annotations

from io import StringIO

from twisted.logger import Logger, globalLogPublisher, textFileLogObserver
from twisted.python import log

from sockreply.server.quietly import quietly


def test_quietly() -> None:
    """Plain lines are not shown; events of a `Logger` are."""

    def work(what: str) -> str:
        log.msg("not shown")
        Logger().info("{what} shown", what=what)
        return "done"

    shown = StringIO()
    observer = textFileLogObserver(shown)
    globalLogPublisher.addObserver(observer)
    try:
        assert quietly(work, "this is") == "done"
        log.msg("and this")
    finally:
        globalLogPublisher.removeObserver(observer)
    assert "not shown" not in shown.getvalue()
    for text in ("this is shown", "and this"):
        assert text in shown.getvalue()
