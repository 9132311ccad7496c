"""A UDP port in memory, and the peers that send to it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IAddress
from twisted.internet.task import Clock

from sockreply.framing import parse_framing
from sockreply.replies import Echo, as_responder
from sockreply.server import Counters, Limits, ReplyFactory
from sockreply.server.datagram import Datagrams
from tests.server.stand_ins import Answer, echo

NEAR = ("127.0.0.1", 4000)
FAR = ("192.0.2.1", 4000)


class FakeSocket:
    """A socket that keeps what is sent."""

    def __init__(self) -> None:
        self.sent = defaultdict[Any, list[bytes]](list)
        self.fails_with: str | None = None

    def send(self, data: bytes, key: Any) -> str | None:
        if self.fails_with is None:
            self.sent[key].append(data)
        return self.fails_with

    def is_loopback(self, key: Any) -> bool:
        return bool(key[0].startswith("127."))

    def peer(self, key: Any) -> IAddress:
        return IPv4Address("UDP", *key)

    def host(self, key: Any) -> IAddress:
        return IPv4Address("UDP", "127.0.0.1", 53)


class Port:
    """A UDP port of a service.

    Args:
        answer: The responder.
        keep_alive: Is it on?
        exchanges: The exchange log.
        greeting: For connections over streams.
        limits: As in `Limits`.
    """

    def __init__(
        self,
        answer: Answer | Echo = echo,
        *,
        keep_alive: bool = False,
        exchanges: Any = None,
        greeting: bytes | None = None,
        **limits: Any,
    ) -> None:
        self.clock = Clock()
        self.factory = ReplyFactory(
            parse_framing("chunk"),
            answer if isinstance(answer, Echo) else as_responder(answer),
            self.clock,
            keep_alive=keep_alive,
            greeting=greeting,
            exchanges=exchanges,
            limits=Limits(**limits),
        )
        self.socket = FakeSocket()
        self.datagrams = self.another()

    def another(self) -> Datagrams:
        """Another port of the service, over the same socket."""
        datagrams = Datagrams(self.factory)
        datagrams.wire = self.socket
        return datagrams

    @property
    def counters(self) -> Counters:
        """The service's counts."""
        return self.factory.shared.counters

    @property
    def open(self) -> int:
        """How many sessions there are."""
        return len(self.factory.roster.connections)

    def say(self, *datagrams: bytes, peer: Any = NEAR) -> None:
        """Let datagrams of a peer come."""
        for each in datagrams:
            self.datagrams.datagramReceived(each, peer)

    def hear(self, peer: Any = NEAR) -> list[bytes]:
        """The datagrams that a peer has got since this was last asked."""
        return self.socket.sent.pop(peer, [])

    def pass_time(self, seconds: float) -> None:
        """Let time pass, an eighth of a second at a time."""
        for _ in range(round(seconds * 8)):
            self.clock.advance(1 / 8)  # which adds up to whole seconds
        self.clock.advance(0)
