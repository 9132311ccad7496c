"""Work in a thread beside a loop, which here is a queue."""

from __future__ import annotations

import gc
import sys
import threading
from queue import Queue
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from sockreply.daemon.aside import MANY_OBJECTS, SWITCH, InLoop, aside
from tests.end_to_end.waiting import PATIENCE


class Loop:
    """Calls what threads ask it to."""

    def __init__(self) -> None:
        self._calls: Queue[tuple[Any, ...]] = Queue()

    def callFromThread(self, function: Any, *args: Any) -> None:  # noqa: N802 - Twisted's
        self._calls.put((function, *args))

    def run_until(self, done: Deferred[Any]) -> list[Any]:
        """Turn until it has fired; what it gave."""
        results: list[Any] = []
        done.addBoth(results.append)
        while not results:
            function, *args = self._calls.get(timeout=PATIENCE)
            function(*args)
        return results


def test_result() -> None:
    """The result comes in the loop, and the work was done elsewhere."""
    loop = Loop()
    done = aside(loop, lambda _: threading.current_thread())
    assert not done.called
    (thread,) = loop.run_until(done)
    assert thread is not threading.current_thread()
    assert thread.daemon  # the end of the process does not wait for it


def test_failure() -> None:
    """So does what it raises."""
    loop = Loop()

    def fail(_: InLoop) -> None:
        raise LookupError("nothing here")

    (failure,) = loop.run_until(aside(loop, fail))
    assert failure.check(LookupError)


def test_what_has_to_be_done_in_the_loop() -> None:
    """It is called there, and the thread gets what it returns or raises."""
    loop = Loop()

    def fail() -> None:
        raise LookupError("nothing there")

    def work(in_loop: InLoop) -> object:
        with pytest.raises(LookupError, match="nothing there"):
            in_loop(fail)
        return in_loop(threading.current_thread)

    assert loop.run_until(aside(loop, work)) == [threading.current_thread()]


def test_the_loop_goes_first() -> None:
    """Meanwhile the loop gets its turn more often, and no garbage is collected."""
    loop = Loop()
    before = sys.getswitchinterval()

    def look(_: InLoop) -> tuple[float, bool]:
        return sys.getswitchinterval(), gc.isenabled()

    ((interval, collects),) = loop.run_until(aside(loop, look))
    assert interval == pytest.approx(SWITCH)
    assert not collects
    assert sys.getswitchinterval() == pytest.approx(before)
    assert gc.isenabled()


@pytest.mark.parametrize(("count", "young"), [(10, True), (2 * MANY_OBJECTS, False)])
def test_garbage_of_little_work_is_collected(count: int, young: bool) -> None:
    """Only when so much is new that a look at it takes long, it counts as old at once."""
    gc.collect()
    loop = Loop()
    (made,) = loop.run_until(aside(loop, lambda _: [[] for _ in range(count)]))
    assert any(each is made for each in gc.get_objects(generation=0)) is young
