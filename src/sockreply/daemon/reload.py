"""A running daemon takes on other settings: all of them, or none."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any, Protocol, TypeAlias

from twisted.logger import Logger

from sockreply.daemon.outlets import Outlets
from sockreply.daemon.serving import Serving, connections_wanted, fit_limits
from sockreply.daemon.watch import Watch
from sockreply.errors import CannotStart
from sockreply.server.endpoint_address import address_of
from sockreply.settings import Settings

Place: TypeAlias = tuple[str, str]
"""A service's name and an endpoint string on which it listens."""


def places(settings: Settings) -> list[Place]:
    """Where the services listen; a listener is the same when its service and its string are."""
    services = settings.services.items()
    return [(name, description) for name, each in services for description in each.listen]


def _same_address(one: Place, other: Place) -> bool:
    return address_of(one[1]).collides(address_of(other[1]))


class Running(Protocol):
    """What a reload asks of the daemon."""

    reactor: Any
    settings: Settings
    outlets: Outlets
    watch: Watch
    serving: dict[str, Serving]

    def leave(self, serving: Serving) -> None:
        """Drain a service that is no more to be."""


class Reload:
    """One change of settings.

    All that can fail is done first, and undone if something fails: other listeners are opened
    beside those that are there, other logs too. What is left then cannot fail.

    Args:
        daemon: Runs.
        settings: What it is to do from now on.
    """

    _log = Logger()

    def __init__(self, daemon: Running, settings: Settings) -> None:
        self._daemon = daemon
        self._settings = settings
        old, new = places(daemon.settings), places(settings)
        self._gone = [place for place in old if place not in new]
        self._added = [place for place in new if place not in old]
        self._kept = [place for place in new if place in old]
        self._serving = dict(daemon.serving)  # with the new ones

    async def carry_out(self) -> None:
        """Change over.

        Raises:
            ConfigError: The settings cannot be; nothing is changed.
            CannotStart: Something cannot be opened or listened on; nothing is changed.
        """
        daemon, services = self._daemon, self._settings.services
        limits = fit_limits(services, told=connections_wanted(daemon.settings.services))
        kept = {name: daemon.serving[name] for name in services if name in daemon.serving}
        take_on = {name: serving.prepare(services[name]) for name, serving in kept.items()}
        certificates = [kept[name].service.read_certificate(each) for name, each in self._kept]
        for name in services.keys() - kept.keys():
            self._serving[name] = Serving(
                daemon.reactor, name, services[name], limits[name], daemon.outlets.exchanges
            )
        async with AsyncExitStack() as undo:
            outlets = daemon.outlets.prepare(self._settings.log)
            undo.callback(outlets.undo)
            watch = daemon.watch.prepare(self._settings.metrics)
            undo.callback(watch.undo)
            await self._listen(undo)
            undo.pop_all()
        outlets.carry_out()
        watch.carry_out()
        for name, take in take_on.items():
            take(limits[name])
        for show in certificates:
            show()
        await self._hand_over()

    async def _listen(self, undo: AsyncExitStack) -> None:
        """Listen on what is new.

        An address may be that of a listener that goes: then that one goes first.
        """
        waiting: list[Place] = []
        in_the_way: set[Place] = set()
        for place in self._added:
            try:
                self._listen_on(place, undo)
            except CannotStart:
                takers = {gone for gone in self._gone if _same_address(gone, place)}
                if not takers:
                    raise
                in_the_way |= takers
                waiting.append(place)
        for name, description in in_the_way:
            await self._serving[name].service.listen_no_more(description)
            undo.callback(self._listen_again, name, description)
        for place in waiting:
            self._listen_on(place, undo)

    def _listen_on(self, place: Place, undo: AsyncExitStack) -> None:
        name, description = place
        service = self._serving[name].service
        service.listen_too(description)
        undo.push_async_callback(service.listen_no_more, description)

    def _listen_again(self, name: str, description: str) -> None:
        try:
            self._serving[name].service.listen_too(description)
        except CannotStart as error:
            self._log.error("{service} listens no more: {error}", service=name, error=str(error))

    async def _hand_over(self) -> None:
        """Let the new services begin and the others go, in the order of the settings."""
        daemon, services = self._daemon, self._settings.services
        leaving = [name for name in daemon.serving if name not in services]
        for name in services.keys() - daemon.serving.keys():
            self._serving[name].service.startService()
        daemon.settings = self._settings
        daemon.serving = {name: self._serving[name] for name in services}
        for serving in daemon.serving.values():
            serving.factory.shared.exchanges = daemon.outlets.exchanges
            serving.measure(self._settings.metrics is not None)
        for name in leaving:
            daemon.leave(self._serving[name])
        for name, description in self._gone:
            if name in services:
                await self._serving[name].service.listen_no_more(description)
