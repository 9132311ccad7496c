"""Carries out a reply that is more than a message, step by step, and settles it."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable
from types import CoroutineType
from typing import Any, Literal

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from sockreply.conversation.awaiting import awaited
from sockreply.conversation.interfaces import Dialogue
from sockreply.conversation.states import STALL, STALL_PAUSED, Event
from sockreply.replies.reply import Await, Close, Raw, Reply, Send, Stall, Step, Wait
from sockreply.replies.responder import as_reply


class Delivery:
    """One reply on its way.

    Args:
        dialogue: The dialogue that it belongs to.
        reply: What is to be done.
        asked: Does it answer a message? If not, nothing is counted as a reply.
        shown: Does the exchange log show that message?
    """

    __slots__ = (
        *("_beginning", "_dialogue", "_outbox", "_running", "_size", "_spoke", "_steps"),
        *("_waits_for", "owes", "shown", "stalls"),
    )

    owes: bool
    """Is there a message that has had neither its reply nor its silence yet?"""

    shown: bool
    """Does the exchange log show that message?"""

    stalls: Event | None
    """What its last step was, if that was to say no more while the connection stays open."""

    def __init__(
        self, dialogue: Dialogue, reply: Reply, *, asked: bool = True, shown: bool = False
    ) -> None:
        self._dialogue = dialogue
        self._outbox = dialogue.outbox
        self._steps: deque[Step] = deque(reply)
        self._waits_for: IDelayedCall | Deferred[Any] | Literal["nothing more"] | None = None
        self._running = False
        self._spoke = False
        self._size = 0  # of what was said, as a log shows it
        self._beginning: bytes | bytearray = b""  # of that, if it is shown
        self.owes = asked
        self.shown = shown
        self.stalls = None

    def run(self) -> bool:
        """Carry out steps for as long as none waits and the dialogue takes more.

        Returns:
            Is the reply whole? If not, the dialogue is told to `go_on` when it is time to run
            again; when the dialogue itself was in the way, it knows.
        """
        self._running = True
        try:
            while self._steps and self._waits_for is None and self._dialogue.takes_more:
                self._carry_out(self._steps.popleft())
            return self._waits_for is None and not self._steps
        except Exception:  # a message that cannot be framed, an awaitable that cannot be awaited
            self._dialogue.failed(Failure())
            return False
        finally:
            self._running = False

    def settle(self) -> None:
        """Count the reply, or the silence: nothing more is said to the message."""
        if not self.owes:
            return
        self.owes = False
        dialogue, shared = self._dialogue, self._dialogue.shared
        if not self._spoke:
            shared.counters.silences += 1
            if self.shown:
                shared.exchanges.silent(dialogue.session)
            return
        shared.counters.replies += 1
        shared.count_seconds(dialogue.read_at, 1)
        if self.shown:
            said, self._beginning = bytes(self._beginning), b""
            shared.exchanges.answered(dialogue.session, said, self._size)

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
                self._speak(self._outbox.frame(message), message)
            case Raw(wire):
                self._speak(wire, wire)
            case Wait(seconds):
                clock = self._dialogue.shared.clock
                self._waits_for = clock.callLater(seconds, self._waited)
            case Await(answer):
                self._await(answer)
            case Close(how):
                self._waits_for = "nothing more"
                self.settle()
                self._outbox.flush()
                self.stalls = STALL if self._dialogue.end(how) else None
            case Stall(read):
                self._waits_for = "nothing more"
                self.settle()
                self.stalls = STALL if read else STALL_PAUSED

    def _speak(self, wire: bytes, shown_as: bytes) -> None:
        self._spoke = True
        self._size += len(shown_as)
        if self.shown and len(self._beginning) <= self._dialogue.shared.exchanges.kept:
            if not self._beginning:
                self._beginning = bytearray()  # there may be many small pieces
            self._beginning += shown_as
        if self._outbox.add(wire):
            self._dialogue.turn_over()

    def _waited(self) -> None:
        self._waits_for = None
        self._dialogue.go_on()

    def _await(self, answer: Awaitable[Any]) -> None:
        self._dialogue.awaiting(True)
        waited = awaited(answer)
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
        self._dialogue.awaiting(False)
        try:
            reply = as_reply(answer)
        except Exception:  # BadReply
            self._dialogue.failed(Failure())
            return
        steps = (Send(reply),) if isinstance(reply, bytes) else tuple(reply)
        self._steps.extendleft(reversed(steps))
        if not self._running:
            self._dialogue.go_on()

    def _failed(self, failure: Failure, waited: Deferred[Any]) -> None:
        if self._waits_for is waited:
            self._dialogue.failed(failure)
