"""Responders of the daemons under test, named to them by `--responder`."""

from __future__ import annotations

import time
from pathlib import Path
from socket import socket

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from sockreply.replies import Close, Reply, Session, Stall, Wait

BIG = bytes(range(256)) * 20_000
"""Five million bytes, more than all the buffers on their way hold."""

GATE = Path("gate")
"""A file in the daemon's directory: whoever makes it lets out what waits for it."""

ARRIVED = Path("arrived")
"""A file that the daemon makes when it waits for the gate with its loop standing still."""


def echoing(message: bytes, session: Session) -> bytes:
    """Answers with the message."""
    return message


def big(message: bytes, session: Session) -> bytes:
    """Answers with much."""
    return BIG


def costly(message: bytes, session: Session) -> bytes:
    """Works for ten microseconds per byte, and holds up everybody meanwhile."""
    until = time.perf_counter() + len(message) * 1e-5
    while time.perf_counter() < until:
        pass
    return b"ok"


async def gated(message: bytes, session: Session) -> bytes:
    """Answers with the message once the gate is open; the loop goes on meanwhile."""
    from twisted.internet import reactor

    while not GATE.exists():
        await deferLater(reactor, 0.01)
    return message


def blocking(message: bytes, session: Session) -> bytes:
    """Answers with the message; `block` makes the loop stand still until the gate is open."""
    if message == b"block":
        ARRIVED.touch()
        deadline = time.monotonic() + 10
        while not GATE.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
    return message


def apart(message: bytes, session: Session) -> bytes:
    """Answers with the whole seconds between the reactor's time and the clock that nobody sets."""
    return b"%d" % round(session.reactor.seconds() - time.monotonic())


def never(message: bytes, session: Session) -> Deferred[bytes]:
    """Never answers, and never gives up."""
    return Deferred()


def stalling(message: bytes, session: Session) -> Reply:
    """Answers, says nothing more and stays."""
    return Reply(message, Stall())


def closing(message: bytes, session: Session) -> Reply:
    """Closes as the message says: whole, half or reset."""
    match message:
        case b"whole":
            return Reply(b"bye", Close("whole"))
        case b"half":
            return Reply(b"bye", Close("half"))
        case _:
            return Reply(Wait(0.01), Close("reset"))


class Crowd:
    """Answers, after a while, with the most connections that were ever there at once."""

    def __init__(self) -> None:
        self._there = self._most = 0

    def respond(self, message: bytes, session: Session) -> Deferred[bytes]:
        from twisted.internet import reactor

        self._there += 1
        self._most = max(self._most, self._there)
        session.when_closed().addCallback(self._gone)
        return deferLater(reactor, 0.05, lambda: b"%d" % self._most)

    def _gone(self, _: None) -> None:
        self._there -= 1


class Hoarder:
    """Takes all file descriptors that there are on `take`, and gives them back on `free`."""

    def __init__(self) -> None:
        self._taken: list[object] = []

    def respond(self, message: bytes, session: Session) -> bytes:
        if message == b"take":
            try:
                while True:
                    self._taken.append(socket())
            except OSError:
                pass  # that was the last one
        elif message == b"free":
            self._taken.clear()
        return message


def parity(message: bytes, session: Session) -> bytes:
    """Answers odd or even, and raises when it is asked for something else."""
    return b"odd" if int(message) % 2 else b"even"


def waiting(message: bytes, session: Session) -> Reply:
    """Answers with the message after as many seconds as it says."""
    return Reply(Wait(float(message)), message)


async def with_asyncio(message: bytes, session: Session) -> bytes:
    """Awaits something of asyncio, of Twisted, and of asyncio again; a timeout needs a task."""
    import asyncio

    from twisted.internet import reactor

    async with asyncio.timeout(10):
        await asyncio.sleep(0.01)
        await deferLater(reactor, 0.01)
        return (await asyncio.gather(asyncio.sleep(0, message), asyncio.sleep(0)))[0]


async def sleeping(message: bytes, session: Session) -> bytes:
    """Sleeps as programs on asyncio do."""
    import asyncio

    await asyncio.sleep(0.01)
    return message


async def failing_later(message: bytes, session: Session) -> bytes:
    """Fails after it has waited for something of asyncio."""
    import asyncio

    await asyncio.sleep(0.01)
    raise LookupError("no such thing")


async def with_twisted(message: bytes, session: Session) -> bytes:
    """Awaits Deferreds only."""
    from twisted.internet import reactor

    await deferLater(reactor, 0.01)
    return message


async def for_ever(message: bytes, session: Session) -> bytes:
    """Sleeps longer than anybody waits, and says when it is cancelled."""
    import asyncio

    try:
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        print("cancelled")
        raise
    return message
