"""Steady time, and the time of day."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from twisted.internet import reactor as the_reactor
from twisted.internet.selectreactor import SelectReactor
from twisted.internet.task import Clock

from sockreply.clocks import keep_steady, time_of_day

HOUR = 3600.0


@pytest.fixture
def reactor() -> Iterator[SelectReactor]:
    """A reactor that nobody uses yet."""
    made = SelectReactor()
    yield made
    made.removeAll()
    for each in tuple(made._internalReaders):
        each.connectionLost(None)


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the machine's clock forward by an hour."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + HOUR)


def test_steady_reactor(reactor: SelectReactor) -> None:
    """What is scheduled is due by the clock that nobody sets."""
    keep_steady(reactor)
    keep_steady(reactor)
    call = reactor.callLater(5, lambda: None)
    assert 4 < call.getTime() - time.monotonic() <= 5
    assert 4 < (reactor.timeout() or 0) <= 5
    call.cancel()


def test_reactor_that_has_something_to_do(reactor: SelectReactor) -> None:
    """A reactor on which something is scheduled already keeps its clock."""
    call = reactor.callLater(5, lambda: None)
    keep_steady(reactor)
    assert 4 < call.getTime() - reactor.seconds() <= 5
    assert reactor.seconds is not time.monotonic
    call.cancel()


def test_reactor_of_others() -> None:
    """One that runs is somebody's, and keeps its clock; what is no reactor of Twisted's, too."""
    clock = Clock()
    for each in (the_reactor, clock):
        keep_steady(each)
        assert each.seconds is not time.monotonic


@pytest.mark.usefixtures("set_clock")
def test_time_of_day_of_a_steady_reactor(reactor: SelectReactor) -> None:
    """It is that of the machine's clock, as it is set now, also for what was before."""
    keep_steady(reactor)
    assert abs(time_of_day(reactor) - time.time()) < 1
    assert abs(time_of_day(reactor, reactor.seconds() - 100) - (time.time() - 100)) < 1


def test_time_of_day_of_another_clock() -> None:
    """A clock that was not made steady has the time of day itself."""
    clock = Clock()
    clock.advance(5)
    assert (time_of_day(clock), time_of_day(clock, 3)) == (5, 3)
