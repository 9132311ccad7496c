"""Which PROXY headers are accepted: those of the proxies that a listener names, and no others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import IAddress

from sockreply.addresses import ip_of
from sockreply.settings import UNIX, Limits, ListenerSettings, Proxies

Believes: TypeAlias = Callable[[IAddress], bool]
"""Whether the PROXY header of a peer is accepted."""

EVERYBODY = (
    "{endpoint} accepts PROXY headers from everybody, so anybody can pretend to be any client; "
    "list your proxies in proxy_from or allow"
)
"""The warning about a listener that accepts headers from every peer."""

_PREFIX = re.compile("haproxy:", re.IGNORECASE)
_ON_UNIX = re.compile("unix:|systemd:(?:domain=)?UNIX:")


def without_prefix(endpoint: str) -> str:
    """An endpoint string without the `haproxy:` that may stand before it."""
    return _PREFIX.sub("", endpoint, count=1) if _PREFIX.match(endpoint) else endpoint


def has_prefix(endpoint: str) -> bool:
    """Does `haproxy:` stand before an endpoint string?"""
    return _PREFIX.match(endpoint) is not None


def is_unix(endpoint: str) -> bool:
    """Whether an endpoint is a UNIX socket, so that its peers have no IP address."""
    return _ON_UNIX.match(without_prefix(endpoint)) is not None


def reads_headers(listener: ListenerSettings) -> bool:
    """Whether every connection to a listener begins with a PROXY header."""
    return listener.proxy_from is not None or has_prefix(listener.endpoint)


def believes_everybody(listener: ListenerSettings, limits: Limits) -> bool:
    """Whether any peer can claim any address at a listener."""
    everybody = listener.proxy_from is None and limits.allow is None
    return has_prefix(listener.endpoint) and everybody and not is_unix(listener.endpoint)


def believed_by(listener: ListenerSettings, limits: Callable[[], Limits]) -> Believes:
    """Which peers' headers a listener accepts.

    Args:
        listener: Reads headers. Without `proxy_from`, it accepts those of peers in `allow`.
        limits: The service's, as they are now.
    """
    proxies = listener.proxy_from
    if proxies is not None:
        return lambda peer: _is_among(peer, proxies)

    def is_allowed(peer: IAddress) -> bool:
        allow = limits().allow
        return allow is None or _is_among(peer, (*allow, UNIX))

    return is_allowed


def _is_among(peer: IAddress, proxies: Iterable[Proxies]) -> bool:
    host = ip_of(peer)
    if host is None:
        return isinstance(peer, UNIXAddress) and UNIX in proxies
    return any(host in each for each in proxies if not isinstance(each, str))
