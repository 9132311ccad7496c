"""A reply's steps, on a line that notes what is done."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from sockreply.conversation.delivery import Delivery
from sockreply.conversation.outbox import Outbox
from sockreply.conversation.shared import Dialect, Shared
from sockreply.conversation.states import STALL, STALL_PAUSED, Event
from sockreply.errors import BadReply, CannotFrame
from sockreply.framing import Framer, Framing, Line
from sockreply.replies import Await, Close, Echo, Raw, Reply, Send, Session, Stall, StartTLS, Wait
from tests.replies.stand_ins import StandInConnection
from tests.server.stand_ins import NotingLog


class NotingFraming(Framing):
    """Lines, but for a message that cannot be framed."""

    def framer(self, max_message: int) -> Framer:
        return Line().framer(max_message)

    def frame(self, message: bytes) -> bytes:
        if message == b"unframable":
            raise CannotFrame(10, 0, 9)
        return message + b"\n"


class NotingOutbox(Outbox):
    """An outbox that notes what it takes."""

    def __init__(self, shared: Shared, done: list[Any]) -> None:
        super().__init__(shared.dialect, shared.counters)
        self.done = done

    def add(self, wire: bytes) -> bool:
        self.done.append(wire)
        return wire == b"enough"

    def flush(self) -> None:
        self.done.append("flush")


class NotingDialogue:
    """A dialogue that notes what a delivery asks of it."""

    read_at = None

    def __init__(self, clock: Clock) -> None:
        self.takes_more = True
        self.done: list[Any] = []
        self.log = NotingLog()
        self.shared = Shared(Dialect(NotingFraming(), Echo()), clock, exchanges=self.log)
        self.outbox = NotingOutbox(self.shared, self.done)
        self.session = Session(StandInConnection())

    def turn_over(self) -> None:
        self.done.append("turn over")

    def awaiting(self, begun: bool) -> None:
        self.done.append("awaits" if begun else "has it")

    def end(self, how: str) -> bool:
        self.done.append(how)
        return how == "half"

    def start_tls(self) -> None:
        self.done.append("TLS")

    def go_on(self) -> None:
        self.done.append("go on")

    def failed(self, failure: Failure) -> None:
        self.done.append(type(failure.value))

    def broke(self, failure: Failure) -> None:
        self.done.append(("broke", type(failure.value)))


def deliver(*steps: Any, **known: bool) -> tuple[Delivery, NotingDialogue, Clock]:
    """A delivery that has not run yet."""
    clock = Clock()
    line = NotingDialogue(clock)
    return Delivery(line, Reply(*steps), **known), line, clock


def test_no_steps() -> None:
    """Silence is whole at once, and says nothing."""
    delivery, line, _ = deliver()
    assert delivery.run()
    delivery.settle()
    assert line.shared.counters.silences == 1
    assert line.done == []


def test_steps_in_order() -> None:
    """Messages are framed, raw bytes are not; a log is to show what the message was."""
    delivery, line, _ = deliver(Send(b"a"), Raw(b"b"), b"c", shown=True)
    assert delivery.run()
    delivery.settle()
    delivery.settle()
    assert line.shared.counters.replies == 1
    assert line.log.told == [("answered", b"a", ("raw", b"b"), b"c")]
    assert line.done == [b"a\n", b"b", b"c\n"]


def test_wait() -> None:
    """A wait lets time pass, then the line is told that it can go on."""
    delivery, line, clock = deliver(Wait(2), b"a")
    assert not delivery.run()
    clock.advance(1.9)
    assert line.done == []
    clock.advance(0.1)
    assert line.done == ["go on"]
    assert delivery.run()
    assert line.done[1:] == [b"a\n"]


def test_tls() -> None:
    """What comes before is written first; what follows waits until the handshake is done."""
    delivery, line, _ = deliver(b"go", StartTLS(), b"inside")
    delivery.secured()
    assert not delivery.run()
    assert line.done == [b"go\n", "flush", "TLS"]
    assert not delivery.run()
    delivery.secured()
    assert line.done[3:] == ["go on"]
    assert delivery.run()
    assert line.done[4:] == [b"inside\n"]
    delivery, line, _ = deliver(StartTLS(), b"inside")
    assert not delivery.run()
    delivery.cancel()
    delivery.secured()
    assert "go on" not in line.done


def test_run_while_it_waits() -> None:
    """Running a delivery that waits does nothing."""
    delivery, line, _ = deliver(Wait(2), b"a")
    assert not delivery.run()
    assert not delivery.run()
    assert line.done == []


def test_line_that_takes_no_more() -> None:
    """A delivery does nothing until the line takes more, and then goes on where it was."""
    delivery, line, _ = deliver(b"a", b"b")
    line.takes_more = False
    assert not delivery.run()
    assert line.done == []
    line.takes_more = True
    assert delivery.run()
    assert len(line.done) == 2


def test_await() -> None:
    """What is awaited takes the step's place; the responder's time is told."""
    answer: Deferred[Any] = Deferred()
    delivery, line, _ = deliver(b"a", Await(answer), b"d")
    assert not delivery.run()
    assert line.done[1:] == ["awaits"]
    answer.callback(Reply(b"b", b"c"))
    assert line.done[2:] == ["has it", "go on"]
    assert delivery.run()
    assert line.done[4:] == [b"b\n", b"c\n", b"d\n"]


class Immediate:
    """Awaitable by its own means."""

    def __await__(self) -> Generator[Any, Any, bytes]:
        yield from ()
        return b"mine"


def test_await_that_has_its_answer() -> None:
    """What need not be waited for is used at once, and the line is not told to go on."""
    delivery, line, _ = deliver(Await(Immediate()))
    assert delivery.run()
    assert line.done == ["awaits", "has it", b"mine\n"]


def test_await_within_await() -> None:
    """An answer may itself have steps that wait."""
    inner: Deferred[Any] = Deferred()
    outer: Deferred[Any] = Deferred()
    delivery, line, _ = deliver(Await(outer))
    delivery.run()
    outer.callback(Reply(Await(inner)))
    assert not delivery.run()
    inner.callback(None)
    assert delivery.run()
    assert line.done == ["awaits", "has it", "go on", "awaits", "has it", "go on"]


@pytest.mark.parametrize(("value", "error"), [(7, BadReply), (LookupError(), LookupError)])
@pytest.mark.parametrize("early", [True, False])
def test_await_that_fails(value: Any, error: type, early: bool) -> None:
    """An answer that is none, or an error in its place, fails the reply once."""
    answer: Deferred[Any] = Deferred()
    delivery, line, _ = deliver(Await(answer))
    if not early:
        delivery.run()
    answer.errback(value) if isinstance(value, Exception) else answer.callback(value)
    if early:
        delivery.run()
    assert [each for each in line.done if isinstance(each, type)] == [error]


@pytest.mark.parametrize(
    ("step", "error"),
    [(Send(b"unframable"), CannotFrame), (Await(7), TypeError)],  # type: ignore[arg-type]
)
def test_step_that_fails(step: Any, error: type) -> None:
    """A step that cannot be carried out fails the reply."""
    delivery, line, _ = deliver(b"a", step, b"b")
    assert not delivery.run()
    assert line.done[0] == b"a\n"
    assert line.done[-1] is error


@pytest.mark.parametrize("how", ["whole", "half", "reset"])
def test_end(how: Any) -> None:
    """What ends a connection is never whole; what was said is sent and counted before."""
    delivery, line, _ = deliver(b"a", Close(how))
    assert not delivery.run()
    assert not delivery.run()
    assert line.done == [b"a\n", "flush", how]
    assert line.shared.counters.replies == 1
    assert delivery.stalls is (STALL if how == "half" else None)


@pytest.mark.parametrize(("step", "event"), [(Stall(), STALL), (Stall(read=False), STALL_PAUSED)])
def test_stall(step: Stall, event: Event) -> None:
    """A reply that stalls is never whole, and its message is settled."""
    delivery, line, _ = deliver(step, shown=True)
    assert not delivery.run()
    assert not delivery.run()
    assert line.log.told == [("stall",)]
    assert delivery.stalls is event
    assert not delivery.owes


def test_unasked() -> None:
    """What answers no message counts as no reply."""
    delivery, line, _ = deliver(b"a", asked=False)
    assert delivery.run()
    delivery.settle()
    assert not line.shared.counters.replies


def test_turn_that_is_over() -> None:
    """When the outbox has enough, the dialogue is told."""
    delivery, line, _ = deliver(Raw(b"enough"))
    assert delivery.run()
    assert line.done == [b"enough", "turn over"]


def test_cancelled_wait() -> None:
    """A delivery that is cancelled does not go on when the time has passed."""
    delivery, line, clock = deliver(Wait(1), b"a")
    delivery.run()
    delivery.cancel()
    assert not clock.getDelayedCalls()
    assert not delivery.run()
    assert line.done == []


def test_cancelled_await() -> None:
    """A delivery that is cancelled cancels what it awaits, and hears no more of it."""
    cancelled: list[Any] = []
    answer: Deferred[Any] = Deferred(cancelled.append)
    delivery, line, _ = deliver(Await(answer), b"a")
    delivery.run()
    delivery.cancel()
    assert cancelled == [answer]
    assert line.done == ["awaits"]


def test_cancelled_twice() -> None:
    """Cancelling again does nothing."""
    delivery, _, _ = deliver(Wait(1))
    delivery.run()
    delivery.cancel()
    delivery.cancel()
    assert not delivery.run()
