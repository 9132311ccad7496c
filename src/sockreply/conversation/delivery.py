"""Carries out a reply that is more than a message, step by step, and settles it."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable
from types import CoroutineType
from typing import Any, Literal, TypeAlias

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from sockreply.conversation.awaiting import awaited
from sockreply.conversation.exchanges import Said, Silence
from sockreply.conversation.guard import guarded
from sockreply.conversation.interfaces import Dialogue
from sockreply.conversation.states import STALL, STALL_PAUSED, Event
from sockreply.replies.reply import (
    Await,
    Close,
    Raw,
    Reply,
    Send,
    Stall,
    StartTLS,
    Step,
    Wait,
)
from sockreply.replies.responder import as_reply

_NoMore: TypeAlias = Literal["nothing more"]
_Handshake: TypeAlias = Literal["handshake"]

_CLOSES: dict[str, Silence] = {"whole": "close", "half": "half-close", "reset": "reset"}


class Delivery:
    """One reply on its way.

    Args:
        dialogue: The dialogue that it belongs to.
        reply: What is to be done.
        asked: Does it answer a message? If not, nothing is counted as a reply.
        shown: Does the exchange log show that message, or what is sent unasked?
    """

    __slots__ = (
        *("_dialogue", "_outbox", "_running", "_said", "_spoke", "_steps"),
        *("_waits_for", "owes", "shown", "stalls"),
    )

    owes: bool
    """Is there a message that has got neither its reply nor its silence yet?"""

    shown: bool
    """Does the exchange log show that message, or what is sent unasked?"""

    stalls: Event | None
    """The event of its last step, if that step stalls: it says no more, but stays open."""

    def __init__(
        self, dialogue: Dialogue, reply: Reply, *, asked: bool = True, shown: bool = False
    ) -> None:
        self._dialogue = dialogue
        self._outbox = dialogue.outbox
        self._steps: deque[Step] = deque(reply)
        self._waits_for: IDelayedCall | Deferred[Any] | _NoMore | _Handshake | None = None
        self._running = False
        self._spoke = False
        self._said = Said(dialogue.shared.exchanges.kept) if shown else None
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

    def settle(self, how: Silence = "silence") -> None:
        """Count the reply, or the silence: the message gets nothing more.

        Args:
            how: What kind of silence it is, if it is one.
        """
        dialogue, shared = self._dialogue, self._dialogue.shared
        said = self.let_go_of_said()
        if not self.owes:
            if said is not None and said.count:
                shared.exchanges.sent(dialogue.session, said)
            return
        self.owes = False
        if not self._spoke:
            shared.counters.silences += 1
            if said is not None:
                mute = how == "silence" and getattr(shared.responder, "never_answers", False)
                shared.exchanges.silent(dialogue.session, "unanswered" if mute else how)
            return
        shared.counters.replies += 1
        shared.count_seconds(dialogue.read_at, 1)
        if said is not None:
            shared.exchanges.answered(dialogue.session, said)

    def let_go_of_said(self) -> Said | None:
        """What was sent so far, once, if it is to be shown."""
        said, self._said = self._said, None
        return said

    def cancel(self) -> None:
        """Give up what is still to come, including what would be awaited later."""
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

    @property
    def shakes_hands(self) -> bool:
        """Has a step begun TLS, whose handshake is not done yet?"""
        return self._waits_for == "handshake"

    def secured(self) -> None:
        """The handshake is done."""
        if self.shakes_hands:
            self._waited()

    def broke(self, failure: Failure) -> None:
        """An unexpected exception: end the connection."""
        self._dialogue.broke(failure)

    def _carry_out(self, step: Step) -> None:
        match step:
            case Send(message):
                self._speak(message, self._outbox.frame(message))
            case Raw(wire):
                self._speak(None, wire)
            case Wait(seconds):
                clock = self._dialogue.shared.clock
                self._waits_for = clock.callLater(seconds, self._waited)
            case Await(answer):
                self._await(answer)
            case StartTLS():
                self._outbox.flush()
                self._waits_for = "handshake"
                self._dialogue.start_tls()
            case Close(how):
                self._waits_for = "nothing more"
                self.settle(_CLOSES[how])
                self._outbox.flush()
                self.stalls = STALL if self._dialogue.end(how) else None
            case Stall(read):
                self._waits_for = "nothing more"
                self.settle("stall")
                self.stalls = STALL if read else STALL_PAUSED

    def _speak(self, message: bytes | None, wire: bytes) -> None:
        self._spoke = True
        if self._said is not None:
            self._said.add(message, wire)
        if self._outbox.add(wire):
            self._dialogue.turn_over()

    @guarded
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

    @guarded
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

    @guarded
    def _failed(self, failure: Failure, waited: Deferred[Any]) -> None:
        if self._waits_for is waited:
            self._dialogue.failed(failure)
