"""Who may connect: the networks that are allowed, and how many at a time from one address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import Literal, TypeAlias

from twisted.internet.interfaces import IAddress

from sockreply.addresses import ip_of
from sockreply.settings import Limits

Refusal: TypeAlias = Literal["not_allowed", "per_peer"]

WHY_REFUSED: dict[Refusal, str] = {
    "not_allowed": "its address is not in an allowed network",
    "per_peer": "too many connections from its address",
}


class Admission:
    """Lets peers in, and counts them by address while that is limited."""

    admits_all: bool
    """May everybody connect, so that no peer need be checked?"""

    def __init__(self) -> None:
        self._by_host: Counter[IPv4Address | IPv6Address] | None = None

    def limit(self, limits: Limits, present: Iterable[IAddress]) -> None:
        """Count again, for other limits; to be called before the first peer connects.

        Args:
            limits: Those that apply from now on.
            present: The peers that are connected, which may stay.
        """
        self._limits = limits
        hosts = (ip_of(peer) for peer in present) if limits.max_connections_per_peer else None
        self._by_host = None if hosts is None else Counter(host for host in hosts if host)
        self.admits_all = limits.allow is None and hosts is None

    def refuses(self, peer: IAddress) -> Refusal | None:
        """Why a peer may not connect; None: it may, and is counted until `left`."""
        limits, by_host = self._limits, self._by_host
        host = ip_of(peer)
        if host is None:
            return None
        if limits.allow is not None and not any(host in network for network in limits.allow):
            return "not_allowed"
        if by_host is not None:
            if by_host[host] >= limits.max_connections_per_peer:
                return "per_peer"
            by_host[host] += 1
        return None

    def left(self, peer: IAddress) -> None:
        """To be called when a peer that was let in is gone."""
        if self._by_host is None or (host := ip_of(peer)) is None:
            return
        self._by_host[host] -= 1
        if self._by_host[host] <= 0:
            del self._by_host[host]
