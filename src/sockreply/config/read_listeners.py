"""Where a service listens: endpoint strings, or tables with one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias

from sockreply.config import form
from sockreply.config.problems import Place
from sockreply.config.read_endpoints import read_endpoints
from sockreply.config.read_proxies import read_proxies
from sockreply.config.read_tls import read_tls, warn_of_dates
from sockreply.config.reading import Reading
from sockreply.errors import ConfigError
from sockreply.server.certificates import certificates_of
from sockreply.server.endpoints import has_certificate, is_datagram
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
                listeners += _read(each, reading)
    return tuple(listeners)


def _read(written: _Written, reading: Reading) -> tuple[ListenerSettings, ...]:
    """A listener, or one for each port of a range."""
    if isinstance(written, str):
        listeners = read_endpoints(written, reading)
        for certificate in certificates_of(listeners[0]):
            warn_of_dates(certificate, reading)
        return listeners
    listeners = ()
    with reading.problems.at("endpoint"):
        listeners = read_endpoints(written.endpoint, reading)
    proxies = tls = None
    if written.proxy_from is not None:
        with reading.problems.at("proxy_from"):
            if is_datagram(written.endpoint):
                raise ConfigError("PROXY headers are for streams, not for UDP")
            proxies = read_proxies(written.proxy_from, written.endpoint, reading)
    if written.tls is not None:
        with reading.problems.at("tls"):
            if is_datagram(written.endpoint):
                raise ConfigError("TLS is for streams, not for UDP")
            if has_certificate(written.endpoint):
                raise ConfigError(
                    f"endpoint {written.endpoint} has TLS of its own; with tls, use tcp:"
                )
            tls = read_tls(written.tls, reading)
    return tuple(replace(each, tls=tls, proxy_from=proxies) for each in listeners)
