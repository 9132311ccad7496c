"""Transports that send at once.

A Twisted transport queues every write for the next turn of the loop, which costs two `epoll_ctl`
calls and one more `epoll_wait` a reply. These send at once when nothing is queued before, and give
what the kernel does not take to Twisted's own `write`, which deals with errors too. In the same way
a connection that its protocol closes while it reads, with nothing left to send, ends with the read
instead of a turn later. So does one whose peer has ended it and is owed nothing: a protocol may say
that with a method `owes_nothing`.
"""

from __future__ import annotations

import select
import sys
from fcntl import ioctl
from socket import MSG_PEEK
from termios import TIOCOUTQ
from typing import Any, Literal

from twisted.internet import tcp, unix
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.protocols.policies import ProtocolWrapper
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure

from sockreply.conversation.outbox import Wire
from sockreply.server.twisted_buffers import BufferedServer, BufferedUNIXServer
from sockreply.tls_layer import TLSConnection

_DONE = Failure(CONNECTION_DONE)

# What poll(2) always reports. On macOS, POLLHUP may be no more than a half-close.
_GONE = select.POLLERR | (0 if sys.platform == "darwin" else select.POLLHUP)


class SendsAtOnce(BufferedServer):
    """A connection that an accepting port made; one that is closed in a read can end with it."""

    acknowledged = 0
    """Bytes that the peer had taken when `awaits_acknowledgement` last found that it had all."""

    def doRead(self) -> Any:
        try:
            data = self.socket.recv(self.bufferSize)
        except BlockingIOError:
            return None
        except OSError:  # the kernel tells it once, so Twisted's own reading would not meet it
            return CONNECTION_LOST
        if not data:
            return self._end_of_stream()
        self._in_read = True
        try:
            self.protocol.dataReceived(data)
        finally:
            self._in_read = False
        if self._ends_with_read:
            self._end_with_read()
        return None

    def readConnectionLost(self, reason: Failure) -> None:
        self._in_read = True
        try:
            super().readConnectionLost(reason)
        finally:
            self._in_read = False
        if self._ends_with_read:
            self._end_with_read()

    def loseConnection(self) -> None:
        if self.can_end_with_read:
            self.disconnecting = self._ends_with_read = True
        else:
            super().loseConnection()

    def _end_of_stream(self) -> Any:
        owes_nothing = getattr(self.protocol, "owes_nothing", None)
        if owes_nothing is None or not self.has_sent_all or not owes_nothing():
            return CONNECTION_DONE  # which becomes `readConnectionLost`
        self.connectionLost(_DONE)
        return None

    def _end_with_read(self) -> None:
        if self.is_over:
            return
        if self.unsent:  # it was written to after all
            self.stopReading()
        else:
            self.connectionLost(_DONE)

    @property
    def can_end_with_read(self) -> bool:
        """Would it, if it were closed now, be gone when what is read now is dealt with?"""
        return self._in_read and self.is_quiet

    @property
    def taken(self) -> int:
        """Bytes that the peer has taken, as far as the kernel tells."""
        try:
            in_kernel = int.from_bytes(ioctl(self.socket, TIOCOUTQ, bytes(4)), sys.byteorder)
        except OSError:  # no such question on this system, or no connection any more
            in_kernel = 0
        return self.written - self.unsent - in_kernel

    def awaits_acknowledgement(self) -> bool:
        """Has the kernel been given bytes that the peer has not taken yet?"""
        if self.written != self.acknowledged and self.taken == self.written:
            self.acknowledged = self.written
        return self.written != self.acknowledged

    def why_left(self) -> Literal["peer", "lost"] | None:
        """How the peer ended both ways: it left, or there was an error; None: it did not."""
        look = select.poll()
        look.register(self.socket, 0)
        for _, event in look.poll(0):
            if event & _GONE:
                return "lost" if event & select.POLLERR else "peer"
        return None

    def has_unread(self) -> bool:
        """Has the peer sent bytes that nobody has read yet?"""
        try:
            return bool(self.connected and self.socket.recv(1, MSG_PEEK))
        except OSError:  # nothing there, or an error that Twisted will meet
            return False


class SendsAtOnceUNIX(SendsAtOnce, BufferedUNIXServer):
    """The same on a UNIX socket."""

    def awaits_acknowledgement(self) -> bool:
        return False  # what the kernel has is the peer's already, which may read it when it likes


def sends_at_once(transport: type[Any]) -> type[Any]:
    """The class that takes the place of a port's own, if there is one that sends at once."""
    replaced: dict[type[Any], type[Any]] = {tcp.Server: SendsAtOnce, unix.Server: SendsAtOnceUNIX}
    return replaced.get(transport, transport)


def wire_under(transport: Any) -> SendsAtOnce | None:
    """The connection under a transport's wrappers (TLS, PROXY), if it is of our kind."""
    while isinstance(transport, ProtocolWrapper):
        transport = transport.transport
    return transport if isinstance(transport, SendsAtOnce) else None


def layer_under(transport: Any) -> TLSConnection | None:
    """Our TLS layer among a transport's wrappers; None: there is none."""
    while isinstance(transport, ProtocolWrapper):
        if isinstance(transport, TLSConnection):
            return transport
        transport = transport.transport
    return None


def tls_under(transport: Any) -> Any:
    """What is known of the TLS connection among a transport's wrappers; None: there is none.

    It is an `ssl.SSLObject`, or in a layer of Twisted's an `OpenSSL.SSL.Connection`.
    """
    while isinstance(transport, ProtocolWrapper):
        if isinstance(transport, TLSConnection | TLSMemoryBIOProtocol):
            return transport.getHandle()
        transport = transport.transport
    return None


class _Encrypting:
    """A TLS layer of Twisted's that encrypts at once.

    By itself it holds small writes back for a turn of the loop. A peer that says good-bye
    (close_notify) in that turn would never get them.

    Args:
        layer: The layer.
    """

    def __init__(self, layer: TLSMemoryBIOProtocol) -> None:
        self._layer = layer

    def write(self, data: bytes) -> None:
        TLSMemoryBIOProtocol.write(self._layer, data)


def direct_wire(transport: Any) -> Wire:
    """What writes over a transport without waiting for a turn."""
    wire: Wire = (
        _Encrypting(transport) if isinstance(transport, TLSMemoryBIOProtocol) else transport
    )
    return wire
