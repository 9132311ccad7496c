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
    """The number that identifies a peer: that of its address, or of its IPv6 network."""
    if isinstance(ip, IPv4Address):
        return ~int(ip)  # below all of IPv6
    return int(ip) >> (ip.max_prefixlen - ipv6_prefix)


class Pacing:
    """The limits of a service's peers, and how much of them each peer has used.

    Args:
        clock: Tells the time.
        counters: Counts how often a limit was exceeded.
        limits: The limits to apply.
    """

    lifted: bool
    """Whether no connection has to wait any more, because the service is stopping."""

    def __init__(self, clock: IReactorTime, counters: Counters, limits: PeerLimits) -> None:
        self._clock = clock
        self._counters = counters
        self._meters: dict[Limited, Meter] = {}
        self.lifted = False
        self._limits = limits
        self.change(limits)

    def change(self, limits: PeerLimits) -> None:
        """Change the limits. What peers have used still counts, unless the prefix changes."""
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
        """The service is stopping: let all that wait go on, and make none wait any more."""
        self.lifted = True
        for meter in tuple(self._meters.values()):
            meter.release()

    def admits(self, key: int) -> bool:
        """Whether the peer may connect once more; it may have to wait: see `PacedFramer.enter`."""
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
        """Whether a peer that exceeds a limit has to wait; otherwise its connection is closed."""
        return self._limits.over == "wait"

    def meter(self, limited: Limited) -> Meter | None:
        """The meter of one limit; None: there is no such limit, or it is lifted."""
        return None if self.lifted and self.waits else self._meters.get(limited)

    def is_over(self, limited: Limited) -> None:
        """Count that a peer exceeded a limit."""
        self._counters.limited[limited] += 1
