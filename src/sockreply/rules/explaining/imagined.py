"""A session without a connection, to try rules on."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from time import time
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IAddress
from twisted.internet.task import Clock

from sockreply.framing.interfaces import Framing
from sockreply.replies.reply import Reply
from sockreply.replies.session import TLS, Session
from sockreply.rules.memory import Memory, remember

LOCAL = IPv4Address("TCP", "127.0.0.1", 0)


class _Imagined:
    """What a session asks of its connection, where there is none."""

    def __init__(
        self, framing: Framing, peer: IAddress, local: IAddress, service: str, tls: TLS | None
    ) -> None:
        self._tls = tls
        self.frame = framing.frame
        self._peer = peer
        self._local = local
        self._service = service
        self._clock = Clock()
        self._clock.advance(time())

    def peer(self) -> IAddress:
        return self._peer

    def host(self) -> IAddress:
        return self._local

    def tls(self) -> TLS | None:
        return self._tls

    def proxy(self) -> None:
        return None

    def service(self) -> str:
        return self._service

    def shown_as(self) -> str:
        return "utf-8"

    def reactor(self) -> Any:
        return self._clock

    def switches(self) -> bool:
        return False

    def switch(self, framing: Framing | None) -> None:
        """Nothing is read."""

    def send(self, reply: bytes | Reply) -> None:
        """Nobody is there."""

    def remark(self, say: Callable[[], str]) -> None:
        """Nobody reads it."""


class _ImaginedTLS(TLS):
    """TLS whose certificate nobody has."""

    known_subject = ""

    @property
    def subject(self) -> str:
        return self.known_subject


def imagined_tls(sni: str = "", subject: str = "") -> TLS:
    """The TLS of a connection.

    Args:
        sni: The server name that the client asked for.
        subject: That of the client's certificate.
    """
    tls = _ImaginedTLS("TLSv1.3", "TLS_AES_256_GCM_SHA384", None, sni)
    tls.known_subject = subject
    return tls


def imagined_session(
    framing: Framing,
    peer: IAddress = LOCAL,
    service: str = "default",
    state: str | None = None,
    count: int = 1,
    tls: TLS | None = None,
    local: IAddress = LOCAL,
) -> Session:
    """The session of a connection that has sent a message.

    Args:
        framing: The service's.
        peer: Who would have sent it.
        service: The service's name.
        state: The connection's; None: the one that its table begins with.
        count: Which of its messages that is, from 1.
        tls: The connection's; see `imagined_tls`.
        local: What that would have connected to.
    """
    session = Session(_Imagined(framing, peer, local, service, tls))
    session.number, session.count = 1, count
    if state is not None:
        remember(session, Memory(None, state, Random()))  # noqa: S311 - the table brings its own
    return session
