"""A listening socket that keeps the limit of connections exactly."""

from __future__ import annotations

import errno
import socket
from typing import Any, Protocol

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
