"""Listeners whose connections begin in clear, and change to TLS when a reply says so (STARTTLS).

A connection finds what it needs by its port, as the settings of that are at the time: nobody has to
remember anything for connections that may never ask.
"""

from __future__ import annotations

import ssl
from typing import Any

from twisted.internet.interfaces import IProtocolFactory
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory

from sockreply.tls_layer import TLSFactory


class StartTLSFactory(WrappingFactory[Any]):
    """Makes another factory's connections, and has a certificate ready for them.

    Args:
        factory: The other one.
        context: With the certificate and the key.
    """

    noisy = False

    over_tls: TLSFactory
    """Makes the TLS layer between a connection and its transport."""

    def __init__(self, factory: IProtocolFactory, context: ssl.SSLContext) -> None:
        super().__init__(factory)
        self.over_tls = TLSFactory(factory, context)

    def buildProtocol(self, addr: Any) -> Any:
        return self.wrappedFactory.buildProtocol(addr)


def tls_to_start(transport: Any) -> TLSFactory | None:
    """The factory with which a connection can begin TLS; None: its listener has no `starttls`.

    Args:
        transport: The connection's, with wrappers around it.
    """
    while isinstance(transport, ProtocolWrapper):
        transport = transport.transport
    factory = getattr(getattr(transport, "server", None), "factory", None)
    while factory is not None and not isinstance(factory, StartTLSFactory):
        factory = getattr(factory, "wrappedFactory", getattr(factory, "after_header", None))
    return None if factory is None else factory.over_tls
