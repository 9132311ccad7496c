"""A port on a UNIX socket that somebody else opened and keeps.

Twisted adopts TCP sockets by a public method and UNIX sockets by a private one. This is the only
module that names what is private in `twisted.internet.unix.Port`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.python.failure import Failure


class InheritedPort(unix.Port):
    """It leaves the socket as it is, and where it is when it is closed here.

    Twisted's own port sets the mode of its file and its backlog, shuts it down for all processes
    that have it, and removes the file.
    """

    _shouldShutdown = False  # noqa: N815 - Twisted's name

    def startListening(self) -> None:  # noqa: N802 - Twisted's name
        factory: Any = self.factory
        listening: Any = self._preexistingSocket
        factory.doStart()
        self.connected = True
        self.socket = listening
        self.fileno = listening.fileno  # type: ignore[method-assign] # as Twisted does
        self.numberAccepts = 100
        self.startReading()

    def connectionLost(self, reason: Failure) -> None:
        tcp.Port.connectionLost(self, reason)


def listen_on_inherited(reactor: Any, number: int, factory: IProtocolFactory) -> IListeningPort:
    """Accept connections from a UNIX socket that already listens.

    Args:
        reactor: Tells when there are some.
        number: The socket's descriptor, which does not block and stays open.
        factory: Makes the connections.
    """
    port: Any = InheritedPort._fromListeningDescriptor(reactor, number, factory)
    port.startListening()
    return port  # type: ignore[no-any-return] # Twisted's ports have few types
