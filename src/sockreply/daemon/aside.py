"""Work that takes long is done in a thread, while the loop goes on."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

SWITCH = 0.0005
"""Seconds after which the loop gets the interpreter back from that thread. It waits for that each
time it has read or written, so that Python's own 5 ms would be many of them in one turn."""

MANY_OBJECTS = 50_000
"""New objects that the collector may look through in one turn of the loop, which takes 5 ms."""

_Result = TypeVar("_Result")
InLoop = Callable[[Callable[[], Any]], Any]
"""Calls a function in the loop, and waits for what it returns or raises."""


def aside(reactor: Any, work: Callable[[InLoop], _Result]) -> Deferred[_Result]:
    """Do something in a thread of its own, one thing at a time.

    The process may end meanwhile: nobody waits for the thread, as for those of a reactor's pool.

    Args:
        reactor: Runs the loop.
        work: Is done. What it must do in the loop, it does by what it is given.

    Returns:
        Gives the result, in the loop, or fails with what was raised.
    """
    done: Deferred[_Result] = Deferred()

    def run() -> None:
        result: _Result | Failure
        with _politely():
            try:
                result = work(lambda call: _in_loop(reactor, call))
            except BaseException:  # whatever it is, it is for who waits
                result = Failure()
        reactor.callFromThread(done.callback, result)

    Thread(target=run, name="aside", daemon=True).start()
    return done


@contextmanager
def _politely() -> Iterator[None]:
    """Let the loop go first, and collect no garbage: to look through all objects holds it up."""
    interval, collects = sys.getswitchinterval(), gc.isenabled()
    sys.setswitchinterval(SWITCH)
    gc.disable()
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        if gc.get_count()[0] > MANY_OBJECTS:
            gc.freeze()  # and back at once, into the oldest generation, as if they had been looked
            gc.unfreeze()  # at; what is garbage there stays for long
        if collects:
            gc.enable()


def _in_loop(reactor: Any, call: Callable[[], Any]) -> Any:
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # whatever it is, it is for the thread
            future.set_exception(error)

    reactor.callFromThread(run)
    return future.result()
