"""What is known of the connection on which somebody answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress

from sockreply.framing.interfaces import Framing
from sockreply.pem import subject_of
from sockreply.replies.proxy import Proxy
from sockreply.replies.reply import Reply

_subject_of = lru_cache(maxsize=1024)(subject_of)  # rules may ask for every message


class TLS(NamedTuple):
    """What is known of a connection over TLS once its handshake is done.

    Args:
        version: The protocol's, such as "TLSv1.3"; empty until the handshake is done.
        cipher: OpenSSL's name of it; empty until the handshake is done.
        certificate: The peer's, in DER; None: it presented none.
        sni: The server name that the peer asked for (SNI); empty: none.
    """

    version: str
    cipher: str
    certificate: bytes | None
    sni: str = ""

    @property
    def subject(self) -> str:
        """The subject of the peer's certificate, as RFC 4514 writes it; empty without one."""
        return "" if self.certificate is None else _subject_of(self.certificate)


class Connection(Protocol):
    """What a session asks of the connection that it belongs to."""

    def peer(self) -> IAddress:
        """The address of the peer."""

    def host(self) -> IAddress:
        """The address that the peer connected to."""

    def tls(self) -> TLS | None:
        """What is known of its TLS; None without it."""

    def proxy(self) -> Proxy | None:
        """The proxy that it came through, by its PROXY header; None without one."""

    def frame(self, message: bytes) -> bytes:
        """The message as it goes over the wire."""

    def switch(self, framing: Framing | None) -> None:
        """Make messages with another framing."""

    def switches(self) -> bool:
        """Can it do that?"""

    def send(self, reply: bytes | Reply) -> None:
        """Queue a reply after those that are owed."""

    def service(self) -> str:
        """The name of the service that it belongs to."""

    def shown_as(self) -> str:
        """How logs show its messages: the name of an encoding, or "hex"."""

    def reactor(self) -> Any:
        """What runs that service."""

    def remark(self, say: Callable[[], str]) -> None:
        """Log something about the current message, if the log shows it."""


class Session:
    """The memory of one connection, and its responder's way to send unasked.

    Args:
        connection: The connection.
    """

    __slots__ = ("_connection", "_state", "_waiting", "count", "number", "rule")

    count: int
    """How many messages have arrived; while one is being answered, its number, from 1."""

    number: int
    """The connection's number in its service, from 1."""

    rule: str | None
    """The name of the rule that answers the current message; None: there is no such rule."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._state: dict[str, Any] | None = None  # most responders keep none
        # None: nobody waits, as with most; a tuple: the connection is gone.
        self._waiting: list[Deferred[None]] | tuple[()] | None = None
        self.count = 0
        self.number = 0
        self.rule = None

    @property
    def peer(self) -> IAddress:
        """The other end's address."""
        return self._connection.peer()

    @property
    def host(self) -> IAddress:
        """The address on our end that the peer connected to."""
        return self._connection.host()

    @property
    def tls(self) -> TLS | None:
        """What is known of the connection's TLS; None without it."""
        return self._connection.tls()

    @property
    def proxy(self) -> Proxy | None:
        """The proxy that the connection came through, by its PROXY header; None without one."""
        return self._connection.proxy()

    @property
    def service(self) -> str:
        """The name of the service that the connection belongs to."""
        return self._connection.service()

    @property
    def shown_as(self) -> str:
        """How logs show the messages of the service: the name of an encoding, or "hex"."""
        return self._connection.shown_as()

    @property
    def reactor(self) -> Any:
        """The reactor of the service, for delays and processes.

        In sockreply's own daemon, `seconds()` is a monotonic clock, and not the time of day.
        """
        return self._connection.reactor()

    @property
    def state(self) -> dict[str, Any]:
        """The responder's own notes about this connection."""
        if self._state is None:
            self._state = {}
        return self._state

    @state.setter
    def state(self, notes: dict[str, Any]) -> None:
        if not isinstance(notes, dict):
            kind = type(notes).__name__
            raise TypeError(f"session.state is a dict, not {kind}; set a key of it instead")
        self._state = notes

    @property
    def closed(self) -> bool:
        """Is the connection gone?"""
        return self._waiting == ()

    def when_closed(self) -> Deferred[None]:
        """Fires when the connection is gone, so that what sends to it can stop."""
        gone: Deferred[None] = Deferred()
        if self._waiting is None:
            self._waiting = [gone]
        elif isinstance(self._waiting, list):
            self._waiting.append(gone)
        else:
            gone.callback(None)
        return gone

    def frame(self, message: bytes) -> bytes:
        """A message as it goes over the wire, for `Raw` steps and faults."""
        return self._connection.frame(message)

    @property
    def switches(self) -> bool:
        """Can the framing be changed? It can if it is a `sockreply.framing.Switched`."""
        return self._connection.switches()

    def switch(self, framing: Framing | None) -> None:
        """Change the framing, from the next message on.

        This applies even to bytes that were read already, unless they are part of a message that
        was handed out. The current message is answered in the framing in which it came.

        Args:
            framing: The new one; None: the one that the service has otherwise.

        Raises:
            ResponderError: The framing of the service cannot be changed: it is not a
                `sockreply.framing.Switched`.
        """
        if not self.closed:
            self._connection.switch(framing)

    def send(self, reply: bytes | Reply) -> None:
        """Send a message that answers no request, after the replies that are owed.

        Does nothing once the connection is gone. A peer that lets too many of them pile up is
        disconnected.
        """
        if not self.closed:
            self._connection.send(reply)

    def remark(self, say: Callable[[], str]) -> None:
        """Log something about the current message, if the exchange log shows that message.

        Args:
            say: Makes the line; not called if it is not shown.
        """
        if not self.closed:
            self._connection.remark(say)

    def connection_gone(self) -> None:
        """Called by the connection, and by nothing else."""
        waiting, self._waiting = self._waiting, ()
        for gone in waiting or ():
            gone.callback(None)
