"""Carries out replies that take more than one write, step by step."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable
from types import CoroutineType
from typing import Any, Literal, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from sockreply.replies.reply import Await, Close, Raw, Reply, Send, Stall, Step, Wait
from sockreply.replies.responder import as_reply


class ReplyChannel(Protocol):
    """What a delivery asks of the connection that it speaks on."""

    @property
    def takes_more(self) -> bool:
        """Is it open, with little enough unsent?"""

    def frame(self, message: bytes) -> bytes:
        """The message as it goes over the wire."""

    def deliver(self, wire: bytes, shown_as: bytes) -> None:
        """Send a piece of the reply, which a log shows in the second form."""

    def awaiting(self, begun: bool) -> None:
        """The responder's time begins, or ends."""

    def end(self, how: Literal["whole", "half", "reset"]) -> None:
        """End the connection."""

    def stall(self) -> None:
        """There will be no more of this reply, and none behind it."""

    def go_on(self) -> None:
        """What the delivery waited for is there."""

    def failed(self, failure: Failure) -> None:
        """The reply cannot be made."""


class Delivery:
    """One reply on its way.

    Args:
        channel: The connection.
        reply: What is to be done.
        clock: For the waits.
    """

    __slots__ = ("_channel", "_clock", "_running", "_steps", "_waits_for", "size", "spoke")

    size: int
    """Bytes of what was sent, as a log shows it."""

    spoke: bool
    """Was anything sent?"""

    def __init__(self, channel: ReplyChannel, reply: Reply, clock: IReactorTime) -> None:
        self._channel = channel
        self._clock = clock
        self._steps: deque[Step] = deque(reply)
        self._waits_for: IDelayedCall | Deferred[Any] | Literal["nothing more"] | None = None
        self._running = False
        self.size = 0
        self.spoke = False

    def run(self) -> bool:
        """Carry out steps for as long as none waits and the channel takes more.

        Returns:
            Is the reply whole? If not, the channel is told to `go_on` when it is time to run again;
            when the channel itself was in the way, it knows.
        """
        self._running = True
        try:
            while self._steps and self._waits_for is None and self._channel.takes_more:
                self._carry_out(self._steps.popleft())
            return self._waits_for is None and not self._steps
        except Exception:  # a message that cannot be framed, an awaitable that cannot be awaited
            self._channel.failed(Failure())
            return False
        finally:
            self._running = False

    def cancel(self) -> None:
        """Give up what is still to come, also what would be awaited only later."""
        waited, self._waits_for = self._waits_for, "nothing more"
        if waited is not None and not isinstance(waited, str):
            waited.cancel()
        for step in self._steps:
            match step:
                case Await(Deferred() as unwanted):
                    unwanted.addErrback(lambda _: None)
                    unwanted.cancel()
                case Await(CoroutineType() as unbegun):
                    unbegun.close()

    def _carry_out(self, step: Step) -> None:
        match step:
            case Send(message):
                self._speak(self._channel.frame(message), message)
            case Raw(wire):
                self._speak(wire, wire)
            case Wait(seconds):
                self._waits_for = self._clock.callLater(seconds, self._waited)
            case Await(answer):
                self._await(answer)
            case Close(how):
                self._waits_for = "nothing more"
                self._channel.end(how)
            case Stall():
                self._waits_for = "nothing more"
                self._channel.stall()

    def _speak(self, wire: bytes, shown_as: bytes) -> None:
        self.spoke = True
        self.size += len(shown_as)
        self._channel.deliver(wire, shown_as)

    def _waited(self) -> None:
        self._waits_for = None
        self._channel.go_on()

    def _await(self, answer: Awaitable[Any]) -> None:
        self._channel.awaiting(True)
        waited: Deferred[Any] = Deferred.fromCoroutine(_result_of(answer))
        if self._waits_for is not None:  # it was given up by what it called
            waited.addErrback(lambda _: None).cancel()
            return
        self._waits_for = waited
        waited.addCallbacks(
            self._answered, self._failed, callbackArgs=(waited,), errbackArgs=(waited,)
        )

    def _answered(self, answer: object, waited: Deferred[Any]) -> None:
        if self._waits_for is not waited:
            return  # given up: the peer left, or it took too long
        self._waits_for = None
        self._channel.awaiting(False)
        try:
            reply = as_reply(answer)
        except Exception:  # BadReply
            self._channel.failed(Failure())
            return
        steps = (Send(reply),) if isinstance(reply, bytes) else tuple(reply)
        self._steps.extendleft(reversed(steps))
        if not self._running:
            self._channel.go_on()

    def _failed(self, failure: Failure, waited: Deferred[Any]) -> None:
        if self._waits_for is waited:
            self._channel.failed(failure)


async def _result_of(answer: Awaitable[Any]) -> Any:
    """Await whatever can be awaited: a coroutine, a Deferred, something of a user's own."""
    return await answer
