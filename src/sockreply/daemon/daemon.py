"""Settings become a running daemon: its start, its reload, its stop, and its process's signals."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock, gatherResults
from twisted.logger import Logger

from sockreply.conversation.shared import Shared
from sockreply.daemon.outlets import Outlets
from sockreply.daemon.ready_file import ReadyFile
from sockreply.daemon.reload import Changed, Parts, Reload
from sockreply.daemon.rereading import Rereading
from sockreply.daemon.serving import Serving, fit_limits
from sockreply.daemon.signals import Signals
from sockreply.daemon.systemd import Notifier
from sockreply.daemon.watch import Watch, places_for
from sockreply.errors import CannotStart, NotRunning
from sockreply.settings import Settings
from sockreply.turns import TakesTurns


class Daemon(Service):
    """The services of the settings, and what a process needs around them.

    SIGTERM or SIGINT drains and ends the process with status 0; a second one ends it at once.
    SIGHUP opens the logs again by name, and reads the settings' file again if there is one.

    Args:
        reactor: Runs it.
        settings: What it is to do.

    Raises:
        ConfigError: An endpoint string does not describe one, or no message fits the framing.
    """

    _log = Logger()

    def __init__(self, reactor: Any, settings: Settings) -> None:
        self.reactor = reactor
        self.settings = settings
        self.outlets = Outlets(reactor, settings.log)
        self.watch = Watch(reactor, self)
        self._ready_file = ReadyFile()
        self._systemd = Notifier(reactor, os.environ, self._open_connections)
        self.serving = {
            name: Serving(
                reactor, name, each, each.limits, self.outlets.exchanges, listen=each.listen
            )
            for name, each in settings.services.items()
        }
        self._commands: TakesTurns | None = None  # the first that there were
        self._share_commands(settings)
        self._rereading = Rereading(
            reactor, settings, self.outlets, self._systemd, lambda: self.ready, self.apply
        )
        self._signals = Signals(reactor, self._stop, self.reload)
        self._leaving: dict[Serving, Deferred[None]] = {}  # those that are drained
        self._listening = False
        self._stopping = False
        self._applying = DeferredLock()

    # What metrics ask.

    def services(self) -> Mapping[str, Shared]:
        """What the connections of each service have in common, by its name."""
        return {name: serving.factory.shared for name, serving in self.serving.items()}

    def _open_connections(self) -> int:
        every = {*self.serving.values(), *self._leaving}
        return sum(each.factory.shared.counters.open_connections for each in every)

    @property
    def ready(self) -> bool:
        """Is it listening, and not about to stop?"""
        return self._listening and not self._stopping

    @property
    def reloads(self) -> Counter[str]:
        """How often the file was reloaded, by the result: "good" or "bad"."""
        return self._rereading.results

    @property
    def record_lost(self) -> int:
        """How many lines could not be recorded."""
        return self.outlets.record_lost

    # Start and stop.

    def privilegedStartService(self) -> None:
        """Open the logs, raise the limit of descriptors and listen.

        Raises:
            CannotStart: One of these failed.
        """
        super().privilegedStartService()
        self.outlets.open()  # first, for the rest is logged there too
        self._or_give_up(self._fit)
        self._signals.take()  # who reads that it listens may already send one
        self._or_give_up(self._listen)
        self._listening = True
        for warning in self.settings.warnings:
            self._log.warn("{warning}", warning=warning)
        self.reactor.callWhenRunning(self._signals.take)  # over those that came with the loop

    def _or_give_up(self, step: Callable[[], None]) -> None:
        """Take a step of the start; if that fails, leave nothing open."""
        try:
            step()
        except CannotStart:
            for serving in self.serving.values():
                serving.service.drop()
            self._listening = False
            self.watch.close()
            self.outlets.close()
            raise

    def _fit(self) -> None:
        for name, limits in fit_limits(
            self.settings.services,
            others=places_for(self.settings.metrics),
            commands=self.settings.commands is not None,
        ).items():
            self.serving[name].factory.roster.change_limits(limits)

    def _listen(self) -> None:
        self._ready_file.prepare(self.settings.ready_file).carry_out()
        for serving in self.serving.values():
            serving.factory.shared.exchanges = self.outlets.exchanges
            serving.measure(self.settings.metrics is not None)
            serving.service.privilegedStartService()
        self.watch.prepare(self.settings.metrics).carry_out()

    def startService(self) -> None:
        """Do what `privilegedStartService` does, if nobody called it, and start.

        Raises:
            CannotStart: That failed, or the ready file cannot be written.
        """
        if not self._listening:
            self.privilegedStartService()
        # Not before, because now the daemon has the rights with which it runs.
        self._or_give_up(lambda: self._ready_file.write(self.serving, self.watch))
        super().startService()
        for serving in self.serving.values():
            serving.service.startService()
        self.reactor.callWhenRunning(self._systemd.ready)

    def stopService(self) -> Deferred[None]:
        """Drain, and log what was done."""
        super().stopService()
        self._stopping = True
        self._ready_file.remove()
        limits = [each.factory.shared.limits for each in (*self.serving.values(), *self._leaving)]
        self._systemd.stopping(
            max((each.drain_delay + each.drain_timeout for each in limits), default=0.0)
        )
        for serving in self.serving.values():
            self.leave(serving)
        return self._applying.run(self._left).addCallback(self._stopped)

    def _left(self) -> Deferred[Any]:
        """Fires when everything that drains is gone, once no change of settings is under way."""
        return gatherResults(list(self._leaving.values()))

    def leave(self, serving: Serving) -> None:
        """Drain a service, and log what it did."""

        def left(_: None) -> None:
            del self._leaving[serving]
            self.outlets.tell_hidden()
            serving.sum_up(alone=not self.settings.services.keys() - {serving.factory.shared.name})

        gone: Deferred[None] = Deferred()
        self._leaving[serving] = gone
        serving.service.stopService().addCallback(left).chainDeferred(gone)

    def _stopped(self, _: object) -> Deferred[None]:
        self._listening = self._stopping = False
        closed = self.watch.close().addCallback(lambda _: self.outlets.close())
        return closed.addCallback(lambda _: self._systemd.stopped())

    # What signals ask.

    def _stop(self, name: str) -> None:
        if self._stopping:
            self._log.info("{name} again: stopping at once", name=name)
            for serving in (*self.serving.values(), *self._leaving):
                serving.service.abort()
        else:
            self._stopping = True
            self._log.info("{name}: stopping", name=name)
            self.reactor.stop()

    def reload(self) -> None:
        """Open the logs again and read the file again: what SIGHUP does."""
        self._rereading.begin()

    # Other settings.

    async def apply(self, settings: Settings) -> None:
        """Change the settings: all of them, or none.

        One change is made at a time; others wait. Connections stay, and no reply is lost.

        Args:
            settings: What the daemon is to do from now on, wherever that comes from.

        Raises:
            ConfigError: The settings cannot be; nothing is changed.
            CannotStart: Something cannot be opened or listened on; nothing is changed.
            NotRunning: The daemon does not listen yet, or is stopping.
        """
        await self._applying.acquire()
        try:
            if not self.ready:
                raise NotRunning
            parts = Parts(
                self.settings,
                self.serving,
                self.outlets,
                self.watch,
                self._ready_file,
                lambda: self.ready,
                self.leave,
            )
            self._share_commands(settings)
            await self._adopt(settings, await Reload(self.reactor, parts, settings).carry_out())
        finally:
            self._applying.release()

    def _share_commands(self, settings: Settings) -> None:
        """Let commands wait for those of the settings before, too, which may still run."""
        if settings.commands is not None:
            self._commands = self._commands or settings.commands
            settings.commands.share(self._commands)

    async def _adopt(self, settings: Settings, changed: Changed) -> None:
        self.settings = settings
        self.serving = changed.serving
        for serving in self.serving.values():
            serving.factory.shared.exchanges = self.outlets.exchanges
            serving.measure(settings.metrics is not None)
        for serving in changed.leaving:
            self.leave(serving)
        for service, description in changed.closing:
            await service.listen_no_more(description)
        if self.ready:
            self._ready_file.update(self.serving, self.watch)
