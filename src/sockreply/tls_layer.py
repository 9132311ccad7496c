"""TLS with the standard library: the layer between a connection's protocol and its wire.

It is the same for both sides.

Twisted's own layer drives OpenSSL through pyOpenSSL, which makes a request cost several times as
much. This one also sends a peer that has said good-bye (close_notify) the replies it is owed.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol, IProtocol, IProtocolFactory
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import directlyProvides, implementer, providedBy

from sockreply.tls_names import passing_over_names

PIECE_BYTES = 65_536
"""Most bytes encrypted or decrypted at a time: as many as Twisted reads from a socket at once. A
`MemoryBIO` keeps the memory for the most that was ever in it until its connection is gone."""

UNTAKEN_BYTES = 65_536
"""Most bytes of TLS's own that wait for a peer: it could ask for them, as with key updates, without
end, and there is no message that could wait."""


@implementer(IHalfCloseableProtocol)
class TLSConnection(ProtocolWrapper):
    """Encrypts what a protocol writes, and hands it what was decrypted.

    An `IHalfCloseableProtocol` sees its peer's good-bye as a half-close, and may still write.

    Args:
        factory: Has the certificate.
        protocol: Speaks inside TLS.
    """

    transport: Any  # what an accepting port or a wrapper made; its interfaces vary
    _untaken = 0  # bytes of TLS's own that may still wait for the peer

    def __init__(self, factory: TLSFactory, protocol: IProtocol) -> None:
        super().__init__(factory, protocol)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.tls = factory.wrap(self._incoming, self._outgoing)
        self._producer: Any = None
        self._held: list[bytes] | None = []  # until the handshake is done; None: it is
        self._reads = False  # is something being decrypted?
        self._owes_good_bye = False
        self._peer_ended = False
        self._reason: Failure | None = None
        self._patience: Any = None  # with the handshake; is to be stopped when that is done

    def begin_below(self, protocol: Any) -> None:
        """Come between a protocol that has spoken in clear and its transport.

        Args:
            protocol: The one that was given when this was made; it is the transport's producer.
        """
        transport = protocol.transport
        directlyProvides(self, providedBy(transport))
        Protocol.makeConnection(self, transport)
        if isinstance(transport, ProtocolWrapper):
            transport.wrappedProtocol = self
        else:
            transport.protocol = self
        protocol.transport = self
        self._producer = protocol
        self.time_handshake()

    # What the wire tells us.

    def makeConnection(self, transport: Any) -> None:  # noqa: N802 - Twisted's
        super().makeConnection(transport)
        self.time_handshake()
        if not self.tls.server_side:
            self.dataReceived(b"")  # the client says the first word

    def dataReceived(self, data: bytes) -> None:
        if self._peer_ended or self._reason is not None:
            return
        self._incoming.write(data)
        self._reads = True
        try:
            if self._held is None or self._shake_hands():
                self._decrypt()
        except ssl.SSLError as error:
            self._fail(error)
            return
        finally:
            self._reads = False
        if self._outgoing.pending:
            self._answer_alone()
        if self._owes_good_bye and not self._held:
            self._say_good_bye()
        if self._peer_ended:
            self._hear_good_bye()

    def readConnectionLost(self) -> None:
        if not self._peer_ended:  # somebody may have cut the stream off, so this is no proper end
            if not self.tls.server_side and not self.disconnecting and self._reason is None:
                self._reason = Failure(ConnectionLost())  # a client may take the end for a reply's
            self.transport.connectionLost(connectionDone)

    def writeConnectionLost(self) -> None:
        pass  # nobody asks for it

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._held = self._producer = None  # the producer knows us: neither would ever go alone
        self._wait_no_more()
        super().connectionLost(self._reason or reason)

    # What the protocol asks.

    def write(self, data: bytes) -> None:
        if self.disconnecting or self._reason is not None:
            return
        if self._held is not None:
            self._held.append(data)
            if self._producer is not None:
                self._producer.pauseProducing()
        elif 0 < len(data) <= PIECE_BYTES:  # as most writes are
            self.tls.write(data)
            self.transport.write(self._outgoing.read())
        else:
            self._encrypt(data)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self._producer = producer  # is paused before the handshake, too
        super().registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        self._producer = None
        super().unregisterProducer()

    def writeSequence(self, data: Iterable[bytes]) -> None:  # noqa: N802 - Twisted's
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        if self.disconnecting:
            return
        self.disconnecting = self._owes_good_bye = True
        if not self._held and not self._reads:  # to OpenSSL, what is left to read would be wrong
            self._say_good_bye()

    def abortConnection(self) -> None:  # noqa: N802 - Twisted's
        """End the connection at once."""
        self.disconnecting = True
        self.transport.abortConnection()

    def getHandle(self) -> ssl.SSLObject:  # noqa: N802 - Twisted's name
        """What is known of the TLS connection."""
        return self.tls

    # The rest is ours.

    def _shake_hands(self) -> bool:
        """Continue the handshake. Is it done, and did more come?

        What TLS says last goes out with the reply to what came, or else with the end of the read.
        """
        try:
            with passing_over_names():
                self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        held, self._held = self._held, None
        self._wait_no_more()
        completed = getattr(self._innermost(), "handshakeCompleted", None)
        if completed is not None:
            completed()
        if held:
            self._encrypt(b"".join(held))
            if self._producer is not None:
                self._producer.resumeProducing()
        return bool(self._incoming.pending or self.tls.pending())

    def _encrypt(self, data: bytes) -> None:
        """Encrypt and send."""
        tls, outgoing, write = self.tls, self._outgoing, self.transport.write
        for at in range(0, len(data), PIECE_BYTES):
            tls.write(data[at : at + PIECE_BYTES])  # all of it, because the buffer has no limit
            write(outgoing.read())

    def _decrypt(self) -> None:
        """Hand over all that can be decrypted now, also before what makes no sense."""
        tls, incoming = self.tls, self._incoming
        try:
            while data := tls.read(PIECE_BYTES):
                self.wrappedProtocol.dataReceived(data)
                if not incoming.pending and not tls.pending():
                    return
            self._peer_ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._peer_ended = True

    def _flush(self) -> None:
        """Send what TLS itself has to say."""
        if self._outgoing.pending:
            self.transport.write(self._outgoing.read())

    def _answer_alone(self) -> None:
        """Send what TLS says to the peer unasked by us; end, if the peer takes none of it."""
        takes = getattr(self.transport, "unsent", 1) == 0  # others than our own do not tell
        self._untaken = self._outgoing.pending + (0 if takes else self._untaken)
        self._flush()
        if self._untaken > UNTAKEN_BYTES and self._held is None:
            self._reason = Failure(ssl.SSLError(1, "the peer takes none of what it asks TLS for"))
            self.abortConnection()

    def _hear_good_bye(self) -> None:
        if self.disconnecting:
            self.transport.loseConnection()
            return
        protocol = self._innermost()
        if IHalfCloseableProtocol.providedBy(protocol):
            protocol.readConnectionLost()
        else:
            self.loseConnection()

    def _innermost(self) -> Any:
        """The protocol that is no wrapper.

        A wrapper says that it is what its transport is, has what its transport has, and would pass
        on to us what we ask of it.
        """
        protocol: Any = self.wrappedProtocol
        while isinstance(protocol, ProtocolWrapper):
            protocol = protocol.wrappedProtocol
        return protocol

    def time_handshake(self) -> None:
        """From now on, the handshake has all of its time, unless it is done."""
        self._wait_no_more()
        begins = getattr(self._innermost(), "handshake_begins", None)
        if begins is not None and self._held is not None:  # it is still there
            self._patience = begins()

    def _wait_no_more(self) -> None:
        """The handshake is done, or will never be."""
        patience, self._patience = self._patience, None
        if patience is not None:
            patience.stop()

    def _say_good_bye(self) -> None:
        """Say good-bye, and close once the peer answers; what it sends is dropped."""
        self._owes_good_bye = False
        if self._held is None and self._reason is None:
            with suppress(ssl.SSLError):  # the peer has not answered yet, or sends data first
                self.tls.unwrap()
            self._flush()
        if self._held is not None or self._reason is not None or self._peer_ended:
            self.transport.loseConnection()

    def _fail(self, error: ssl.SSLError) -> None:
        """The peer does not speak TLS, or not correctly."""
        self._reason = Failure(error)
        self._flush()  # the alert, which tells the peer what is wrong
        if self._producer is not None:
            self.transport.unregisterProducer()  # a paused one would hold the close up
        self.transport.loseConnection()


class TLSFactory(WrappingFactory[TLSConnection]):
    """Makes another factory's connections, inside TLS.

    Args:
        factory: The other one.
        context: With the certificate and the key, or with those whom a client trusts.
        server_name: The server that a client means; None: none in particular.
    """

    noisy = False
    protocol = TLSConnection

    def __init__(
        self, factory: IProtocolFactory, context: ssl.SSLContext, server_name: str | None = None
    ) -> None:
        super().__init__(factory)
        self.context = context
        self._server_name = server_name

    def wrap(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> ssl.SSLObject:
        """TLS over what was received, and what is to be sent."""
        is_server = self.context.protocol is not ssl.PROTOCOL_TLS_CLIENT
        return self.context.wrap_bio(incoming, outgoing, is_server, self._server_name)

    def registerProtocol(self, p: ProtocolWrapper) -> None:  # noqa: N802 - Twisted's
        pass  # nobody looks for them here

    unregisterProtocol = registerProtocol  # noqa: N815 - Twisted's
