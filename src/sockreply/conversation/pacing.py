"""Keeps each peer to so many new connections, messages and bytes a second.

A connection whose peer has such limits has its framer inside a `PacedFramer`, which asks here.
Connections without limits have no part in this.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Literal, TypeAlias

from twisted.internet.interfaces import IReactorTime

from sockreply.conversation.counters import Counters
from sockreply.conversation.metering import Meter
from sockreply.settings import PeerLimits

Limited: TypeAlias = Literal["connections", "messages", "bytes"]

_LIMITED: tuple[Limited, ...] = ("connections", "messages", "bytes")


def key_of(ip: IPv4Address | IPv6Address, ipv6_prefix: int) -> int:
    """The number by which a peer is known: that of its address, or of its network."""
    if isinstance(ip, IPv4Address):
        return ~int(ip)  # below all of IPv6
    return int(ip) >> (ip.max_prefixlen - ipv6_prefix)


class Pacing:
    """The limits of a service's peers, and how much of them is used.

    Args:
        clock: Tells the time.
        counters: Counts how often a limit was in somebody's way.
        limits: Those that apply.
    """

    lifted: bool
    """Does nobody have to wait, because the service stops?"""

    def __init__(self, clock: IReactorTime, counters: Counters, limits: PeerLimits) -> None:
        self._clock = clock
        self._counters = counters
        self._meters: dict[Limited, Meter] = {}
        self.lifted = False
        self._limits = limits
        self.change(limits)

    def change(self, limits: PeerLimits) -> None:
        """Apply other limits. What peers have used up stays so, if they are the same peers."""
        gone: list[Meter] = []
        if limits.ipv6_prefix != self._limits.ipv6_prefix:
            gone += self._meters.values()
            self._meters.clear()
        self._limits = limits
        for limited in _LIMITED:
            rate, meter = getattr(limits, limited), self._meters.get(limited)
            if rate is not None and meter is not None:
                meter.change(rate)
            elif rate is not None:
                self._meters[limited] = Meter(self._clock, rate)
            elif meter is not None:
                gone.append(self._meters.pop(limited))
        for meter in gone:  # whoever waited meets the other limits now
            meter.release()

    def release(self) -> None:
        """Let all go on that wait, and let nobody wait from now on: the service stops."""
        self.lifted = True
        for meter in tuple(self._meters.values()):
            meter.release()

    def admits(self, key: int) -> bool:
        """May the peer connect once more? If it has to wait, `PacedFramer.enter` says so."""
        meter, rate = self._meters.get("connections"), self._limits.connections
        if meter is None or rate is None:
            return True
        if self._limits.over == "wait":
            admitted = self.lifted or meter.waiting(key) < rate.burst
        else:
            admitted = meter.take(key, 1)
        if not admitted:
            self._counters.limited["connections"] += 1
        return admitted

    @property
    def waits(self) -> bool:
        """Does a peer that is over a limit wait? If not, its connection is closed."""
        return self._limits.over == "wait"

    def meter(self, limited: Limited) -> Meter | None:
        """What counts these; None: they are not limited, or not any longer."""
        return None if self.lifted and self.waits else self._meters.get(limited)

    def is_over(self, limited: Limited) -> None:
        """Count that a peer is over a limit."""
        self._counters.limited[limited] += 1
