"""Awaits what responders wait for: Deferreds, and under the asyncio reactor what asyncio can."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from types import CoroutineType
from typing import Any

from twisted.internet.defer import Deferred

from sockreply.errors import NeedsAsyncio

# How asyncio says that its loop does not run: where one is looked for, and where one is waited for.
_NOT_RUNNING = {"no running event loop", "await wasn't used with future"}


def awaited(answer: Awaitable[Any]) -> Deferred[Any]:
    """Await a coroutine, a Deferred, or something else that can be awaited.

    Under the asyncio reactor a coroutine is run as a task of asyncio's, since much of that library
    looks for the task that it is in; it may await Deferreds as well.

    Args:
        answer: To be awaited.

    Returns:
        Gives the result. To cancel it cancels what is awaited.
    """
    if isinstance(answer, CoroutineType | asyncio.Future) and _runs_asyncio():
        return Deferred.fromFuture(asyncio.ensure_future(_in_task(answer)))
    return Deferred.fromCoroutine(_result_of(answer))


def _runs_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _result_of(answer: Awaitable[Any]) -> Any:
    try:
        return await answer
    except RuntimeError as error:
        if str(error) in _NOT_RUNNING:
            raise NeedsAsyncio from error
        raise


async def _in_task(answer: Awaitable[Any]) -> Any:
    return await _Translated(answer)


class _Translated:
    """Yields futures where what is awaited yields Deferreds, which a task does not understand.

    Args:
        answer: What is awaited.
    """

    def __init__(self, answer: Awaitable[Any]) -> None:
        self._answer = answer

    def __await__(self) -> Generator[Any, Any, Any]:
        steps: Any = self._answer.__await__()
        step, given = steps.send, None
        while True:
            try:
                waits_for = step(given)
            except StopIteration as done:
                return done.value
            try:
                if isinstance(waits_for, Deferred):
                    future = waits_for.asFuture(asyncio.get_running_loop())
                    given = yield from future.__await__()
                else:
                    given = yield waits_for
                step = steps.send
            except BaseException as error:  # whatever it is, it is for what awaits
                step, given = steps.throw, error
