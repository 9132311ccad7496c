"""Where a daemon writes what it does: the exchange log, JSON lines, and the record."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger, globalLogPublisher

from sockreply.conversation.exchanges import Exchanges
from sockreply.daemon.change import Change
from sockreply.errors import CannotStart
from sockreply.observing.exchange_log import ExchangeLog
from sockreply.settings import LogSettings

if TYPE_CHECKING:
    from sockreply.observing.json_lines import JSONLines
    from sockreply.observing.line_writer import LineWriter
    from sockreply.observing.record import RecordedExchanges

_log = Logger(namespace="sockreply")  # in a class, it would get that one's name


class Outlets:
    """The logs of one daemon, besides the one of twistd, twist or serve.

    Args:
        reactor: Tells the time and has threads to write in.
        settings: What is to be logged, and where.
    """

    exchanges: Exchanges
    """Hears what is received and answered."""

    def __init__(self, reactor: Any, settings: LogSettings) -> None:
        self._reactor = reactor
        self._settings = settings
        self._shown = ExchangeLog(reactor, settings.level, settings.exchanges_per_second)
        self._json: JSONLines | None = None
        self._writer: LineWriter | None = None
        self._recorded: RecordedExchanges | None = None
        self._lost_before = 0
        self.exchanges = self._shown

    @property
    def record_lost(self) -> int:
        """How many lines could not be recorded."""
        return self._lost_before + (0 if self._writer is None else self._writer.lost)

    def open(self) -> None:
        """Open what the settings name.

        Raises:
            CannotStart: Something cannot be opened; nothing is then.
        """
        change = self._open(LogSettings(), self._settings)
        change.carry_out()

    def prepare(self, settings: LogSettings) -> Change:
        """Open what other settings name, besides what is open.

        Raises:
            CannotStart: Something cannot be opened; nothing is changed then.
        """
        return self._open(self._settings, settings)

    def reopen(self) -> None:
        """Open the files again by name, because they may have been moved away."""
        for name, outlet in (("json-log", self._json), ("record", self._writer)):
            if outlet is None:
                continue
            try:
                outlet.reopen()
            except OSError as error:
                _log.error(
                    "{outlet}: still writing to the old file; it cannot be opened again: {reason}",
                    outlet=name,
                    reason=error.strerror,
                )

    @property
    def any_files(self) -> bool:
        """Is there something to open again?"""
        return self._json is not None or self._writer is not None

    def tell_hidden(self) -> None:
        """Log what is counted but not logged yet."""
        self._shown.close()

    def close(self) -> Deferred[None]:
        """Close all; fires when what was gathered is written."""
        writer, self._writer = self._writer, None
        self._recorded, self.exchanges = None, self._shown
        closed = succeed(None) if writer is None else self._close_writer(writer)
        return closed.addCallback(lambda _: self._replace_json(None, at_end=True))

    def _open(self, before: LogSettings, after: LogSettings) -> Change:
        json, writer = self._json, self._writer
        opened: list[JSONLines | LineWriter] = []

        def undo() -> None:
            for each in opened:
                each.close()

        try:
            if after.json != before.json:
                json = _opened("json-log", after.json, self._open_json_log)
                opened += [] if json is None else [json]
            if after.record != before.record:
                writer = _opened("record", after.record, self._open_record)
                opened += [] if writer is None else [writer]
        except CannotStart:
            undo()
            raise

        def carry_out() -> None:
            self._settings = after
            self._shown.configure(after.level, after.exchanges_per_second)
            if json is not self._json:
                self._replace_json(json)
            if writer is not self._writer:
                self._replace_writer(writer)

        return Change(carry_out, undo)

    @staticmethod
    def _open_json_log(path: str) -> JSONLines:
        from sockreply.observing.json_lines import open_json_log  # now, because few want one

        return open_json_log(path)

    def _open_record(self, path: str) -> LineWriter:
        from sockreply.observing.line_writer import LineWriter  # now, because few want one

        pool = self._reactor.getThreadPool
        return LineWriter(
            path, self._reactor, lambda work: deferToThreadPool(self._reactor, pool(), work)
        )

    def _replace_json(self, json: JSONLines | None, at_end: bool = False) -> None:
        """Log to another file of JSON lines; at the end, wait for what is not written yet."""
        if self._json is not None:
            globalLogPublisher.removeObserver(self._json)
            self._json.close(at_end)
        self._json = json
        if json is not None:
            globalLogPublisher.addObserver(json)
            self._reactor.callWhenRunning(json.started)

    def _replace_writer(self, writer: LineWriter | None) -> None:
        if self._writer is not None:
            self._close_writer(self._writer)
        self._writer = writer
        if writer is None:
            if self._recorded is not None:
                self._shown.leave_out(self._recorded.unshown())
            self._recorded, self.exchanges = None, self._shown
        elif self._recorded is not None:
            self._recorded.writer = writer  # it knows the exchanges that are going on
        else:
            from sockreply.observing.record import RecordedExchanges  # now, because few want one

            self.exchanges = self._recorded = RecordedExchanges(self._shown, writer)

    def _close_writer(self, writer: LineWriter) -> Deferred[None]:
        def closed(_: object) -> None:
            self._lost_before += writer.lost

        return writer.close().addCallback(closed)


def _opened(name: str, path: str | None, open_: Callable[[str], Any]) -> Any:
    try:
        return None if path is None else open_(path)
    except OSError as error:
        raise CannotStart(f"{name}: {path}: {error.strerror}") from None
