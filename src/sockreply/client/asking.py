"""Many messages over one connection, as a command sends them."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.python.failure import Failure

from sockreply.client.protocol import RequestProtocol
from sockreply.errors import FramingError
from sockreply.framing import Framing

WAITING_LIMIT = 1_000
"""How many messages may wait for their replies before the next one is taken."""

WIRE_LIMIT = 2**31 - 1
"""The most bytes that a message of ours may have: as many as memory takes."""


class Asking:
    """Sends messages, hands out the replies in order, and knows when that is done.

    Args:
        connection: Where to.
        show: Takes each reply.
        timeout: Seconds that a reply may take; None: for ever.
    """

    def __init__(
        self,
        connection: RequestProtocol,
        show: Callable[[bytes], object],
        timeout: float | None = None,
    ) -> None:
        self._connection = connection
        self._show = show
        self._timeout = timeout
        self._places = DeferredSemaphore(WAITING_LIMIT)
        self._all_asked = False
        self.asked = 0
        """Messages that were sent, or wait to be."""
        self.answered = 0
        """Those whose replies were shown."""
        self._waiting = 0
        self.done: Deferred[None] = Deferred()
        """Fires when each message has had its reply, or fails as soon as one will have none."""

    async def ask(self, message: bytes) -> None:
        """Send a message as soon as few enough wait."""
        await self._places.acquire()
        self.asked += 1
        self._waiting += 1
        reply = self._connection.request(message, self._timeout)
        reply.addCallback(self._answered).addErrback(self.fail).addBoth(self._ended)

    def all_asked(self) -> None:
        """There are no more messages."""
        self._all_asked = True
        self._look()

    def fail(self, why: Failure | Exception) -> None:
        """Some message will have no reply. The first reason holds."""
        if not self.done.called:
            self.done.errback(why)

    def _answered(self, reply: bytes) -> None:
        self._show(reply)
        self.answered += 1

    def _ended(self, _: None) -> None:
        self._waiting -= 1
        self._places.release()
        self._look()

    def _look(self) -> None:
        if self._all_asked and not self._waiting and not self.done.called:
            self.done.callback(None)


def is_carried(message: bytes, framing: Framing) -> bool:
    """Does the server, whose framing it is, read exactly this message of what we would send?

    Raises:
        CannotFrame: The framing's length field cannot tell its size.
    """
    framer = framing.framer(WIRE_LIMIT)
    if wire := framing.mirrored().frame(message):  # no read brings nothing
        framer.receive_data(wire)
    framer.receive_eof()
    try:
        return (framer.next_message(), framer.next_message()) == (message, None)
    except FramingError:
        return False
