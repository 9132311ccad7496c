"""What Twisted has not sent yet, and whether it is about to close: the inside of its transports.

This is the only module that names what is private in `twisted.internet.tcp.Connection`, and what
is public there but not documented. It is on the path of every reply: attributes are read in place,
because each property in between would be one more call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import tcp


def _nobody() -> None:
    """Nobody wants to know of a backlog."""


class BufferedServer(tcp.Server):
    """A connection that an accepting port made; a write goes out at once if nothing is queued."""

    written: int
    """Bytes that were to be sent, ever."""

    on_backlog: Callable[[], object] = staticmethod(_nobody)
    """Called when something is left to be sent later, and nothing was before."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # Each of them is looked at for every read. Python finds what an instance has itself at
        # once, and what only its class has by a search whose time hangs on where things lie.
        self.bufferSize = self.bufferSize
        self.dataBuffer = self.dataBuffer
        self.TLS = self.TLS
        self.written = 0
        # The subclass's, whose own constructor would be one more call a connection.
        self._in_read = self._ends_with_read = False

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
            if self.unsent:
                self.on_backlog()

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
