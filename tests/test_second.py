"""The second for which the log counts."""

from __future__ import annotations

from twisted.internet.task import Clock

from sockreply.second import Second


def test_it_runs_from_the_first_begin() -> None:
    """To begin it again changes nothing; when it is over it may begin anew."""
    clock, over = Clock(), list[float]()
    second = Second(clock, lambda: over.append(clock.seconds()))
    clock.advance(5)
    second.begin()
    clock.advance(0.5)
    second.begin()
    clock.advance(0.5)
    assert over == [6.0]
    second.begin()
    clock.advance(1)
    assert over == [6.0, 7.0]


def test_it_may_begin_in_its_end() -> None:
    """What it calls may begin the next one."""
    clock, over = Clock(), list[float]()

    def again() -> None:
        over.append(clock.seconds())
        second.begin()

    second = Second(clock, again)
    second.begin()
    clock.pump([1] * 3)
    assert over == [1.0, 2.0, 3.0]


def test_cancelled() -> None:
    """It does not come to its end, and says whether it ran."""
    clock = Clock()
    second = Second(clock, lambda: 1 / 0)
    assert not second.cancel()
    second.begin()
    assert second.cancel()
    assert not second.cancel()
    clock.advance(1)
