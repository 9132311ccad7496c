"""What is seen of the exchanges, and how much of it; the log as JSON lines."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal, TypeAlias

from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.logger import ILogObserver, LogEvent, Logger, formatEvent
from zope.interface import implementer

from sockreply.replies.responder import Session
from sockreply.shown import show_address, show_bytes

Level: TypeAlias = Literal["debug", "info", "warn"]

EXCHANGES_A_SECOND = 50
"""How many exchanges are shown: nobody reads more, and an event costs more than a reply."""


class ExchangeLog:
    """Shows who connects, what is received and what is answered, up to a number a second.

    An exchange is shown whole or not at all. What is not shown is counted, and told in one line a
    second. Clients are counted apart from exchanges, against the same number.

    Args:
        clock: Tells when a second is over.
        level: "debug" shows how connections ended, too; "warn" shows nothing.
        a_second: How many exchanges, and how many clients, are shown in a second.
    """

    _log = Logger(namespace="sockreply")

    def __init__(
        self, clock: IReactorTime, level: Level = "info", a_second: int = EXCHANGES_A_SECOND
    ) -> None:
        self._clock = clock
        self._silent = level == "warn"
        self._debug = level == "debug"
        self._a_second = 0 if self._silent else a_second
        self._second: IDelayedCall | None = None
        self.room = self._clients = self._ends = self._a_second
        self.hidden = self._hidden_clients = 0

    def listening(self, address: IAddress) -> None:
        if not self._silent:
            self._log.info("listening on {address}", address=show_address(address))

    def connected(self, session: Session) -> None:
        if self._clients:
            self._clients -= 1
            self._begin_second()
            self._log.info("client {peer} connected", peer=show_address(session.peer))
        else:
            self._hidden_clients += 1
            if not self._silent:
                self._begin_second()

    def received(self, session: Session, message: bytes) -> bool:
        self.room -= 1
        self._begin_second()
        self._log.info(
            "received from {peer}: {message}",
            peer=show_address(session.peer),
            message=show_bytes(message),
            size=len(message),
        )
        return True

    def answered(self, session: Session, reply: bytes, size: int) -> None:
        self._log.info(
            "answered {peer}: {reply}",
            peer=show_address(session.peer),
            reply=show_bytes(reply, size),
            size=size,
        )

    def silent(self, session: Session) -> None:
        self._log.info("answered {peer} with silence", peer=show_address(session.peer))

    def abandoned(self, session: Session) -> None:
        self._log.info(
            "not answered {peer}: the connection ended first", peer=show_address(session.peer)
        )

    def disconnected(self, session: Session, why: str) -> None:
        if self._debug and self._ends:
            self._ends -= 1
            self._begin_second()
            self._log.debug("client {peer} gone: {why}", peer=show_address(session.peer), why=why)

    def close(self) -> None:
        """Tell what is still untold; to be called at the end."""
        for _ in range(2):  # the end of a second begins another when there was something to tell
            if self._second is not None:
                self._second.cancel()
            self._end_second()

    def _begin_second(self) -> None:
        if self._second is None:
            self._second = self._clock.callLater(1, self._end_second)

    def _end_second(self) -> None:
        self._second = None
        if (self.hidden or self._hidden_clients) and not self._silent:
            self._log.info(
                "not shown: {exchanges} more exchanges, {clients} more clients in a second",
                exchanges=self.hidden,
                clients=self._hidden_clients,
            )
            self._begin_second()  # there may be more, of which nobody tells us
        self.room = self._clients = self._ends = self._a_second
        self.hidden = self._hidden_clients = 0


@implementer(ILogObserver)
class JSONLines:
    """Writes each event of the process's log as one JSON object on a line.

    `time`, `level`, `namespace` and the formatted `text`, and the fields that the text was made
    of, as far as JSON has a form for them.

    Args:
        file: Where to; each line is flushed.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file
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
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Write no more."""
        if self._file is not sys.__stdout__:
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
    return JSONLines(Path(path).open("a", encoding="utf-8", errors="backslashreplace"))
