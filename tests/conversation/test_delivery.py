"""A reply's steps, on a line that notes what is done."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from sockreply.conversation.delivery import Delivery
from sockreply.errors import BadReply, CannotFrame
from sockreply.replies import Await, Close, Raw, Reply, Send, Stall, Wait


class NotingLine:
    """A connection that notes what a delivery asks of it."""

    def __init__(self) -> None:
        self.takes_more = True
        self.done: list[Any] = []

    def frame(self, message: bytes) -> bytes:
        if message == b"unframable":
            raise CannotFrame(10, 0, 9)
        return message + b"\n"

    def deliver(self, wire: bytes, shown_as: bytes) -> None:
        self.done.append((wire, shown_as))

    def awaiting(self, begun: bool) -> None:
        self.done.append("awaits" if begun else "has it")

    def end(self, how: str) -> None:
        self.done.append(how)

    def stall(self) -> None:
        self.done.append("stall")

    def go_on(self) -> None:
        self.done.append("go on")

    def failed(self, failure: Failure) -> None:
        self.done.append(type(failure.value))


def deliver(*steps: Any) -> tuple[Delivery, NotingLine, Clock]:
    """A delivery that has not run yet."""
    line, clock = NotingLine(), Clock()
    return Delivery(line, Reply(*steps), clock), line, clock


def test_no_steps() -> None:
    """Silence is whole at once, and says nothing."""
    delivery, line, _ = deliver()
    assert delivery.run()
    assert not delivery.spoke
    assert line.done == []


def test_steps_in_order() -> None:
    """Messages are framed, raw bytes are not; a log is to show what the message was."""
    delivery, line, _ = deliver(Send(b"a"), Raw(b"b"), b"c")
    assert delivery.run()
    assert delivery.spoke
    assert line.done == [(b"a\n", b"a"), (b"b", b"b"), (b"c\n", b"c")]


def test_wait() -> None:
    """A wait lets time pass, then the line is told that it can go on."""
    delivery, line, clock = deliver(Wait(2), b"a")
    assert not delivery.run()
    clock.advance(1.9)
    assert line.done == []
    clock.advance(0.1)
    assert line.done == ["go on"]
    assert delivery.run()
    assert line.done[1:] == [(b"a\n", b"a")]


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
    assert [wire for wire, _ in line.done[4:]] == [b"b\n", b"c\n", b"d\n"]


class Immediate:
    """Awaitable by its own means."""

    def __await__(self) -> Generator[Any, Any, bytes]:
        yield from ()
        return b"mine"


def test_await_that_has_its_answer() -> None:
    """What need not be waited for is used at once, and the line is not told to go on."""
    delivery, line, _ = deliver(Await(Immediate()))
    assert delivery.run()
    assert line.done == ["awaits", "has it", (b"mine\n", b"mine")]


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
    assert not delivery.spoke
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
    assert line.done[0] == (b"a\n", b"a")
    assert line.done[-1] is error


@pytest.mark.parametrize(
    ("step", "done"),
    [(Close(), "whole"), (Close("half"), "half"), (Close("reset"), "reset"), (Stall(), "stall")],
)
def test_last_steps(step: Any, done: str) -> None:
    """What ends or stalls a connection is never whole: nothing can follow."""
    delivery, line, _ = deliver(b"a", step)
    assert not delivery.run()
    assert not delivery.run()
    assert line.done == [(b"a\n", b"a"), done]


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
