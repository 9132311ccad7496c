"""What a rule asks of a message and of its connection, before it answers."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol

from sockreply.addresses import ip_of
from sockreply.rules.asked import Asked
from sockreply.rules.conditions.contents import Miss
from sockreply.rules.conditions.secured import Secured
from sockreply.shown import show_address

LITTLE = 0.1
"""What a length, or that something is not so, counts beside the bytes of a message: many messages
have the same length that have nothing else in common."""


class Condition(Protocol):
    """Something that may hold for a message. As text it says what it asks."""

    def holds(self, asked: Asked) -> bool:
        """Does it? One that holds may set `asked.match`; one that does not leaves it as it was."""

    def why_not(self, asked: Asked) -> Miss:
        """What is missing; to be asked only when it does not hold."""


class Length:
    """The message is so long.

    Args:
        least: The fewest bytes.
        most: The most; None: any number.
    """

    def __init__(self, least: int, most: int | None) -> None:
        self._least = least
        self._most = float("inf") if most is None else most

    def __str__(self) -> str:
        return f"length {self._range()}"

    def _range(self) -> str:
        if self._most == float("inf"):
            return f"{self._least} or more"
        return f"{self._least}" if self._most == self._least else f"{self._least} to {self._most}"

    def holds(self, asked: Asked) -> bool:
        return self._least <= len(asked.message) <= self._most

    def why_not(self, asked: Asked) -> Miss:
        length = len(asked.message)
        closeness = length / self._least if length < self._least else self._most / length
        return Miss(f"length is {length}, not {self._range()}", LITTLE * closeness)


class PeerIn:
    """The peer has an IP address in one of these networks; a UNIX peer has none.

    Args:
        networks: The networks.
    """

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self._networks = tuple(networks)

    def __str__(self) -> str:
        return f"peer in {self._named()}"

    def _named(self) -> str:
        return " or ".join(map(str, self._networks))

    def holds(self, asked: Asked) -> bool:
        ip = ip_of(asked.session.peer)
        return ip is not None and any(ip in network for network in self._networks)

    def why_not(self, asked: Asked) -> Miss:
        ip = ip_of(asked.session.peer)
        shown = show_address(asked.session.peer) if ip is None else str(ip)
        several = len(self._networks) > 1
        networks = f"none of {', '.join(map(str, self._networks))}" if several else self._named()
        return Miss(f"peer {shown} is {'' if several else 'not '}in {networks}", 0.0)


class Not:
    """Another condition does not hold.

    Args:
        condition: That one.
    """

    def __init__(self, condition: Condition) -> None:
        self._condition = condition

    def __str__(self) -> str:
        return f"not ({self._condition})"

    def holds(self, asked: Asked) -> bool:
        match = asked.match
        held = self._condition.holds(asked)
        asked.match = match
        return not held

    def why_not(self, asked: Asked) -> Miss:  # noqa: ARG002 - it is the other condition that holds
        return Miss(f"not: {self._condition} holds", 0.0)


class AllOf:
    """All of these conditions hold.

    Args:
        conditions: They are asked in this order, up to the first that does not.
    """

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self.conditions = tuple(conditions)

    def __str__(self) -> str:
        return " and ".join(map(str, self.conditions))

    def holds(self, asked: Asked) -> bool:
        match = asked.match
        for condition in self.conditions:
            if not condition.holds(asked):
                asked.match = match
                return False
        return True

    def why_not(self, asked: Asked) -> Miss:
        misses = [
            None if condition.holds(asked) else condition.why_not(asked)
            for condition in self.conditions
        ]
        weights = list(map(_weight, self.conditions))
        fits = sum(
            weight if miss is None else miss.closeness
            for miss, weight in zip(misses, weights, strict=True)
        )
        reason = next(miss.reason for miss in misses if miss is not None)
        return Miss(reason, fits / max(1.0, sum(weights)))


class AnyOf:
    """At least one of these conditions holds.

    Args:
        conditions: One or more; they are asked in this order, up to the first that holds.
    """

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self.conditions = tuple(conditions)

    def __str__(self) -> str:
        return " or ".join(map(str, self.conditions))

    def holds(self, asked: Asked) -> bool:
        return any(condition.holds(asked) for condition in self.conditions)

    def why_not(self, asked: Asked) -> Miss:
        misses = [condition.why_not(asked) for condition in self.conditions]
        return max(misses, key=lambda miss: miss.closeness)


def _weight(condition: Condition) -> float:
    """What it counts beside others whether a condition holds: 1 for the bytes of a message."""
    match condition:
        case PeerIn() | Secured():
            return 0.0  # says nothing of the message
        case Length() | Not():
            return LITTLE
        case AllOf(conditions=several) | AnyOf(conditions=several):
            return max(map(_weight, several), default=0.0)
        case _:
            return 1.0
