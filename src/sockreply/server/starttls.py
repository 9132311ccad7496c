"""Connections that begin in clear, and speak TLS from when a reply says so (STARTTLS)."""

from __future__ import annotations

import ssl
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.logger import Logger
from twisted.protocols.policies import WrappingFactory

from sockreply.conversation.shared import Shared
from sockreply.conversation.states import HALF_CLOSED, RESUME
from sockreply.server.factory import ReplyFactory
from sockreply.server.roster import Roster
from sockreply.server.stream import ReplyProtocol
from sockreply.server.transport import direct_wire
from sockreply.tls_layer import TLSConnection, TLSFactory


class StartTLSProtocol(ReplyProtocol):
    """A connection that can come to speak TLS, once.

    Args:
        shared: What all connections of the service have in common.
        roster: Knows them.
        inside: Makes what lies between it and the wire.
    """

    _log = Logger()

    __slots__ = ("_inside",)

    def __init__(self, shared: Shared, roster: Roster, inside: TLSFactory) -> None:
        super().__init__(shared, roster)
        self._inside: TLSFactory | None = inside

    def start_tls(self) -> None:
        inside, self._inside = self._inside, None
        if inside is None:
            super().start_tls()  # which says why not
            return
        answering = self._answering
        if answering.state is HALF_CLOSED:
            self.close("peer")  # there will be no handshake
            return
        if answering.drains:
            self.close("drained")
            return
        self._forget_unanswered()
        layer = TLSConnection(inside, self)
        layer.begin_below(self)
        answering.outbox.wire = direct_wire(layer)
        if answering.paused:
            answering.happened(RESUME)
            self.transport.resumeProducing()

    def handshakeCompleted(self) -> None:  # noqa: N802 - Twisted's
        super().handshakeCompleted()
        self._answering.secured()

    def drain(self) -> None:
        transport = self.transport
        if isinstance(transport, TLSConnection) and transport.shakes_hands:
            self.close("drained")  # it owes nothing, and its peer has asked for nothing yet
        else:
            super().drain()

    def _forget_unanswered(self) -> None:
        """Drop what was read in clear: somebody on the way may have added it."""
        size = self._answering.forget_unanswered()
        self._framer = self._answering.framer
        self._deadlines.end("silence")
        if size:
            text = "{peer} sent {size} bytes in clear after it asked for TLS: dropped"
            self._shared.complaints.tell(self._log.warn, self.peer(), text, size=size)


class StartTLSFactory(WrappingFactory[Any]):
    """Makes a service's connections on a listener whose connections can come to speak TLS.

    Args:
        factory: The service's.
        context: With the certificate and the key.
    """

    noisy = False

    def __init__(self, factory: ReplyFactory, context: ssl.SSLContext) -> None:
        super().__init__(factory)
        self._factory = factory
        self._inside = TLSFactory(factory, context)

    def buildProtocol(self, addr: IAddress | None) -> StartTLSProtocol:  # noqa: ARG002 - Twisted's
        return StartTLSProtocol(self._factory.shared, self._factory.roster, self._inside)
