"""One service as a daemon runs it, and how its settings change while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from twisted.logger import Logger

from sockreply.conversation.counters import Histogram
from sockreply.conversation.exchanges import Exchanges
from sockreply.conversation.shared import Dialect
from sockreply.daemon.descriptors import (
    FEW_LISTENERS,
    OF_COMMANDS,
    beside_commands,
    fit_descriptors,
)
from sockreply.errors import CannotStart, ConfigError
from sockreply.replies.responder import Responder, optional, unwrapped
from sockreply.server.factory import ReplyFactory
from sockreply.server.service import ReplyService
from sockreply.settings import Limits, ListenerSettings, ServiceSettings

_log = Logger()


class Serving:
    """A service and the settings that it follows.

    Args:
        reactor: Runs it.
        name: The service's.
        settings: What it is to do.
        limits: What its peers may do, once it is known what the process can.
        exchanges: Hears what is received and answered.
        listen: Where to listen as soon as it starts.

    Raises:
        ConfigError: An endpoint string does not describe one, or no message fits the framing.
    """

    def __init__(
        self,
        reactor: Any,
        name: str,
        settings: ServiceSettings,
        limits: Limits,
        exchanges: Exchanges,
        listen: Sequence[ListenerSettings] = (),
    ) -> None:
        self.settings = settings
        self.factory = ReplyFactory(
            settings.framing,
            settings.responder,
            reactor,
            keep_alive=settings.keep_alive,
            greeting=settings.greeting,
            limits=limits,
            exchanges=exchanges,
            name=name,
            shown_as=settings.shown_as,
        )
        self.service = ReplyService(reactor, self.factory, listen)
        self._encodings = WeakKeyDictionary({self.factory.shared.dialect: settings.encoding})

    def measure(self, wanted: bool) -> None:
        """Measure how long replies take, or do not."""
        counters = self.factory.shared.counters
        if not wanted:
            counters.reply_seconds = None
        elif counters.reply_seconds is None:
            counters.reply_seconds = Histogram()

    def prepare(self, settings: ServiceSettings) -> Callable[[Limits], None]:
        """Get ready to follow other settings.

        Args:
            settings: What it is to do from now on; where it listens is left as it is.

        Returns:
            Takes them on, with the limits that the process can keep: the framing and the encoding
            for new connections, all else for the next message of each.

        Raises:
            ConfigError: The rules do not fit an encoding that a connection still uses.
        """
        speaks = {settings.encoding: settings.responder}
        for encoding in set(self._encodings.values()) - {settings.encoding}:
            speaks[encoding] = self._responder_in(encoding, settings)

        def take_on(limits: Limits) -> None:
            self._take_on(settings, limits, speaks)

        return take_on

    def sum_up(self, alone: bool) -> None:
        """Log what it has done.

        Args:
            alone: Need its name not be told, because there is no other service?
        """
        counters, name = self.factory.shared.counters, self.factory.shared.name
        _log.info(
            "{by}served {connections} connections: {messages} messages, {replies} replies, "
            "{silences} silences, {errors} errors",
            by="" if alone else f"{name} ",
            connections=counters.connections,
            messages=counters.messages,
            replies=counters.replies,
            silences=counters.silences,
            errors=counters.errors.total(),
        )

    def _responder_in(self, encoding: str, settings: ServiceSettings) -> Responder:
        if settings.responder_in is None:
            return settings.responder
        try:
            return settings.responder_in(encoding)
        except ConfigError as error:
            reason = f"some connections still use the encoding {encoding}: {error}"
            raise ConfigError(f"services.{self.factory.shared.name}: {reason}") from None

    def _take_on(
        self, settings: ServiceSettings, limits: Limits, speaks: dict[str, Responder]
    ) -> None:
        factory, before = self.factory, self.factory.shared.responder
        self._let_take_over(settings.responder, before)
        for dialect, encoding in self._encodings.items():
            dialect.responder = speaks[encoding]
        now = settings.framing, settings.encoding, settings.shown_as
        before_that = factory.shared.framing, self.settings.encoding, self.settings.shown_as
        if now != before_that:
            factory.shared.dialect = Dialect(
                settings.framing, settings.responder, settings.shown_as
            )
            self._encodings[factory.shared.dialect] = settings.encoding
        factory.shared.keep_alive = settings.keep_alive
        factory.shared.greeting = settings.greeting
        factory.roster.change_limits(limits)
        self.settings = settings

    def _let_take_over(self, responder: Responder, before: Responder) -> None:
        """Let a responder continue where the one before it stopped, if it can."""
        take_over, is_code = optional(responder, "take_over"), unwrapped(responder) is not responder
        if take_over is None or is_code:
            for connection in self.factory.roster.connections:
                connection.session.rule = None  # it would never name another one
        if take_over is None:
            return
        try:
            take_over(unwrapped(before))
        except Exception:  # a user's code may raise anything, and it is too late to go back
            _log.failure("{service}: take_over failed", service=self.factory.shared.name)


def connections_wanted(services: Mapping[str, ServiceSettings]) -> int:
    """How many connections the services may have together."""
    return sum(each.limits.max_connections for each in services.values())


def fit_limits(
    services: Mapping[str, ServiceSettings],
    told: int = 0,
    *,
    others: int = 0,
    commands: bool = False,
) -> dict[str, Limits]:
    """The limits of the services, with as many connections as the process can have open.

    Args:
        services: Their settings.
        told: It is already known that this many connections together do not fit.
        others: Connections to something else that there may be besides.
        commands: Do rules run commands? These have descriptors as well, except where the operator
            wants these for connections: then some commands have to wait.

    Returns:
        Those of the settings, by service. If their sum does not fit, services for which nobody set
        a number get fewer connections, and that is logged.

    Raises:
        CannotStart: The listeners, or the connections that were asked for, do not fit.
    """
    limits = {name: each.limits for name, each in services.items()}
    wanted = connections_wanted(services)
    pipes = commands * OF_COMMANDS
    listeners = sum(len(each.listen) for each in services.values())
    more = max(0, listeners - FEW_LISTENERS)
    allowed = fit_descriptors(wanted + others + more + pipes)
    fitting = max(0, allowed - others - more)
    room = beside_commands(fitting) if commands else fitting
    if room >= wanted:
        return limits
    together = f" of {len(services)} services" if len(services) > 1 else ""
    defaults = [name for name, each in services.items() if not each.max_connections_asked]
    asked = sum(limits[name].max_connections for name in limits if name not in defaults)
    least = asked + len(defaults)
    if fitting < least <= allowed - others:
        reason = f"{listeners} listeners do not fit the limit on open files"
        both = allowed - others + listeners - more
        raise CannotStart(f"{reason}, which allows {both} listeners and connections together")
    if fitting < least:
        reason = f"max-connections {wanted}{together} does not fit the limit on open files"
        raise CannotStart(f"{reason}, which allows {fitting}")
    if defaults and wanted > told:
        text = "at most {fitting} connections{together}: the limit on open files allows no more"
        _log.info(text, fitting=max(room, least), together=together)
    for name in defaults:
        share = max(1, (room - asked) // len(defaults))
        limits[name] = replace(limits[name], max_connections=share)
    return limits
