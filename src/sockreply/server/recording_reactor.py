"""A stand-in for the reactor that learns what an endpoint would do with a real one."""

from __future__ import annotations

from typing import NamedTuple

from twisted.internet.interfaces import IProtocolFactory


class Asked(NamedTuple):
    """What an endpoint asked for.

    Args:
        factory: Makes the connections.
        port: The TCP port; None: a UNIX socket.
        interface: The address or name that the port is on; empty: all of IPv4.
        path: That of the UNIX socket; None: a TCP port.
        backlog: How many connections the kernel is to keep for it.
    """

    factory: IProtocolFactory
    port: int | None = None
    interface: str = ""
    path: str | None = None
    backlog: int = 50


class RecordingReactor:
    """Remembers what an endpoint asks it to listen on, and does not listen."""

    asked: Asked | None = None
    """None: nobody has asked yet."""

    def listenTCP(  # noqa: N802 - Twisted's name
        self, port: int, factory: IProtocolFactory, backlog: int = 50, interface: str = ""
    ) -> None:
        self.asked = Asked(factory, port=port, interface=interface, backlog=backlog)

    def listenSSL(  # noqa: N802 - Twisted's name
        self,
        port: int,
        factory: IProtocolFactory,
        contextFactory: object,  # noqa: ARG002, N803 - Twisted's name; whoever asks has another
        backlog: int = 50,
        interface: str = "",
    ) -> None:
        self.listenTCP(port, factory, backlog, interface)

    def listenUNIX(  # noqa: N802 - Twisted's name
        self, address: str, factory: IProtocolFactory, *_: object, **__: object
    ) -> None:
        self.asked = Asked(factory, path=address)
