"""What stands in for connections, messages and replies."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IAddress
from twisted.internet.task import Clock

from sockreply.framing import Framing
from sockreply.replies import Reply, Session
from sockreply.replies.session import TLS
from sockreply.rules.asked import Asked

PEER = IPv4Address("TCP", "192.0.2.1", 40000)


class StandInConnection:
    """Keeps what a session asks of it; frames with a line end.

    Args:
        peer: The other end.
        service: The name of the service.
        reactor: What runs it; None: a clock of its own.
        shown: Does the exchange log show the messages?
        tls: What is known of its TLS; None: it has none.
    """

    def __init__(
        self,
        peer: IAddress = PEER,
        *,
        service: str = "default",
        reactor: Any = None,
        shown: bool = True,
        tls: TLS | None = None,
    ) -> None:
        self.sent: list[bytes | Reply] = []
        self.remarks: list[str] = []
        self.switched_to: list[Framing | None] = []
        self._peer = peer
        self._service = service
        self._reactor = Clock() if reactor is None else reactor
        self._shown = shown
        self._tls = tls

    def peer(self) -> IAddress:
        return self._peer

    def host(self) -> IAddress:
        return IPv4Address("TCP", "192.0.2.2", 12345)

    def tls(self) -> TLS | None:
        return self._tls

    def frame(self, message: bytes) -> bytes:
        return message + b"\n"

    def switches(self) -> bool:
        return True

    def switch(self, framing: Framing | None) -> None:
        self.switched_to.append(framing)

    def send(self, reply: bytes | Reply) -> None:
        self.sent.append(reply)

    def proxy(self) -> None:
        return None

    def service(self) -> str:
        return self._service

    def shown_as(self) -> str:
        return "utf-8"

    def reactor(self) -> Any:
        return self._reactor

    def remark(self, say: Callable[[], str]) -> None:
        if self._shown:
            self.remarks.append(say())


def session(
    peer: IAddress = PEER,
    *,
    number: int = 1,
    count: int = 1,
    connection: StandInConnection | None = None,
    service: str = "default",
    reactor: Any = None,
) -> Session:
    """A connection's session while a message of it is answered.

    Args:
        peer: The other end.
        number: The connection's number in its service.
        count: How many messages have come.
        connection: Keeps what the session asks of it; None: one made of the other arguments.
        service: The name of the service.
        reactor: What runs it; None: a clock.
    """
    of = connection or StandInConnection(peer, service=service, reactor=reactor)
    made = Session(of)
    made.number = number
    made.count = count
    return made


def asked(
    message: bytes = b"",
    *,
    of: Session | None = None,
    state: str = "start",
    random: Random | None = None,
    match: re.Match[bytes] | None = None,
) -> Asked:
    """A message that asks for a reply, on a connection of its own unless one is given."""
    return Asked(message, of or session(), state, random or Random(1), match)


class Says:
    """A source of replies that always gives the same one, and says that it is so.

    Args:
        reply: The reply.
    """

    def __init__(self, reply: bytes | Reply) -> None:
        self.fixed: bytes | Reply | None = reply
        self._reply = reply

    def make(self, asked: Asked) -> bytes | Reply:
        return self._reply

    def told(self, asked: Asked) -> list[str]:
        return [f"says {self._reply!r}"]


class Makes:
    """A source of replies that are made anew each time.

    Args:
        make: Makes one; it may raise.
    """

    fixed: bytes | Reply | None = None

    def __init__(self, make: Callable[[Asked], bytes | Reply]) -> None:
        self._make = make

    def make(self, asked: Asked) -> bytes | Reply:
        return self._make(asked)

    def told(self, asked: Asked) -> list[str]:
        return [f"makes {self._make(asked)!r}"]
