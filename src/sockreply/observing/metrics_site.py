"""Connections to the pages: few at a time, one request each, and not for long.

By itself, Twisted answers all requests that a peer sends, whether or not it takes the answers, and
waits longer for the next byte with every byte. Here a connection is for one request, and there are
only so many places. Once the last one is taken, the connection gives way that has kept us waiting
longest, whether for its request or until it takes its answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IAddress, IHalfCloseableProtocol, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, Request
from twisted.web.resource import Resource
from twisted.web.server import Site
from zope.interface import implementer

from sockreply.conversation.complaints import Complaints

SECONDS = 10
"""For sending a request, and as many for taking its answer. A scraper has its request ready."""

MOMENT = 0.05
"""Seconds for which a connection keeps its place, so that its request can arrive, even by TLS."""

HEAD_LINES = 64
HEAD_BYTES = 8192
"""Of a request: several times what a scraper sends through proxies, with a token."""

UNSENT_BYTES = 4 * 1024 * 1024
"""Of all answers that peers have not taken yet: a thousand pages of a few rules, or 20 of 3,000."""


class MetricsSite(Site):
    """Makes the connections, and keeps them few.

    Args:
        pages: What is asked for.
        reactor: For deadlines.
        most: Places, one of which is kept free.
    """

    _log = Logger()
    noisy = False

    def __init__(self, pages: Resource, reactor: IReactorTime, most: int) -> None:
        super().__init__(pages, reactor=reactor, timeout=SECONDS)
        self.protocol: Any = _OneRequest
        self.on_place: list[Callable[[], object]] = []
        """Called when there is a place again."""
        self._most = most
        # Since when each has kept us waiting, those first that have longest.
        self._open: dict[_OneRequest, float] = {}
        self._looks_again = False
        self._complaints = Complaints(reactor, "[metrics]")

    @property
    def places(self) -> int:
        """How many more connections there may be."""
        return self._most - len(self._open)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        # A port that asks for `places` never meets this.
        return super().buildProtocol(addr) if self.places > 0 else None

    def startFactory(self) -> None:  # noqa: N802 - Twisted's
        pass  # there is no access log to begin, nor a timer for its times

    def stopFactory(self) -> None:  # noqa: N802 - Twisted's
        self._complaints.close()

    def logPrefix(self) -> str:  # noqa: N802 - ILoggingContext's name
        return "metrics"

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802 - Twisted's
        return [b"http/1.1"]  # Twisted's HTTP/2 has none of these limits

    # What the connections tell.

    def awaited(self, connection: _OneRequest) -> None:
        """From now on, a connection keeps us waiting: it is new, or has its answer."""
        self._open.pop(connection, None)
        self._open[connection] = self.reactor.seconds()
        self._keep_place()

    def left(self, connection: _OneRequest) -> None:
        """It is gone."""
        self._open.pop(connection, None)
        for tell in self.on_place:
            tell()

    def _keep_place(self) -> None:
        """If no place is free, end the connection that has kept us waiting longest.

        Those that wait for their answer are spared: they have sent a request, and it comes soon.
        """
        staying = [each for each in self._open if not each.cut]
        if len(staying) < self._most or self._looks_again:
            return
        connection = next((each for each in staying if not each.answering), None)
        if connection is None:
            return
        rest = self._open[connection] + MOMENT - self.reactor.seconds()
        if rest > 0:
            self._looks_again = True
            self.reactor.callLater(min(rest, MOMENT), self._look_again)
        else:
            self._cut(connection, "all {most} places are taken", self._log.warn, most=self._most)

    def _look_again(self) -> None:
        self._looks_again = False
        self._keep_place()

    def keep_unsent(self, more: int) -> None:
        """Bound the answers that peers have not taken: end the connections with the oldest ones.

        Args:
            more: Bytes of one more answer.
        """
        unsent = more + sum(each.unsent for each in self._open)
        for each in self._open:
            if unsent <= UNSENT_BYTES:
                return
            if each.unsent:
                unsent -= each.unsent
                self._cut(each, "too many answers wait for their peers", self._log.warn)

    def late(self, connection: _OneRequest) -> None:
        """Its time is over."""
        what = "answer not taken" if connection.answered else "no complete request"
        self._cut(connection, what + " within {seconds} s", self._log.info, seconds=SECONDS)

    def _cut(
        self, connection: _OneRequest, why: str, log: Callable[..., None], **fields: object
    ) -> None:
        """End a connection at once, and say why."""
        connection.cut = True
        connection.unsent = 0
        transport = connection.transport
        self._complaints.tell(log, transport.getPeer(), "{peer} closed: " + why, **fields)
        transport.abortConnection()


@implementer(IHalfCloseableProtocol)
class _OneRequest(HTTPChannel):
    """A connection on which one request is answered."""

    MAX_LENGTH = totalHeadersSize = HEAD_BYTES  # noqa: N815 - Twisted's

    site: MetricsSite
    transport: Any

    answering = answered = False
    """Is its request complete, and waits for the answer? And has it got that?"""

    unsent = 0
    """Bytes of its answer, until it is gone."""

    cut = False
    """Is it ended, though it may be there until the next turn of the loop?"""

    _lines = 0

    def connectionMade(self) -> None:
        super().connectionMade()
        self.site.awaited(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        self.site.left(self)

    def readConnectionLost(self) -> None:
        if not self.answering:  # otherwise it has asked, and only says that it will not again
            self.loseConnection()

    def writeConnectionLost(self) -> None:
        pass  # nobody asks for it

    def resetTimeout(self) -> None:  # noqa: N802 - Twisted's
        pass  # the time is for the whole request

    def timeoutConnection(self) -> None:  # noqa: N802 - Twisted's
        self.site.late(self)

    def lineReceived(self, line: bytes) -> None:  # noqa: N802 - Twisted's
        self._lines += 1
        if self._lines > HEAD_LINES:
            self.lineLengthExceeded(line)
        else:
            super().lineReceived(line)

    def allHeadersReceived(self) -> None:  # noqa: N802 - Twisted's
        # Nothing here has a use for a body: it is not waited for.
        self.length = 0
        self.requests[-1].requestHeaders.removeHeader(b"expect")
        super().allHeadersReceived()

    def checkPersistence(self, request: Request, version: bytes) -> bool:  # noqa: ARG002, N802 - Twisted's
        request.responseHeaders.setRawHeaders(b"connection", [b"close"])
        return False

    def allContentReceived(self) -> None:  # noqa: N802 - Twisted's
        self.answering = True
        super().allContentReceived()

    def write(self, data: bytes) -> None:
        self.site.keep_unsent(len(data))
        self.unsent += len(data)
        super().write(data)

    def requestDone(self, request: Request) -> None:  # noqa: N802 - Twisted's
        self.answering, self.answered = False, True
        self.setTimeout(SECONDS)
        self.site.awaited(self)
        super().requestDone(request)
