"""Where a service listens: endpoint strings, or tables with one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from sockreply.config import form
from sockreply.config.problems import Place
from sockreply.config.read_endpoints import read_endpoint
from sockreply.config.read_proxies import read_proxies
from sockreply.config.reading import Reading
from sockreply.errors import ConfigError
from sockreply.settings import ListenerSettings

_Written: TypeAlias = str | form.Listener


def read_listeners(
    written: _Written | list[_Written], reading: Reading
) -> tuple[ListenerSettings, ...]:
    """The listeners of a service, as far as they are right."""
    listeners: list[ListenerSettings] = []
    with reading.problems.at("listen"):
        if written in ("", [], [""]) and not reading.problems.here():
            raise ConfigError("is missing; for example 'tcp:12345:interface=127.0.0.1'")
        entries: Iterable[tuple[Place, _Written]] = reading.problems.each(written)
        for at, each in entries:
            with at:
                listeners.append(_read(each, reading))
    return tuple(listeners)


def _read(written: _Written, reading: Reading) -> ListenerSettings:
    if isinstance(written, str):
        return ListenerSettings(read_endpoint(written, reading))
    with reading.problems.at("endpoint"):
        read_endpoint(written.endpoint, reading)
    proxies = None
    if written.proxy_from is not None:
        with reading.problems.at("proxy_from"):
            proxies = read_proxies(written.proxy_from, written.endpoint, reading)
    return ListenerSettings(written.endpoint, proxy_from=proxies)
