"""Many messages over one connection that get no replies."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from sockreply.client.protocol import RequestProtocol
from sockreply.errors import ConnectionEnded, RequestError


@implementer(IPushProducer)
class Telling:
    """Sends messages as fast as the peer takes them, and knows when it has them all.

    Args:
        connection: Where to.
        clock: For timeouts; a reactor is one.
        timeout: Seconds in which the peer has to take what waits to be sent; None: for ever.
    """

    def __init__(
        self, connection: RequestProtocol, clock: IReactorTime, timeout: float | None = None
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._timeout = timeout
        self._room: Deferred[None] | None = None  # fires when the peer has taken what waits
        self._late: IDelayedCall | None = None
        self.sent = 0
        """Messages that were handed to the system, or wait to be."""
        self.done: Deferred[None] = Deferred()
        """Fires when all is sent and the connection is closed, or fails as soon as that cannot
        be."""
        connection.when_closed().addCallback(self._closed)
        connection.transport.registerProducer(self, True)

    async def ask(self, message: bytes) -> None:
        """Send a message as soon as there is room for it."""
        if self._room is not None:
            await self._room
        try:
            self._connection.send(message)
        except ConnectionEnded as error:
            self.fail(RequestError(f"the connection ended: {error.why}"))
        else:
            self.sent += 1

    def all_asked(self) -> None:
        """There are no more messages."""
        Deferred.fromCoroutine(self._finish()).addErrback(self.fail)

    def fail(self, why: Failure | Exception) -> None:
        """Not all can be sent. The first reason holds."""
        if not self.done.called:
            self.done.errback(why)

    def progress(self) -> str:
        """How far it has come."""
        return f"{self.sent} messages sent" if self.sent > 1 else ""

    async def _finish(self) -> None:
        if self._room is not None:
            await self._room
        self._connection.transport.unregisterProducer()  # a paused one holds the half-close up
        await self._connection.finish(self._timeout)
        if not self.done.called:
            self.done.callback(None)

    def _closed(self, _: None) -> None:
        self.resumeProducing()
        if (why := self._connection.broken) is not None:
            self.fail(RequestError(f"the connection ended: {why}"))

    def _give_up(self) -> None:
        self.fail(RequestError(f"the peer did not take all of it within {self._timeout:g} s"))

    # What the transport tells us.

    def pauseProducing(self) -> None:
        if self._room is None:
            self._room = Deferred()
            if self._timeout is not None:
                self._late = self._clock.callLater(self._timeout, self._give_up)

    def resumeProducing(self) -> None:
        if self._late is not None and self._late.active():
            self._late.cancel()
        room, self._room = self._room, None
        if room is not None:
            room.callback(None)

    def stopProducing(self) -> None:
        pass  # the connection tells, too
