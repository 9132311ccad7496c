"""How a running daemon changes its settings: all of them, or none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, NamedTuple, TypeAlias

from twisted.logger import Logger

from sockreply.daemon.outlets import Outlets
from sockreply.daemon.ready_file import ReadyFile
from sockreply.daemon.serving import Serving, connections_wanted, fit_limits
from sockreply.daemon.watch import Watch, places_for
from sockreply.errors import CannotStart, NotRunning
from sockreply.server.endpoint_address import EndpointAddress, address_of
from sockreply.server.service import ReplyService
from sockreply.settings import ListenerSettings, Settings

Place: TypeAlias = tuple[str, ListenerSettings]
"""A service's name and a listener of it."""


def places(settings: Settings) -> list[Place]:
    """Where the services listen."""
    services = settings.services.items()
    return [(name, listener) for name, each in services for listener in each.listen]


def _without(those: list[Place], others: list[Place]) -> list[Place]:
    """The places that are not among others: a listener is known by its service and its string."""
    known = {(name, listener.endpoint) for name, listener in others}
    return [place for place in those if (place[0], place[1].endpoint) not in known]


class _Taken:
    """Finds the places that have an address.

    Args:
        places: All of them.
    """

    def __init__(self, places: list[Place]) -> None:
        self._by_key = defaultdict[object, list[tuple[EndpointAddress, Place]]](list)
        for place in places:
            address = address_of(place[1].endpoint)
            self._by_key[address.key].append((address, place))

    def by(self, place: Place) -> list[Place]:
        """Those that a place cannot be listened on beside."""
        wanted = address_of(place[1].endpoint)
        return [other for address, other in self._by_key[wanted.key] if address.collides(wanted)]


class Parts(NamedTuple):
    """What a running daemon is made of.

    Args:
        settings: What it is to do.
        serving: Its services, by name.
        outlets: Its logs.
        watch: Where its counts can be read.
        ready_file: What tells programs where it listens.
        ready: Is it to go on?
        leave: Drains a service.
    """

    settings: Settings
    serving: Mapping[str, Serving]
    outlets: Outlets
    watch: Watch
    ready_file: ReadyFile
    ready: Callable[[], bool]
    leave: Callable[[Serving], object]


class Changed(NamedTuple):
    """What has become of a daemon's services.

    Args:
        serving: Those that there are now, by name, in the order of the settings.
        leaving: Those that are to be drained.
        closing: Services that stay, and an endpoint string on which each is to listen no more.
    """

    serving: dict[str, Serving]
    leaving: Sequence[Serving]
    closing: Sequence[tuple[ReplyService, str]]


class Reload:
    """One change of settings.

    All that can fail is done first, and undone if something fails: other listeners are opened
    beside those that are there, other logs too. What is left then cannot fail.

    Args:
        reactor: Runs new services.
        parts: The daemon as it is.
        settings: What it is to do from now on.
    """

    _log = Logger()

    def __init__(self, reactor: Any, parts: Parts, settings: Settings) -> None:
        self._reactor = reactor
        self._parts = parts
        self._settings = settings
        old, new = places(parts.settings), places(settings)
        self._gone = _without(old, new)
        self._added = _without(new, old)
        self._kept = _without(new, self._added)
        self._serving = dict(parts.serving)  # with the new ones

    async def carry_out(self) -> Changed:
        """Change over.

        Returns:
            What the daemon has to adopt.

        Raises:
            ConfigError: The settings cannot be; nothing is changed.
            CannotStart: Something cannot be opened or listened on; nothing is changed.
            NotRunning: The daemon was told to stop meanwhile; nothing is changed.
        """
        parts, services = self._parts, self._settings.services
        commands, before = self._settings.commands is not None, parts.settings
        known = commands == (before.commands is not None)
        limits = fit_limits(
            services,
            told=connections_wanted(before.services) if known else 0,
            others=places_for(self._settings.metrics),
            commands=commands,
        )
        kept = {name: parts.serving[name] for name in services if name in parts.serving}
        take_on = {name: serving.prepare(services[name]) for name, serving in kept.items()}
        listeners = defaultdict[str, list[ListenerSettings]](list)
        for name, listener in self._kept:
            listeners[name].append(listener)
        changes = [kept[name].service.prepare(*each) for name, each in listeners.items()]
        for name in services.keys() - kept.keys():
            self._serving[name] = Serving(
                self._reactor, name, services[name], limits[name], parts.outlets.exchanges
            )
        async with AsyncExitStack() as undo:
            undo.callback(self._leave_new)
            outlets = parts.outlets.prepare(self._settings.log)
            undo.callback(outlets.undo)
            watch = parts.watch.prepare(self._settings.metrics)
            undo.callback(watch.undo)
            ready_file = parts.ready_file.prepare(self._settings.ready_file)
            await self._listen(undo)
            undo.pop_all()
        outlets.carry_out()
        watch.carry_out()
        ready_file.carry_out()
        for name, take in take_on.items():
            take(limits[name])
        for change in changes:
            change()
        for name in services.keys() - kept.keys():
            self._serving[name].service.startService()
        return self._changed()

    def _changed(self) -> Changed:
        services = self._settings.services
        return Changed(
            serving={name: self._serving[name] for name in services},
            leaving=[each for name, each in self._parts.serving.items() if name not in services],
            closing=[
                (self._serving[name].service, listener.endpoint)
                for name, listener in self._gone
                if name in services
            ],
        )

    async def _listen(self, undo: AsyncExitStack) -> None:
        """Listen on what is new.

        An address may be that of a listener that goes: then that one goes first.
        """
        waiting: list[Place] = []
        in_the_way: dict[tuple[str, str], Place] = {}
        taken: _Taken | None = None
        for place in self._added:
            try:
                self._listen_on(place, undo)
            except CannotStart:
                taken = taken or _Taken(self._gone)
                takers = taken.by(place)
                if not takers:
                    raise
                in_the_way |= {(taker[0], taker[1].endpoint): taker for taker in takers}
                waiting.append(place)
        for name, listener in in_the_way.values():
            await self._serving[name].service.listen_no_more(listener.endpoint)
            undo.callback(self._listen_again, name, listener)
            if not self._parts.ready():
                raise NotRunning
        for place in waiting:
            self._listen_on(place, undo)

    def _listen_on(self, place: Place, undo: AsyncExitStack) -> None:
        name, listener = place
        service = self._serving[name].service
        service.listen_too(listener)
        undo.push_async_callback(service.listen_no_more, listener.endpoint)

    def _leave_new(self) -> None:
        """Drain those connections that new services have taken already."""
        for name in self._serving.keys() - self._parts.serving.keys():
            if not self._serving[name].factory.roster.is_empty:
                self._parts.leave(self._serving[name])

    def _listen_again(self, name: str, listener: ListenerSettings) -> None:
        if not self._parts.ready():
            return
        try:
            self._serving[name].service.listen_too(listener)
        except CannotStart as error:
            self._log.error(
                "{service} is no longer listening: {error}", service=name, error=str(error)
            )
