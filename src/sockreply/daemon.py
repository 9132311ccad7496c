"""Settings become a running daemon: its start, its stop, and the signals of its process."""

from __future__ import annotations

import signal
from dataclasses import replace
from types import FrameType
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger, globalLogPublisher

from sockreply.config.settings import Settings
from sockreply.descriptors import fit_descriptors
from sockreply.errors import CannotStart
from sockreply.logs import ExchangeLog, JSONLines, open_json_log
from sockreply.server.factory import ReplyFactory
from sockreply.server.service import ReplyService


class Daemon(Service):
    """The services of the settings, and what a process needs around them.

    SIGTERM or SIGINT drains and ends the process with status 0, a second one at once. SIGHUP,
    which would end a process, is logged.

    Args:
        reactor: Runs it.
        settings: What it is to do.

    Raises:
        ConfigError: An endpoint string describes no endpoint, or no message fits the framing.
    """

    _log = Logger()

    def __init__(self, reactor: Any, settings: Settings) -> None:
        self._reactor = reactor
        self._settings = settings
        self._listening = False
        self._stopping = False
        self._json: JSONLines | None = None
        self._exchanges = ExchangeLog(
            reactor, settings.log.level, settings.log.exchanges_per_second
        )
        serve = settings.service
        self._factory = ReplyFactory(
            serve.framing,
            serve.responder,
            reactor,
            keep_alive=serve.keep_alive,
            greeting=serve.greeting,
            limits=serve.limits,
            exchanges=self._exchanges,
        )
        self.service = ReplyService(reactor, self._factory, serve.listen)

    def privilegedStartService(self) -> None:
        """Raise the limit of descriptors, open the JSON log and listen.

        Raises:
            CannotStart: One of these failed.
        """
        super().privilegedStartService()
        self._fit_connections()
        self._open_json_log()
        try:
            self.service.privilegedStartService()
        except CannotStart:
            self._close_json_log()
            raise
        self._listening = True
        self._reactor.callWhenRunning(self._take_signals)

    def startService(self) -> None:
        """Do what `privilegedStartService` does, if nobody called it, and start."""
        if not self._listening:
            self.privilegedStartService()
        super().startService()
        self.service.startService()

    def stopService(self) -> Deferred[None]:
        """Drain, and tell what was done."""
        super().stopService()
        return self.service.stopService().addCallback(self._stopped)

    def _stopped(self, _: None) -> None:
        self._listening = False
        self._exchanges.close()
        counters = self._factory.counters
        self._log.info(
            "served {connections} connections: {messages} messages, {replies} replies, "
            "{silences} silences, {errors} errors",
            connections=counters.connections,
            messages=counters.messages,
            replies=counters.replies,
            silences=counters.silences,
            errors=counters.errors.total(),
        )
        self._close_json_log()

    def _fit_connections(self) -> None:
        limits = self._factory.limits
        asked = self._settings.service.max_connections_asked
        fitting = fit_descriptors(limits.max_connections)
        if fitting < limits.max_connections:
            reason = f"max-connections {limits.max_connections} does not fit the limit of open"
            reason += f" files, which allows {fitting}"
            if asked or not fitting:
                raise CannotStart(reason)
            self._log.warn("{reason}: so it is {fitting}", reason=reason, fitting=fitting)
            self._factory.limits = replace(limits, max_connections=fitting)

    def _open_json_log(self) -> None:
        path = self._settings.log.json
        if path is None:
            return
        try:
            self._json = open_json_log(path)
        except OSError as error:
            raise CannotStart(f"json-log: {path}: {error.strerror}") from None
        globalLogPublisher.addObserver(self._json)
        self._reactor.callWhenRunning(self._json.started)

    def _close_json_log(self) -> None:
        if self._json is not None:
            globalLogPublisher.removeObserver(self._json)
            self._json.close()
            self._json = None

    def _take_signals(self) -> None:
        """Put our handlers over the reactor's, whose exit status would be the signal's."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop_signal)
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, self._hangup_signal)

    def _stop_signal(self, number: int, _: FrameType | None) -> None:
        self._reactor.callFromThread(self._stop, signal.Signals(number).name)

    def _hangup_signal(self, _: int, __: FrameType | None) -> None:
        self._reactor.callFromThread(self._log.info, "SIGHUP ignored: there is no file to reload")

    def _stop(self, name: str) -> None:
        if self._stopping:
            self._log.info("{name} again: stopping at once", name=name)
            self.service.abort()
        else:
            self._stopping = True
            self._log.info("{name}: stopping", name=name)
            self._reactor.stop()
