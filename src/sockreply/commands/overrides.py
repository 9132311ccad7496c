"""What the command line sets instead of a configuration file."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from twisted.internet.endpoints import quoteStringArgument

from sockreply.errors import ConfigError
from sockreply.server.port_ranges import expanded, leading
from sockreply.settings import Level, Settings

_TCP = re.compile(r"((?:haproxy:)?(?:tcp6?|ssl|tls|udp):)(?:port=)?([^:]*)(.*)", re.DOTALL)
"""An endpoint string in three parts: before its port, the port, and what follows."""

_INTERFACE = re.compile(r":interface=(?:[^:\\]|\\.)*")


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """The options that may be given beside --config; None: the file says it.

    Args:
        port: Of the only listener; a number, or a range such as 5901-5999.
        interface: Of the only listener.
        level: Of the log.
        json: The absolute path of a file of JSON lines, or "-".
        record: The absolute path of the record.
        metrics: The endpoint string on which counts can be read.
        ready_file: The absolute path of the file that tells where the daemon listens.
    """

    port: int | str | None = None
    interface: str | None = None
    level: Level | None = None
    json: str | None = None
    record: str | None = None
    metrics: str | None = None
    ready_file: str | None = None

    def override(self, settings: Settings) -> Settings:
        """The settings of a file with these in place of its own.

        Raises:
            ConfigError: It is not clear which listener is meant, or that one has no port.
        """
        log = settings.log
        log = replace(
            log,
            level=self.level or log.level,
            json=self.json or log.json,
            record=self.record or log.record,
        )
        settings = replace(
            settings,
            log=log,
            metrics=self.metrics or settings.metrics,
            ready_file=self.ready_file or settings.ready_file,
        )
        if self.port is None and self.interface is None:
            return settings
        option = "--interface" if self.port is None else "--port"
        listeners = [
            (name, each)
            for name, service in settings.services.items()
            for each in leading(service.listen)
        ]
        if len(listeners) != 1 or len(settings.services) != 1:
            raise ConfigError(
                f"{option}: {settings.file} has {_count(len(settings.services), 'service')} with "
                f"{_count(len(listeners), 'listener')}, and only a single one can be moved"
            )
        ((name, listener),) = listeners
        found = _TCP.fullmatch(listener.written)
        if found is None:
            raise ConfigError(
                f"{option}: the listener {listener.written} in {settings.file} has no port"
            )
        moved = replace(listener, endpoint=self._moved(*found.groups()), part=None)
        service = replace(settings.services[name], listen=expanded(moved))
        return replace(settings, services={name: service})

    def _moved(self, before: str, port: str, after: str) -> str:
        """The same endpoint on another port, on another interface, or both."""
        if self.interface is not None:
            where = f":interface={quoteStringArgument(self.interface)}"
            after = _INTERFACE.sub("", after) + where
        return f"{before}{port if self.port is None else self.port}{after}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
