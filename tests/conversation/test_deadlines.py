"""Deadlines of several kinds on one timer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from sockreply.conversation.deadlines import Alarms, Deadlines, Kind


class Telling:
    """Calls a function when a deadline has passed."""

    def __init__(self, tell: Callable[[Kind], object]) -> None:
        self._tell = tell
        self.broken: list[type] = []

    def expired(self, kind: Kind) -> None:
        """One has passed."""
        self._tell(kind)

    def broke(self, failure: Failure) -> None:
        """A connection would end; this one goes on."""
        assert failure.type is not None
        self.broken.append(failure.type)


def watched() -> tuple[Deadlines, Clock, list[tuple[float, Kind]]]:
    """Deadlines, their clock, and what has expired when."""
    clock = Clock()
    expired: list[tuple[float, Kind]] = []
    return (
        Deadlines(Alarms(clock), Telling(lambda kind: expired.append((clock.seconds(), kind)))),
        clock,
        expired,
    )


def test_nothing_runs_at_first() -> None:
    """Without a deadline there is no timer."""
    timeouts, clock, _ = watched()
    assert not timeouts.runs("idle")
    assert not clock.getDelayedCalls()


def test_expires_once() -> None:
    """A deadline is told when it has passed, once; then it runs no longer."""
    timeouts, clock, expired = watched()
    timeouts.begin("idle", 3)
    assert timeouts.runs("idle")
    clock.pump([1] * 10)
    assert expired == [(3, "idle")]
    assert not timeouts.runs("idle")
    assert not clock.getDelayedCalls()


def test_zero_is_none() -> None:
    """A deadline of 0 seconds is none, and takes away one that ran."""
    timeouts, clock, expired = watched()
    timeouts.begin("idle", 3)
    timeouts.begin("idle", 0)
    assert not timeouts.runs("idle")
    clock.advance(10)
    assert expired == []


def test_moved_later() -> None:
    """A deadline that is moved later costs no call of the clock, and holds to the new time."""
    timeouts, clock, expired = watched()
    timeouts.begin("idle", 10)
    (call,) = clock.getDelayedCalls()
    clock.advance(4)
    timeouts.begin("idle", 10)
    assert clock.getDelayedCalls() == [call]
    assert call.getTime() == 10
    clock.pump([1] * 9)
    assert expired == []
    clock.advance(1)
    assert expired == [(14, "idle")]


def test_moved_earlier() -> None:
    """A deadline that is moved earlier moves the timer."""
    timeouts, clock, expired = watched()
    timeouts.begin("idle", 10)
    timeouts.begin("idle", 2)
    clock.advance(2)
    assert expired == [(2, "idle")]


def test_several_kinds() -> None:
    """Each kind has its own deadline, on one timer."""
    timeouts, clock, expired = watched()
    timeouts.begin("idle", 60)
    timeouts.begin("message", 10)
    timeouts.begin("write", 30)
    assert len(clock.getDelayedCalls()) == 1
    timeouts.end("write")
    clock.pump([1] * 60)
    assert expired == [(10, "message"), (60, "idle")]


def test_ended() -> None:
    """A deadline that was taken away does not expire."""
    timeouts, clock, expired = watched()
    timeouts.begin("idle", 3)
    timeouts.end("idle")
    clock.advance(10)
    assert expired == []
    assert not clock.getDelayedCalls()


def test_stop() -> None:
    """Stopping takes all deadlines and the timer away; new ones can begin after it."""
    timeouts, clock, expired = watched()
    timeouts.begin("idle", 3)
    timeouts.begin("message", 4)
    timeouts.stop()
    assert not clock.getDelayedCalls()
    timeouts.begin("close", 5)
    clock.advance(5)
    assert expired == [(5, "close")]


def test_begun_by_one_that_expired() -> None:
    """A deadline may begin another, also its own kind, when it has passed."""
    clock = Clock()
    times: list[float] = []

    def again(kind: Kind) -> None:
        times.append(clock.seconds())
        timeouts.begin(kind, 2)

    timeouts = Deadlines(Alarms(clock), Telling(again))
    timeouts.begin("silence", 2)
    clock.pump([1] * 6)
    assert times == [2, 4, 6]
    assert len(clock.getDelayedCalls()) == 1


def test_stopped_by_one_that_expired() -> None:
    """When the first of two deadlines ends all, the second does not expire."""
    clock = Clock()
    expired: list[Kind] = []

    def stop(kind: Kind) -> None:
        expired.append(kind)
        timeouts.stop()

    timeouts = Deadlines(Alarms(clock), Telling(stop))
    timeouts.begin("message", 2)
    timeouts.begin("idle", 2)
    clock.advance(5)
    assert len(expired) == 1
    assert not clock.getDelayedCalls()


def test_far_deadlines_share_a_timer() -> None:
    """Deadlines of one second wait on one timer; each expires at its own time all the same."""
    clock = Clock()
    alarms = Alarms(clock)
    expired: list[tuple[float, int]] = []
    for number in range(4):
        told = lambda _, number=number: expired.append((clock.seconds(), number))  # noqa: E731 - short
        Deadlines(alarms, Telling(told)).begin("idle", 60 + number / 4)
    assert len(clock.getDelayedCalls()) == 1
    clock.pump([0.25] * 4 * 62)
    assert expired == [(60, 0), (60.25, 1), (60.5, 2), (60.75, 3)]
    assert not clock.getDelayedCalls()


def test_far_deadlines_share_a_number() -> None:
    """All that wait for one second keep the same object, for many connections wait at once."""
    alarms = Alarms(Clock())
    waiting = [Deadlines(alarms, Telling(lambda _: None)) for _ in range(3)]
    for number, each in enumerate(waiting):
        each.begin("idle", 5000 + number / 4)
    assert waiting[0]._wakes == 5000
    assert len({id(each._wakes) for each in waiting}) == 1


def test_one_that_fails_keeps_no_other() -> None:
    """What one deadline leads to may fail; the others of its second are met all the same."""
    clock = Clock()
    alarms = Alarms(clock)
    expired: list[Kind] = []

    def fail(_: Kind) -> None:
        raise ZeroDivisionError

    owners = [Telling(tell) for tell in (fail, expired.append, fail, expired.append)]
    for owner in owners:
        Deadlines(alarms, owner).begin("idle", 5)
    clock.advance(5)
    assert expired == ["idle", "idle"]
    assert [each.broken for each in owners] == [[ZeroDivisionError], [], [ZeroDivisionError], []]


@pytest.mark.parametrize("seconds", [1, 5])
def test_one_that_fails_keeps_none_of_the_same_connection(seconds: int) -> None:
    """Its other deadlines are met too, those of the same moment and those of later ones."""
    clock, expired = Clock(), []

    def tell(kind: Kind) -> None:
        expired.append(kind)
        if kind == "write":
            raise ZeroDivisionError

    deadlines = Deadlines(Alarms(clock), owner := Telling(tell))
    deadlines.begin("write", seconds)
    deadlines.begin("message", seconds)
    deadlines.begin("idle", seconds + 5)
    clock.pump([1] * 12)
    assert expired == ["write", "message", "idle"]
    assert owner.broken == [ZeroDivisionError]
    assert not clock.getDelayedCalls()


def test_the_last_one_takes_the_timer_along() -> None:
    """A shared timer goes when nobody waits for its second any more, and not before."""
    clock = Clock()
    alarms = Alarms(clock)
    one, other = (Deadlines(alarms, Telling(lambda _: None)) for _ in range(2))
    one.begin("idle", 10)
    other.begin("idle", 10)
    one.stop()
    assert len(clock.getDelayedCalls()) == 1
    other.stop()
    assert not clock.getDelayedCalls()
