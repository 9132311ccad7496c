"""Endpoints whose connections are inside TLS."""

from __future__ import annotations

import ssl

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from zope.interface import implementer

from sockreply.tls_layer import TLSFactory


@implementer(IStreamServerEndpoint)
class TLSEndpoint:
    """An endpoint whose connections are inside TLS.

    Args:
        plain: The endpoint without it.
        context: With the certificate and the key.
    """

    def __init__(self, plain: IStreamServerEndpoint, context: ssl.SSLContext) -> None:
        self._plain = plain
        self._context = context

    def listen(self, factory: IProtocolFactory) -> Deferred[IListeningPort]:
        return self._plain.listen(TLSFactory(factory, self._context))
