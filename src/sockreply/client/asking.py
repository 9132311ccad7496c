"""Many messages over one connection, as a command sends them."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from sockreply.client.protocol import RequestProtocol
from sockreply.errors import FramingError, RequestTimeout
from sockreply.extensions import crashes_of
from sockreply.framing import Framing

WAITING_LIMIT = 1_000
"""How many messages may wait for their replies before the next one is accepted."""

WIRE_LIMIT = 2**31 - 1
"""The longest message that we may send, in bytes: as long as memory allows."""


class Asking:
    """Sends messages, hands out the replies in order, and knows when that is done.

    Args:
        connection: Where to.
        show: Takes each reply.
        clock: For timeouts; a reactor is one.
        timeout: Seconds to wait for the next reply, however many messages wait for theirs; None:
            for ever.
        replies: How many each message gets, at least 1.
    """

    def __init__(
        self,
        connection: RequestProtocol,
        show: Callable[[bytes], object],
        clock: IReactorTime,
        timeout: float | None = None,
        replies: int = 1,
    ) -> None:
        self._connection = connection
        self._show = show
        self._clock = clock
        self._timeout = timeout
        self._replies = replies
        self._places = DeferredSemaphore(WAITING_LIMIT)
        self._all_asked = False
        self.asked = 0
        """Messages that were sent, or wait to be."""
        self.shown = 0
        """Replies that were shown."""
        self._waiting = 0
        self._late: IDelayedCall | None = None
        self.done: Deferred[None] = Deferred()
        """Fires when each message has had its replies, or fails as soon as one will not."""

    async def ask(self, message: bytes) -> None:
        """Send a message as soon as few enough wait."""
        await self._places.acquire()
        self.asked += 1
        self._waiting += 1
        if self._waiting == 1:
            self._wait()
        replies = [self._connection.request(message)]
        replies += [self._connection.receive() for _ in range(self._replies - 1)]
        shown = Deferred.fromCoroutine(self._show_all(replies))
        shown.addErrback(self.fail).addBoth(self._ended)

    def all_asked(self) -> None:
        """There are no more messages."""
        self._all_asked = True
        self._look()

    def fail(self, why: Failure | Exception) -> None:
        """Some message will not have its replies. The first reason holds."""
        self._wait_no_more()
        if not self.done.called:
            self.done.errback(why)

    def progress(self) -> str:
        """How far it has come."""
        if self._replies > 1:
            return f"{self.shown} of {self.asked * self._replies} replies arrived"
        return f"{self.shown} of {self.asked} messages answered" if self.asked > 1 else ""

    async def _show_all(self, replies: list[Deferred[bytes]]) -> None:
        """Show the replies to one message as they come."""
        for at, reply in enumerate(replies):
            try:
                self._show(await reply)
            except Exception:
                for other in replies[at + 1 :]:
                    other.addErrback(lambda _: None)  # one reason is enough
                raise
            self.shown += 1
            self._wait()

    def _wait(self) -> None:
        """Wait for the next reply from now on."""
        self._wait_no_more()
        if self._timeout is not None and not self.done.called:
            why = RequestTimeout(self._timeout)
            self._late = self._clock.callLater(self._timeout, self.fail, why)

    def _wait_no_more(self) -> None:
        if self._late is not None and self._late.active():
            self._late.cancel()

    def _ended(self, _: None) -> None:
        self._waiting -= 1
        if not self._waiting:
            self._wait_no_more()
        self._places.release()
        self._look()

    def _look(self) -> None:
        if self._all_asked and not self._waiting and not self.done.called:
            self.done.callback(None)


def is_carried(message: bytes, framing: Framing) -> bool:
    """Does the server, whose framing it is, read just what it should of what we would send?

    Raises:
        CannotFrame: The framing's length field cannot hold its size.
        ConfigError: It is somebody else's framing, and fails.
    """
    return as_carried(message, framing) is not None


def as_carried(message: bytes, framing: Framing) -> bytes | None:
    """The message as the server reads it, with what its framer knows of it.

    Args:
        message: What we would send.
        framing: The server's.

    Returns:
        None: it reads something else than the client's framing says.

    Raises:
        CannotFrame: The framing's length field cannot hold its size.
        ConfigError: It is somebody else's framing, and fails.
    """
    with crashes_of(f"framing {framing.name}"):
        framer, client = framing.framer(WIRE_LIMIT), framing.mirrored()
        expected = client.received_as(message)
        if wire := client.frame(message):  # a read is never empty
            framer.receive_data(wire)
        framer.receive_eof()
        try:
            read, more = framer.next_message(), framer.next_message()
        except FramingError:
            return None
        return read if read == expected and more is None else None
