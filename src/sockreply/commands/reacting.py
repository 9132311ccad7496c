"""The reactor, for commands that need it until their work is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.task import react
from twisted.python import usage

from sockreply.clocks import keep_steady
from sockreply.errors import EndedBySignal, SockreplyError


def react_to(work: Callable[[Any], Awaitable[None]]) -> None:
    """Run the reactor until some work is done.

    Args:
        work: Is given the reactor.

    Raises:
        SockreplyError: The work raised it.
        UsageError: So it did.
        EndedBySignal: A signal came first.
        SystemExit: The work raised something else, which has been logged.
    """
    from twisted.internet import reactor  # now, because importing it chooses one

    keep_steady(reactor)
    failed: list[Exception] = []

    async def until_done(reactor: Any) -> None:
        try:
            await work(reactor)
        except (SockreplyError, usage.UsageError) as error:
            failed.append(error)

    try:
        react(until_done)
    except SystemExit as ended:
        number = ending_signal(reactor)
        if number is not None:
            raise EndedBySignal(number) from None  # what it cut off is nobody's failure
        if failed:
            raise failed[0] from None
        if ended.code:
            raise


def ending_signal(reactor: Any) -> int | None:
    """The signal that stopped a reactor, if one did.

    Twisted 26.10.0 has it in a private attribute of `ReactorBase`, which `twist` and `twistd` read
    as well; there is no public one.
    """
    number: int | None = getattr(reactor, "_exitSignal", None)
    return number
