"""Who may connect: the networks that are allowed, and how many at a time from one address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import Literal, TypeAlias

from twisted.internet.interfaces import IAddress, IReactorTime

from sockreply.addresses import ip_of
from sockreply.conversation.counters import Counters
from sockreply.conversation.pacing import Pacing, key_of
from sockreply.settings import Limits, PeerLimits

Refusal: TypeAlias = Literal["not_allowed", "per_peer", "per_peer_rate"]

ALL_BITS = 128
"""Of an IPv6 address."""

WHY_REFUSED: dict[Refusal, str] = {
    "not_allowed": "its address is not in an allowed network",
    "per_peer": "too many connections from its address",
    "per_peer_rate": "too many new connections a second from its address",
}


class Admission:
    """Decides which peers may connect, and counts their connections if those are limited.

    A connection's address is asked once, when it is made, and kept for as long as it counts.

    Args:
        clock: Tells the time.
        counters: The service's.
    """

    admits_all: bool
    """Whether nothing is limited, so that no peer need be checked."""

    pacing: Pacing | None
    """How fast each peer may go; None: never limited so far."""

    def __init__(self, clock: IReactorTime, counters: Counters) -> None:
        self._clock = clock
        self._counters = counters
        self._hosts: dict[object, int] = {}  # by connection
        self._by_host: Counter[int] = Counter()
        self._ipv6_prefix = ALL_BITS
        self.pacing = None

    def limit(self, limits: Limits, present: Iterable[tuple[object, IAddress]]) -> None:
        """Count again, for other limits; to be called before the first peer connects.

        Args:
            limits: Those that apply from now on.
            present: The open connections, which may stay, and their peers.
        """
        self._limits, per_peer = limits, limits.per_peer
        self._ipv6_prefix = ALL_BITS if per_peer is None else per_peer.ipv6_prefix
        self._counts = per_peer is not None or limits.max_connections_per_peer > 0
        self.admits_all = limits.allow is None and not self._counts
        counted = present if self._counts else ()
        self._hosts = {each: self._host(ip) for each, peer in counted if (ip := ip_of(peer))}
        self._by_host = Counter(self._hosts.values())
        if self.pacing is not None:
            self.pacing.change(per_peer or PeerLimits(ipv6_prefix=ALL_BITS))
        elif per_peer is not None:
            self.pacing = Pacing(self._clock, self._counters, per_peer)

    def refuses(
        self, connection: object, peer: IAddress, *, anywhere: bool = False
    ) -> Refusal | None:
        """Why a peer may not connect; None: it may, and is counted until `left`.

        Args:
            connection: Stands for it from now on.
            peer: Its address.
            anywhere: May it be in any network?
        """
        limits = self._limits
        ip = ip_of(peer)
        if ip is None:
            return None
        networks = None if anywhere else limits.allow
        if networks is not None and not any(ip in network for network in networks):
            return "not_allowed"
        if not self._counts:
            return None
        host, most = self._host(ip), limits.max_connections_per_peer
        if most and self._by_host[host] >= most:
            return "per_peer"
        if limits.per_peer and self.pacing is not None and not self.pacing.admits(host):
            return "per_peer_rate"
        self._by_host[host] += 1
        self._hosts[connection] = host
        return None

    def host(self, connection: object) -> int | None:
        """The number that identifies a connection's peer in limits; None: it has no IP address."""
        return self._hosts.get(connection)

    def left(self, connection: object) -> None:
        """To be called when a connection that was let in is gone."""
        host = self._hosts.pop(connection, None)
        if host is None:
            return
        self._by_host[host] -= 1
        if self._by_host[host] <= 0:
            del self._by_host[host]

    def _host(self, ip: IPv4Address | IPv6Address) -> int:
        return key_of(ip, self._ipv6_prefix)
