"""The client's end of a connection: requests go out, and replies come back in their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, cast

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IDelayedCall,
    IHalfCloseableProtocol,
    IReactorTime,
    ITCPTransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from sockreply.client.ending import CLOSE_TIMEOUT, Ending
from sockreply.client.pipeline import Pipeline
from sockreply.client.reasons import why_ended
from sockreply.client.tls import has_tls
from sockreply.errors import (
    ConnectionEnded,
    FramingError,
    RequestError,
    RequestTimeout,
    SockreplyError,
)
from sockreply.extensions import in_a_line
from sockreply.framing import Framing
from sockreply.framing.interfaces import SpeakingFramer

__all__ = ["CLOSE_TIMEOUT", "MAX_REPLY", "RequestProtocol", "limit"]

MAX_REPLY = 16 * 1024 * 1024
"""Bytes of the longest reply by default: the most that a count of three bytes can hold. A client
asked for what it gets, and on few connections, so it allows more than a server does."""


@implementer(IHalfCloseableProtocol)
class RequestProtocol(Protocol):
    """Sends requests, and knows by their order which reply belongs to which.

    Requests leave at once unless replies may run together: nothing in the bytes of `chunk` and
    `gap` ends a message, so a request is sent when the one before it has its reply. With `eof`, our
    half-close ends the request, so a connection carries only one.

    Args:
        framing: The server's; this is its other side.
        clock: For timeouts and silences; a reactor is one.
        max_message: The most bytes that a reply may have.
        unasked: Called with every message that answers no request; None: they are dropped.
        greeting: Is the first message unasked, even when requests already wait?

    Raises:
        ConfigError: The framing has no message as short as `max_message`.
    """

    _log = Logger()

    transport: Any  # what an endpoint or a wrapper made; its interfaces vary

    def __init__(
        self,
        framing: Framing,
        clock: IReactorTime,
        *,
        max_message: int = MAX_REPLY,
        unasked: Callable[[bytes], object] | None = None,
        greeting: bool = False,
    ) -> None:
        self.ended: str | None = "not made yet"
        """Why no request can be made; None: requests can be made."""
        self._framing = framing.mirrored()
        self._framer = self._framing.framer(max_message)
        self._clock = clock
        self._unasked = unasked
        self._pipeline = Pipeline(
            lambda wire: self.transport.write(wire),
            one_at_a_time=self._framing.may_run_together,
        )
        if greeting:
            self._pipeline.join().addCallbacks(self._tell, lambda _: None)
        self._half_closed = False
        self._silence: IDelayedCall | None = None
        self._ending = Ending(clock)

    def request(self, message: bytes, timeout: float | None = None) -> Deferred[bytes]:
        """Send a message and wait for its reply.

        Replies are told apart by their order alone. A request that was given up still counts: its
        reply is awaited and dropped. Where the server leaves a request unanswered, later replies go
        to the wrong requests, so close the connection after a timeout.

        Args:
            message: Without what frames it.
            timeout: Seconds; None: for as long as the connection lasts.

        Returns:
            The reply. It may be cancelled, and fails with `RequestTimeout`, with `ConnectionEnded`,
            with `CannotFrame` if nothing was sent, or with another `RequestError` if the
            connection cannot carry the request.
        """
        try:
            self._check_open()
            wire = self._framing.frame(message)
        except SockreplyError:
            return fail()
        reply = self._pipeline.join(wire)
        if self._framing.one_message_each_way:
            self._half_closed = True
            self.transport.loseWriteConnection()
        return limit(reply, timeout, self._clock)

    def receive(self, timeout: float | None = None) -> Deferred[bytes]:
        """Wait for a message that comes unasked, after the replies that are owed.

        It may be a greeting, or the rest of a reply of several messages.

        Args:
            timeout: Seconds; None: for as long as the connection lasts.

        Returns:
            The message. It may be cancelled, and fails with `RequestTimeout` or `ConnectionEnded`.
        """
        if self.ended is not None:
            return fail(ConnectionEnded(self.ended))
        return limit(self._pipeline.join(), timeout, self._clock)

    def send(self, message: bytes) -> None:
        """Send a message that gets no reply. It goes out at once; with `eof`, `finish` ends it.

        Args:
            message: Without what frames it.

        Raises:
            CannotFrame, ConnectionEnded, RequestError: Nothing was sent; see `request`.
        """
        self._check_open()
        self.transport.write(self._framing.frame(message))

    @property
    def broken(self) -> str | None:
        """How the connection went, if neither side closed it in good order."""
        return self._ending.broken

    @property
    def owed_to_nobody(self) -> bool:
        """Was a request given up that was sent and has no reply yet?"""
        return self._pipeline.owed_to_nobody

    def close(self, why: str = "we closed it") -> Deferred[None]:
        """Close the connection once everything is sent; requests without a reply fail at once.

        Args:
            why: What their error says.

        Returns:
            Fires when it is gone, which takes `CLOSE_TIMEOUT` seconds at most.
        """
        closed = self.when_closed()
        self._end(why)
        self._ending.close()
        return closed

    def finish(self, timeout: float | None = None) -> Deferred[None]:
        """Send what is still to be sent, half-close, and let the peer close.

        Over TLS, which has no half-close, we close.

        Args:
            timeout: Seconds in which the peer has to take all of it; None: no limit.

        Returns:
            Fires when the connection is gone, at most `CLOSE_TIMEOUT` seconds after everything was
            sent; `broken` says whether that went wrong.
        """
        closed = self.when_closed()
        self._end("no more is sent")
        self._ending.finish(timeout)
        return closed

    def when_closed(self) -> Deferred[None]:
        """Fires when the connection is gone."""
        return self._ending.when_closed()

    # What the transport tells us.

    def connectionMade(self) -> None:
        self.ended = None
        transport = self.transport
        self._ending.made(transport)
        if ITCPTransport.providedBy(transport) and not isinstance(transport.getPeer(), UNIXAddress):
            transport.setTcpNoDelay(True)  # else one behind a slow reply waits 40 ms for an ACK

    def dataReceived(self, data: bytes) -> None:
        if self.ended is None:
            self._framer.receive_data(data)
            self._pull()
            self._listen_for_silence()

    def readConnectionLost(self) -> None:
        self._framer.receive_eof()
        self._finish("the peer closed it")
        self._ending.close()  # what for, without replies?

    def writeConnectionLost(self) -> None:
        self._ending.half_closed()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.connected = 0
        if self._silence is not None and self._silence.active():
            self._silence.cancel()
        if reason.check(ConnectionDone):
            self._framer.receive_eof()
        self._ending.gone(reason)
        self._finish(why_ended(reason))
        self._ending.tell()

    # Messages.

    def _pull(self) -> None:
        """Hand out the messages that are here."""
        try:
            while self.ended is None:
                message = self._framer.next_message()
                if self._framing.speaks and (said := cast(SpeakingFramer, self._framer).said()):
                    self.transport.write(said)
                if message is None:
                    break
                if self._pipeline:
                    self._pipeline.serve(message)
                else:
                    self._tell(message)
        except FramingError as error:
            if not self._pipeline:  # then nobody else is told
                self._log.warn("connection aborted: {error}", error=error)
            self._end(f"a reply broke the format: {error}")
            self.transport.abortConnection()
        except Exception as error:  # of somebody else's framing
            self._end(f"framing {self._framing.name}: {in_a_line(error)}")
            self.transport.abortConnection()

    def _tell(self, message: bytes) -> None:
        """Hand out a message that answers no request."""
        if self._unasked is not None:
            try:
                self._unasked(message)
            except Exception:  # a user's code may raise anything
                self._log.failure("the callback for unasked messages failed")

    def _listen_for_silence(self) -> None:
        if self._framer.silence is None or self.ended is not None:
            return
        if self._silence is not None and self._silence.active():
            self._silence.reset(self._framer.silence)
        else:
            self._silence = self._clock.callLater(self._framer.silence, self._fell_silent)

    def _fell_silent(self) -> None:
        self._framer.receive_silence()
        self._pull()

    # Ending.

    def _check_open(self) -> None:
        """Can a request be made?"""
        if self.ended is not None:
            raise ConnectionEnded(self.ended)
        if self._framing.one_message_each_way:
            if self._half_closed:
                raise RequestError("the connection had its one request, which ended the stream")
            if has_tls(self.transport):
                raise RequestError("a half-close ends the request, and TLS has none")

    def _finish(self, why: str) -> None:
        """Hand out what came whole; no more will come."""
        self._pull()
        if self._framer.buffered:
            why += f", {self._framer.buffered} bytes into a reply"
        self._end(why)

    def _end(self, why: str) -> None:
        """Fail what waits, and what will be asked. The first reason given holds."""
        if self.ended is None:
            self.ended = why
            self._pipeline.dissolve(why)


def limit(reply: Deferred[bytes], timeout: float | None, clock: IReactorTime) -> Deferred[bytes]:
    """Allow a reply `timeout` seconds; after that it fails with `RequestTimeout`."""

    def timed_out(_: object, seconds: float) -> NoReturn:
        raise RequestTimeout(seconds)

    return reply if timeout is None else reply.addTimeout(timeout, clock, timed_out)
