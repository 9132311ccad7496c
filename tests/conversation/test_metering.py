"""Who may go on, and who waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from sockreply.conversation.metering import Meter
from sockreply.settings import Rate
from tests.server.stand_ins import texts

Then: TypeAlias = Callable[[], object] | None

KEY, OTHER = 1, 2


class Queue:
    """Those who wait for a meter, and the order in which they passed."""

    def __init__(self, rate: float = 10, burst: float = 1) -> None:
        self.clock = Clock()
        self.meter = Meter(self.clock, Rate(rate, burst))
        self.passed: list[str] = []

    def wait(self, name: str, key: int = KEY, tokens: int = 1, then: Then = None) -> Waiting:
        """Let one wait."""
        waiter = Waiting(self, name, then)
        self.meter.wait(key, tokens, waiter)
        return waiter


class Waiting:
    """One who waits."""

    def __init__(self, queue: Queue, name: str, then: Then) -> None:
        self.queue, self.name, self.then = queue, name, then

    def passed(self, meter: Meter) -> None:
        """It is its turn."""
        self.queue.passed.append(self.name)
        if self.then is not None:
            self.then()


def test_first_come_first_served() -> None:
    """Each passes when there is a token for it, in the order in which they came."""
    queue = Queue()
    assert queue.meter.take(KEY, 1)
    for name in "abc":
        queue.wait(name)
    assert queue.meter.waiting(KEY) == 3
    for passed in ("", "a", "ab", "abc"):
        assert queue.passed == list(passed)
        queue.clock.advance(0.1)
    assert queue.meter.waiting(KEY) == 0
    assert not queue.clock.calls


def test_nobody_overtakes_those_who_wait() -> None:
    """As long as one waits, nobody else of the same peer takes a token; others may."""
    queue = Queue()
    queue.meter.take(KEY, 1)
    queue.wait("a")
    queue.clock.advance(0.0999)
    assert not queue.meter.has_token(KEY)
    assert not queue.meter.take(KEY, 1)
    assert queue.meter.has_token(OTHER)
    assert queue.meter.take(OTHER, 1)
    queue.clock.advance(0.001)
    assert queue.passed == ["a"]


def test_nobody_overtakes_those_whose_timer_is_late() -> None:
    """The token that has come belongs to the one that waits."""
    queue = Queue()
    queue.meter.take(KEY, 1)
    queue.wait("a")
    queue.clock.rightNow += 0.15
    assert not queue.meter.has_token(KEY)
    assert not queue.meter.take(KEY, 1)
    queue.clock.advance(0)
    assert queue.passed == ["a"]


def test_who_leaves_is_passed_over() -> None:
    """One that goes takes no token, and leaving twice, or where one never waited, does nothing."""
    queue = Queue()
    queue.meter.take(KEY, 1)
    gone = queue.wait("gone")
    queue.wait("a")
    queue.meter.leave(KEY, gone)
    queue.meter.leave(KEY, gone)
    queue.meter.leave(OTHER, gone)
    queue.clock.advance(0.1)
    assert queue.passed == ["a"]
    assert queue.meter.waiting(KEY) == 0


def test_nothing_is_left_when_all_leave() -> None:
    """The timer goes with the last one."""
    queue = Queue()
    queue.meter.take(KEY, 1)
    waiting = [queue.wait(name) for name in "ab"]
    for each in waiting:
        queue.meter.leave(KEY, each)
    assert not queue.clock.calls
    assert queue.meter.waiting(KEY) == 0
    queue.clock.advance(0.1)
    assert queue.meter.take(KEY, 1)


def test_several_at_once() -> None:
    """A late timer lets as many pass as there are tokens."""
    queue = Queue(burst=3)
    queue.meter.take(KEY, 3)
    for name in "abcde":
        queue.wait(name)
    queue.clock.rightNow += 0.35
    queue.clock.advance(0)
    assert queue.passed == ["a", "b", "c"]
    queue.clock.advance(0.1)
    assert queue.passed == ["a", "b", "c", "d"]


def test_who_comes_back_goes_to_the_end() -> None:
    """Connections of one peer take turns."""
    queue = Queue()
    queue.meter.take(KEY, 1)
    queue.wait("a", then=lambda: queue.wait("a again"))
    queue.wait("b", then=lambda: queue.wait("b again"))
    for _ in range(4):
        queue.clock.advance(0.1)
    assert queue.passed == ["a", "b", "a again", "b again"]


def test_one_that_fails_holds_up_nobody() -> None:
    """It is logged, and the next one passes."""
    queue = Queue()
    queue.meter.take(KEY, 1)
    queue.wait("bad", then=lambda: 1 / 0)
    queue.wait("good")
    with capturedLogs() as events:
        queue.clock.advance(0.1)
        queue.clock.advance(0.1)
    assert queue.passed == ["bad", "good"]
    assert "could not be resumed" in texts(events, "critical")[0]


def test_release() -> None:
    """All pass at once, even those who fail or who take others with them."""
    queue = Queue()
    queue.meter.take(KEY, 1)
    other = queue.wait("b", OTHER, tokens=5)
    queue.wait("a", then=lambda: queue.meter.leave(OTHER, other))
    queue.wait("c")
    queue.meter.release()
    assert queue.passed == ["b", "a", "c"]
    assert not queue.clock.calls


def test_another_rate_for_those_who_wait() -> None:
    """They wait for the new rate's tokens."""
    queue = Queue(rate=0.01)
    queue.meter.take(KEY, 1)
    queue.wait("a")
    queue.meter.change(Rate(1000, 1))
    assert len(queue.clock.calls) == 1  # the timer for the old rate is gone
    queue.clock.advance(0.001)
    assert queue.passed == ["a"]


@pytest.mark.parametrize("back", [3600, 1e9])
def test_a_clock_that_is_set_back(back: float) -> None:
    """Nobody has to wait for the time that was taken back."""
    queue = Queue()
    queue.clock.advance(2e9)
    assert queue.meter.take(KEY, 1)
    queue.clock.rightNow -= back
    assert not queue.meter.take(KEY, 1)
    queue.clock.advance(0.1)
    assert queue.meter.take(KEY, 1)


@pytest.mark.parametrize("step", [0.1, 0.01, 0.07, 1 / 3])
def test_sums_of_seconds_that_are_not_exact(step: float) -> None:
    """However time passes in pieces, all pass in time, and no timer runs in circles."""
    queue = Queue(burst=4)
    queue.meter.take(KEY, 4)
    for number in range(50):
        queue.wait(str(number))
    for _ in range(int(5 / step) + 2):
        queue.clock.advance(step)
    assert len(queue.passed) == 50
