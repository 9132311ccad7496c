"""A UDP port of a service: how it reads, and how it stops."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IAddress

from sockreply.conversation.shared import Shared
from sockreply.server.datagram import Datagrams
from sockreply.server.datagram_socket import datagram_socket

IN_A_TURN = 64
"""How many datagrams are answered before others get their turn; Twisted's own ports count bytes,
and would read as many empty ones as there are."""

LAST = 10_000
"""How many are read when the service stops; by default, the kernel keeps fewer."""

RECEIVE_BUFFER = 4 << 20
"""Bytes that the kernel is asked to keep for us; it keeps as many as the system allows. By default
it keeps some 280 datagrams, however short they are, and loses the rest of a burst."""

SEND_BUFFER = 4 << 20
"""Bytes that may be on their way. Replies to a neighbour that does not answer ARP wait there for
three seconds, up to 208 KiB of them (unres_qlen_bytes), which is all that a socket has by itself:
nobody else would get a reply meanwhile."""


class DatagramListener:
    """One UDP port of a service.

    Args:
        port: Listens already, for `Datagrams`.
        shared: What the connections of the service have in common.
        description: The endpoint string that it listens on.
    """

    def __init__(self, port: Any, shared: Shared, description: str) -> None:
        self.port = port
        self.description = description
        self._shared = shared
        self._datagrams: Datagrams = port.protocol
        self._socket = datagram_socket(port.socket, port.maxPacketSize)
        self._datagrams.wire = self._socket
        port.doRead = self._read

    @property
    def address(self) -> IAddress | None:
        """Where it listens."""
        address: IAddress = self.port.getHost()
        return address

    def tune(self, backlog: int | None) -> None:  # noqa: ARG002 - only streams have one
        """Let the kernel keep more datagrams, in both directions."""
        self.port.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.port.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def place_free(self) -> None:
        """A place is free; nothing here waits for it."""

    def accept_last(self) -> Deferred[None]:
        """Read what has arrived."""
        if self.port.connected:
            self._read_some(LAST)
        return succeed(None)

    def stop(self) -> Deferred[Any]:
        """Read no more, and close the port when the sessions have sent their replies.

        Returns:
            Fires when that is done: after `drain_timeout` seconds at the latest.
        """
        self.port.stopReading()
        gone = self._datagrams.drain(self._shared.limits.drain_timeout)
        return gone.addCallback(lambda _: maybeDeferred(self.port.stopListening))

    def drop(self) -> None:
        """Listen no more, now: a process that cannot start has no later turn of the loop."""
        self.port.connectionLost()

    def _read(self) -> None:
        self._read_some(IN_A_TURN)

    def _read_some(self, most: int) -> None:
        receive, received = self._socket.receive, self._datagrams.datagramReceived
        for _ in range(most):
            try:
                data, key = receive()
            except BlockingIOError:
                return
            except ConnectionError:  # ICMP about one that we sent; the kernel tells it once
                continue
            except OSError:  # the interface is down, or there is no memory: maybe next time
                return
            received(data, key)
