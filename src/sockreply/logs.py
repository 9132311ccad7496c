"""What is seen of the exchanges, and how much of it; the log as JSON lines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal, TypeAlias

from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.logger import ILogObserver, LogEvent, Logger, formatEvent
from zope.interface import implementer

from sockreply.replies.responder import Session
from sockreply.shown import SHOWN_BYTES, UNNAMED, show_address, show_bytes, show_text

Level: TypeAlias = Literal["debug", "info", "warn"]

EXCHANGES_A_SECOND = 50
"""How many exchanges are shown: nobody reads more, and an event costs more than a reply."""


class ExchangeLog:
    """Shows who connects, what is received and what is answered, up to a number a second.

    An exchange is shown whole or not at all. What is not shown is counted, and told in one line a
    second. Clients are counted apart from exchanges, against the same number. Lines begin with the
    name of the service, where it has one.

    Args:
        clock: Tells when a second is over.
        level: "debug" shows how connections ended, too; "warn" shows nothing.
        a_second: How many exchanges, and how many clients, are shown in a second.
    """

    _log = Logger(namespace="sockreply")

    kept = SHOWN_BYTES

    def __init__(
        self, clock: IReactorTime, level: Level = "info", a_second: int = EXCHANGES_A_SECOND
    ) -> None:
        self._clock = clock
        self._second: IDelayedCall | None = None
        self._silent = True  # there is nothing to tell yet
        self._open = 0  # connections
        self.hidden = self._hidden_clients = 0
        self.configure(level, a_second)

    def configure(self, level: Level, a_second: int) -> None:
        """Show that much from now on; what is still untold is told first.

        Args:
            level: As of the class.
            a_second: As of the class.
        """
        self.close()
        self._silent = level == "warn"
        self._debug = level == "debug"
        self._a_second = 0 if self._silent else a_second
        self.room = self._clients = self._ends = self._a_second
        if self._unasked:
            self._begin_second()

    def listening(self, address: IAddress) -> None:
        if not self._silent:
            self._log.info("listening on {address}", address=show_address(address))

    def connected(self, session: Session) -> None:
        self._open += 1
        if self._clients:
            self._clients -= 1
            self._begin_second()
            self._say(session, "client {peer} connected")
        else:
            self._hidden_clients += 1
            if not self._silent:
                self._begin_second()

    def received(self, session: Session, message: bytes) -> bool:
        self.room -= 1
        self._begin_second()
        self._say(
            session,
            "received from {peer}: {message}",
            message=show_bytes(message),
            size=len(message),
        )
        return True

    def answered(self, session: Session, reply: bytes, size: int) -> None:
        self._say(
            session,
            "answered {peer}: {reply}",
            reply=show_bytes(reply, size),
            size=size,
            rule=session.rule,
        )

    def silent(self, session: Session) -> None:
        self._say(session, "answered {peer} with silence", rule=session.rule)

    def remarked(self, session: Session, say: Callable[[], str]) -> None:
        self._say(session, "{peer}: {remark}", remark=show_text(say()))

    def failed(self, session: Session, error: str) -> None:
        pass  # it is logged at every level, whether the message is shown or not

    def abandoned(self, session: Session) -> None:
        self._say(session, "not answered {peer}: the connection ended first")

    def disconnected(self, session: Session, why: str) -> None:
        self._open -= 1
        if self._debug and self._ends:
            self._ends -= 1
            self._begin_second()
            self._say(session, "client {peer} gone: {why}", self._log.debug, why=why)

    def close(self) -> None:
        """Tell what is still untold; to be called at the end."""
        if self._second is not None:
            self._second.cancel()
            self._second = None
        self._tell_hidden()

    def _say(
        self,
        session: Session,
        text: str,
        log: Callable[..., None] = _log.info,
        **fields: str | int | None,
    ) -> None:
        service = session.service or UNNAMED
        if service != UNNAMED:
            text = "{service}: " + text
        log(text, peer=show_address(session.peer), service=service, **fields)

    @property
    def _unasked(self) -> bool:
        """May there be exchanges of which nobody tells us, for there never is room for one?"""
        return self._open > 0 and not self._a_second and not self._silent

    def _begin_second(self) -> None:
        if self._second is None:
            self._second = self._clock.callLater(1, self._end_second)

    def _end_second(self) -> None:
        self._second = None
        if self._tell_hidden() or self._unasked:
            self._begin_second()  # there may be more, of which nobody tells us
        self.room = self._clients = self._ends = self._a_second

    def _tell_hidden(self) -> bool:
        """Tell how much was not shown. Was there any?"""
        exchanges, clients = self.hidden, self._hidden_clients
        self.hidden = self._hidden_clients = 0
        if self._silent or not (exchanges or clients):
            return False
        self._log.info(
            "not shown: {exchanges} more exchanges, {clients} more clients in a second",
            exchanges=exchanges,
            clients=clients,
        )
        return True


@implementer(ILogObserver)
class JSONLines:
    """Writes each event of the process's log as one JSON object on a line.

    `time`, `level`, `namespace` and the formatted `text`, and the fields that the text was made
    of, as far as JSON has a form for them. A file that cannot be written costs these lines only;
    it is told to the other logs, once.

    Args:
        file: Where to; each line is flushed.
        path: The path of that file, if it can be opened again.
    """

    _log = Logger(namespace="sockreply")

    def __init__(self, file: IO[str], path: Path | None = None) -> None:
        self._file = file
        self._path = path
        self._failing = False
        self._starting: list[LogEvent] | None = []

    def started(self) -> None:
        """To be called when the loop runs: nothing that came before will be told again."""
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
                self._log.error(
                    "cannot write JSON lines to {file}: {reason}",
                    file="standard output" if self._path is None else str(self._path),
                    reason=error.strerror,
                )
            return
        if self._failing:
            self._failing = False
            self._log.warn("JSON lines are written again; some are missing")

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
