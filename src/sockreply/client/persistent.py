"""A client that stays connected."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import cast

from twisted.application.internet import ClientService
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IProtocol, IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure

from sockreply.client.connect import ExplainedEndpoint, given_or_global
from sockreply.client.factory import RequestFactory
from sockreply.client.protocol import MAX_REPLY, RequestProtocol, limit
from sockreply.errors import CannotConnect, ConfigError, ConnectionEnded
from sockreply.framing import Framing


class PersistentClient(ClientService):
    """One connection to a server, made again, after growing delays, whenever it is lost.

    It is a Twisted service: it connects when it starts, and requests before that fail.

    Args:
        endpoint: The server, or a Twisted client endpoint string for it: `tcp:127.0.0.1:12345`.
        framing: The server's, or the spec of it; not `eof`, whose connections carry one request.
        reactor: Connects and keeps the time; None: the global one.
        retry_policy: Takes the number of attempts that failed in a row, from 1, and gives the
            seconds until the next; None: Twisted's, from about 2 to 60.
        max_message: The most bytes that a reply may have.
        unasked: Called with every message that answers no request; None: they are dropped.
        greeting: Whether the first message of a connection is unasked, even when requests already
            wait.

    Raises:
        ConfigError: There is no such endpoint or framing, or it is `eof`.
    """

    _logger = Logger()  # ClientService has a _log of its own

    def __init__(
        self,
        endpoint: str | IStreamClientEndpoint,
        framing: str | Framing = "chunk",
        *,
        reactor: IReactorTime | None = None,
        retry_policy: Callable[[int], float] | None = None,
        max_message: int = MAX_REPLY,
        unasked: Callable[[bytes], object] | None = None,
        greeting: bool = False,
    ) -> None:
        self._clock = given_or_global(reactor)
        factory = RequestFactory(
            framing, self._clock, max_message=max_message, unasked=unasked, greeting=greeting
        )
        if factory.framing.one_message_each_way:
            raise ConfigError("a connection of this framing carries one request: nothing persists")
        super().__init__(
            ExplainedEndpoint(endpoint, self._clock, self._failed),
            factory,
            retryPolicy=retry_policy,
            clock=self._clock,
            prepareConnection=self._connected,
        )
        self._protocol: RequestProtocol | None = None  # the last one made
        self._waiting: OrderedDict[Deferred[RequestProtocol], None] = OrderedDict()

    def request(self, message: bytes, timeout: float | None = None) -> Deferred[bytes]:
        """Send a message, as soon as there is a connection, and wait for its reply.

        Nothing is sent twice: a request that was sent before a connection broke fails, because the
        server may have acted on it. If a request that was sent times out or is cancelled, the
        connection is closed and made again, because nobody could say to which request the next
        reply belongs; all others that wait on it fail.

        Args:
            message: Without what frames it.
            timeout: Seconds, including those without a connection; None: as long as it takes.

        Returns:
            The reply. It may be cancelled, and fails with `RequestTimeout`, `ConnectionEnded` or
            `CannotFrame`.
        """
        if not self.running:
            return fail(ConnectionEnded("the client is not running"))
        if self._protocol is not None and self._protocol.ended is None and not self._waiting:
            return limit(self._ask(self._protocol, message), timeout, self._clock)
        connected: Deferred[RequestProtocol] = Deferred(self._waiting.pop)
        self._waiting[connected] = None
        reply = connected.addCallback(self._ask, message)
        return limit(reply, timeout, self._clock)

    def stopService(self) -> Deferred[None]:
        if self._protocol is not None:
            self._protocol.close()
        stopped = super().stopService()
        while self._waiting:
            self._waiting.popitem(last=False)[0].errback(
                ConnectionEnded("the client is not running")
            )
        return stopped

    def _ask(self, protocol: RequestProtocol, message: bytes) -> Deferred[bytes]:
        def given_up(failure: Failure) -> Failure:
            if protocol.owed_to_nobody:
                protocol.close("a request on it was given up")
            return failure

        return protocol.request(message).addErrback(given_up)

    def _connected(self, protocol: IProtocol) -> None:
        self._protocol = cast(RequestProtocol, protocol)  # a proxy that hands all on to one
        # In a turn of its own: `ClientService` cannot be stopped by what is called from here.
        self._clock.callLater(0, self._send_waiting)

    def _send_waiting(self) -> None:
        protocol = self._protocol
        while self._waiting and protocol is not None and protocol.ended is None:
            self._waiting.popitem(last=False)[0].callback(protocol)

    def _failed(self, error: CannotConnect) -> None:
        self._logger.warn("{error}", error=error)
