"""Carries out replies that take more than one write, step by step."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from itertools import chain
from types import CoroutineType
from typing import Any, Literal, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from sockreply.replies.reply import Await, Close, Raw, Reply, Send, Stall, Step, Wait
from sockreply.replies.responder import as_reply


class Line(Protocol):
    """What a delivery asks of the connection that it speaks on."""

    @property
    def takes_more(self) -> bool:
        """Is it open, with little enough unsent?"""

    def frame(self, message: bytes) -> bytes:
        """The message as it goes over the wire."""

    def deliver(self, wire: bytes, shown_as: bytes) -> None:
        """Send bytes of the reply, which a log shows in the second form."""

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
        line: The connection.
        reply: What is to be done.
        clock: For the waits.
    """

    __slots__ = ("_clock", "_line", "_running", "_steps", "_waits_for", "spoke")

    spoke: bool
    """Was anything sent?"""

    def __init__(self, line: Line, reply: Reply, clock: IReactorTime) -> None:
        self._line = line
        self._clock = clock
        self._steps: Iterator[Step] = iter(reply)
        self._waits_for: IDelayedCall | Deferred[Any] | Literal["nothing more"] | None = None
        self._running = False
        self.spoke = False

    def run(self) -> bool:
        """Carry out steps for as long as none waits and the line takes more.

        Returns:
            Is the reply whole? If not, the line is told to `go_on` when it is time to run again;
            when the line itself was in the way, it knows.
        """
        self._running = True
        try:
            while self._waits_for is None and self._line.takes_more:
                step = next(self._steps, None)
                if step is None:
                    return True
                self._carry_out(step)
            return False
        except Exception:  # a message that cannot be framed, an awaitable that cannot be awaited
            self._line.failed(Failure())
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
                self._speak(self._line.frame(message), message)
            case Raw(wire):
                self._speak(wire, wire)
            case Wait(seconds):
                self._waits_for = self._clock.callLater(seconds, self._waited)
            case Await(answer):
                self._await(answer)
            case Close(how):
                self._waits_for = "nothing more"
                self._line.end(how)
            case Stall():
                self._waits_for = "nothing more"
                self._line.stall()

    def _speak(self, wire: bytes, shown_as: bytes) -> None:
        self.spoke = True
        self._line.deliver(wire, shown_as)

    def _waited(self) -> None:
        self._waits_for = None
        self._line.go_on()

    def _await(self, answer: Awaitable[Any]) -> None:
        self._line.awaiting(True)
        waited: Deferred[Any] = Deferred.fromCoroutine(_result_of(answer))
        self._waits_for = waited
        waited.addCallbacks(
            self._answered, self._failed, callbackArgs=(waited,), errbackArgs=(waited,)
        )

    def _answered(self, answer: object, waited: Deferred[Any]) -> None:
        if self._waits_for is not waited:
            return  # given up: the peer left, or it took too long
        self._waits_for = None
        self._line.awaiting(False)
        try:
            reply = as_reply(answer)
        except Exception:  # BadReply
            self._line.failed(Failure())
            return
        self._steps = chain((Send(reply),) if isinstance(reply, bytes) else reply, self._steps)
        if not self._running:
            self._line.go_on()

    def _failed(self, failure: Failure, waited: Deferred[Any]) -> None:
        if self._waits_for is waited:
            self._line.failed(failure)


async def _result_of(answer: Awaitable[Any]) -> Any:
    """Await whatever can be awaited: a coroutine, a Deferred, something of a user's own."""
    return await answer
