"""What a service allows its peers, and the limit of connections, which holds exactly."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Protocol


@dataclass(frozen=True)
class Limits:
    """Seconds, bytes and counts; a timeout of 0 is none.

    Args:
        idle_timeout: Seconds without a whole message either way and no reply owed.
        message_timeout: Seconds from a message's first byte to its last, whatever the pace.
        reply_timeout: Seconds that a responder may take; waits that a reply asks for do not count.
        write_timeout: Seconds in which a peer takes not one byte of what waits for it.
        close_timeout: Seconds that an orderly close may take; a peer that still takes of what waits
            for it has `write_timeout` instead, for as long as it does.
        drain_timeout: Seconds that connections get to finish when the service stops.
        drain_delay: Seconds that the service goes on as before when it is told to stop.
        max_connections: How many at once, over all listeners; the excess waits in the kernel.
        max_message: The most bytes that a message may have.
        max_connections_per_peer: How many at once from one address; 0: as many as there are places.
        allow: The networks that may connect; None: everyone may.
    """

    idle_timeout: float = 60.0
    message_timeout: float = 10.0
    reply_timeout: float = 30.0
    write_timeout: float = 30.0
    close_timeout: float = 5.0
    drain_timeout: float = 30.0
    drain_delay: float = 0.0
    max_connections: int = 10_000
    max_message: int = 65_536
    max_connections_per_peer: int = 0
    allow: tuple[IPv4Network | IPv6Network, ...] | None = None


# What accept(2) fails with: for one client, and for want of descriptors or memory.
_ONE_CLIENTS_TROUBLE = {errno.ECONNABORTED, errno.EPERM}
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Gate(Protocol):
    """Knows whether a connection may be accepted, and is told what comes of it."""

    def is_full(self) -> bool:
        """Is there no place? Then accepting pauses until there is one."""

    def accepted(self) -> None:
        """There was enough of everything."""

    def rest(self, error: OSError) -> None:
        """The process or the system is out of something: try again in a while."""

    def nobody_waits(self) -> None:
        """The kernel's queue is empty."""


class LimitedSocket:
    """A listening socket that accepts only while there is a place, and a descriptor.

    To the port that uses it, it looks as if nobody waited.
    """

    def __init__(self, sock: socket.socket, gate: Gate) -> None:
        self._socket = sock
        self._gate = gate

    def accept(self) -> tuple[socket.socket, Any]:
        if self._gate.is_full():
            raise BlockingIOError(errno.EAGAIN, "no place")
        try:
            accepted = self._socket.accept()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                self._gate.rest(error)
                raise BlockingIOError(errno.EAGAIN, "no descriptor") from error
            if error.errno not in _ONE_CLIENTS_TROUBLE:
                self._gate.nobody_waits()
            raise
        self._gate.accepted()
        return accepted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)
