"""A stand-in for the reactor that learns what an endpoint would do with a real one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twisted.internet.interfaces import IProtocolFactory


@dataclass(frozen=True)
class Asked:
    """What an endpoint asked for.

    Args:
        factory: Makes the connections, without TLS.
        port: The TCP port; None: a UNIX socket.
        interface: The address or name that the port is on; empty: all of IPv4.
        path: That of the UNIX socket; None: a TCP port.
        certificate: What Twisted calls a context factory; None: plain TCP, or a UNIX socket.
    """

    factory: IProtocolFactory
    port: int | None = None
    interface: str = ""
    path: str | None = None
    certificate: Any = None

    def factory_with_tls(self) -> IProtocolFactory:
        """What the port would make connections with. This takes the global reactor's clock."""
        if self.certificate is None:
            return self.factory
        from twisted.protocols.tls import TLSMemoryBIOFactory  # now, because many want no TLS

        return TLSMemoryBIOFactory(self.certificate, False, self.factory)


class RecordingReactor:
    """Remembers what an endpoint asks it to listen on, and does not listen."""

    asked: Asked | None = None
    """None: nobody has asked yet."""

    def listenTCP(  # noqa: N802 - Twisted's name
        self, port: int, factory: IProtocolFactory, *_: object, interface: str = "", **__: object
    ) -> None:
        self.asked = Asked(factory, port=port, interface=interface)

    def listenSSL(  # noqa: N802 - Twisted's name
        self,
        port: int,
        factory: IProtocolFactory,
        contextFactory: Any,  # noqa: N803 - Twisted's name
        *_: object,
        interface: str = "",
        **__: object,
    ) -> None:
        self.asked = Asked(factory, port=port, interface=interface, certificate=contextFactory)

    def listenUNIX(  # noqa: N802 - Twisted's name
        self, address: str, factory: IProtocolFactory, *_: object, **__: object
    ) -> None:
        self.asked = Asked(factory, path=address)
