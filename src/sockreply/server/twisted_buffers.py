"""What Twisted has not sent yet, and whether it is about to close: the inside of its transports.

This is the only module that names what is private in `twisted.internet.tcp.Server` and
`twisted.internet.unix.Server`, and what is public there but not documented. It is on the path of
every reply: attributes are read in place, because each property in between would be one more call.
"""

from __future__ import annotations

from collections.abc import Callable
from socket import socket
from typing import Any, Protocol

from twisted.internet import tcp, unix
from twisted.internet.address import IPv6Address
from twisted.internet.interfaces import IProtocol


class Watcher(Protocol):
    """Wants to know of a backlog."""

    def backlogged(self) -> None:
        """Something is left to be sent later, and nothing was before."""


class BufferedServer(tcp.Server):
    """A connection that an accepting port made; a write goes out at once if nothing is queued."""

    written: int
    """Bytes that were to be sent, ever."""

    watcher: Watcher | None = None
    """Called when there is a backlog."""

    _waiting: list[bytes] | None = None

    def __init__(
        self,
        sock: socket,
        protocol: IProtocol,
        client: tuple[Any, ...],
        server: Any,
        sessionno: int,  # noqa: ARG002 - it would be one more number for each
        reactor: Any,
    ) -> None:
        # What `tcp.Server` does, without its two strings for the log, which hardly anybody reads.
        tcp.Connection.__init__(self, sock, protocol, reactor)
        if len(client) != 2:
            self._addressType = IPv6Address
        self.server = server
        self.client = client
        self.startReading()
        self.connected = 1
        # Each of them is looked at for every read. Python finds what an instance has itself at
        # once, and what only its class has by a search whose time hangs on where things lie.
        self.bufferSize = self.bufferSize
        self.dataBuffer = self.dataBuffer
        self.TLS = self.TLS
        self.written = 0
        # The subclass's, whose own constructor would be one more call a connection.
        self._in_read = self._ends_with_read = False

    # Twisted gives every connection a list for what waits to be sent, and a method of its socket.
    # Most connections never need the one, and all rarely the other: they are made when asked for.

    @property
    def _tempDataBuffer(self) -> list[bytes]:  # noqa: N802 - Twisted's name
        if self._waiting is None:
            self._waiting = []
        return self._waiting

    @_tempDataBuffer.setter
    def _tempDataBuffer(self, empty: list[bytes]) -> None:  # noqa: N802 - Twisted's name
        if self._waiting is not None:
            self._waiting = empty

    @property
    def fileno(self) -> Callable[[], int]:
        try:
            return self.socket.fileno
        except AttributeError:  # it is closed
            return super().fileno

    @fileno.setter
    def fileno(self, of_the_socket: Callable[[], int]) -> None:
        """What the socket has."""

    @fileno.deleter
    def fileno(self) -> None:
        """Goes with the socket."""

    @property
    def hostname(self) -> Any:  # type: ignore[override]  # Twisted sets it, where we do not
        """What Twisted calls the peer's address; nothing for most UNIX sockets."""
        return self.client[0]

    def __repr__(self) -> str:
        return f"<connection from {self.client[0]}, {self.client[1]}>"

    def logPrefix(self) -> str:  # noqa: N802 - Twisted's name
        return f"sockreply,{self.client[0]},{self.client[1]}"

    def write(self, data: bytes) -> None:
        self.written += len(data)
        if self.dataBuffer or self._tempDataLen or self.TLS or not self.connected:
            super().write(data)
            return
        try:
            sent = self.socket.send(data)
        except OSError:  # the kernel's queue is full, or Twisted will meet the same error
            sent = 0
        if sent < len(data):
            super().write(data[sent:] if sent else data)
            if self.unsent and self.watcher is not None:
                self.watcher.backlogged()

    @property
    def unsent(self) -> int:
        """Bytes of the backlog."""
        return len(self.dataBuffer) - self.offset + self._tempDataLen

    @property
    def is_quiet(self) -> bool:
        """Is it open, with nothing left to do but to close it?

        That is: no producer will write more, nothing is unsent, there is no TLS to say good-bye,
        and nobody has asked for a half-close.
        """
        return self.producer is None and self.has_sent_all

    @property
    def has_sent_all(self) -> bool:
        """The same, but a producer might write more."""
        return bool(
            not (
                len(self.dataBuffer) - self.offset
                or self._tempDataLen
                or self.TLS
                or self._writeDisconnecting
            )
            and self.connected
        )

    @property
    def is_over(self) -> bool:
        """Is it closed, or will it be without anything more being sent?"""
        return bool(self._aborting or not self.connected)


class BufferedUNIXServer(BufferedServer, unix.Server):
    """The same on a UNIX socket."""

    def __init__(self, sock: socket, protocol: IProtocol, client: str | None, *others: Any) -> None:
        unix._SendmsgMixin.__init__(self)
        super().__init__(sock, protocol, (client, None), *others)

    def __repr__(self) -> str:
        return "<connection over a UNIX socket>"

    def logPrefix(self) -> str:  # noqa: N802 - Twisted's name
        return "sockreply,unix"
