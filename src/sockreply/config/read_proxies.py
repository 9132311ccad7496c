"""Proxies whose PROXY headers are accepted: networks, and `unix` for those on a UNIX socket."""

from __future__ import annotations

from sockreply.config.read_networks import read_network
from sockreply.config.reading import Reading
from sockreply.errors import ConfigError
from sockreply.server.proxy.believed import has_prefix, is_unix
from sockreply.settings import UNIX, Proxies


def read_proxies(written: str | list[str], endpoint: str, reading: Reading) -> tuple[Proxies, ...]:
    """The proxies that a text or a list names, as far as they are right.

    Raises:
        ConfigError: None of them could connect to that endpoint.
    """
    proxies: list[Proxies] = []
    for at, text in reading.problems.each(written):
        with at:
            proxies.append(UNIX if text == UNIX else read_network(text))
    if not reading.problems.here():
        _check(proxies, endpoint)
    return tuple(proxies)


def _check(proxies: list[Proxies], endpoint: str) -> None:
    if not proxies:
        raise ConfigError("names no proxy, so nobody could connect")
    if has_prefix(endpoint):
        raise ConfigError("leave out the haproxy: of the endpoint; proxy_from replaces it")
    if endpoint.partition(":")[0].lower() == "stdio":
        raise ConfigError(f"no proxy can connect to endpoint {endpoint}")
    if is_unix(endpoint) and UNIX not in proxies:
        raise ConfigError(f"to endpoint {endpoint}, proxies connect as {UNIX!r} only")
    if not is_unix(endpoint) and set(proxies) == {UNIX}:
        raise ConfigError(f"to endpoint {endpoint}, no proxy connects as {UNIX!r}")
