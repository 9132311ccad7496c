"""One limit per peer: which connections may go on, and which wait; first come, first served."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from sockreply.conversation.buckets import Buckets
from sockreply.settings import Rate


class Waiter(Protocol):
    """Waits for tokens."""

    def passed(self, meter: Meter) -> None:
        """The waiter's turn has come; its tokens have been taken."""


class _Queue:
    """The connections of one peer that wait.

    Args:
        call: Looks after them when the next token is there.
    """

    __slots__ = ("call", "waiters")

    def __init__(self) -> None:
        self.waiters: OrderedDict[Waiter, int] = OrderedDict()
        self.call: IDelayedCall | None = None


class Meter:
    """Lets each peer do something so many times a second.

    Args:
        clock: Tells the time, and wakes those who wait.
        rate: How many tokens a peer gets.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime, rate: Rate) -> None:
        self._clock = clock
        self._buckets = Buckets(rate)
        self._queues: dict[int, _Queue] = {}
        self._read_at = clock.seconds()
        self._now = 0.0

    def take(self, key: int, tokens: int, *, whole: bool = False) -> bool:
        """Take a peer's tokens, if there are some and no others wait. Returns whether it did.

        Args:
            key: The peer's.
            tokens: How many. One is enough to go on; the rest is owed.
            whole: There must be so many.
        """
        return key not in self._queues and self._buckets.take(key, tokens, self.now(), whole=whole)

    def has_token(self, key: int) -> bool:
        """Whether `take` would succeed now."""
        return key not in self._queues and not self._buckets.ready_in(key, self.now())

    def wait(self, key: int, tokens: int, waiter: Waiter) -> None:
        """Queue a waiter; its tokens are taken when its turn comes."""
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = _Queue()
        queue.waiters[waiter] = tokens
        if queue.call is None:
            self._wake(key, queue)

    def leave(self, key: int, waiter: Waiter) -> None:
        """Wait no longer."""
        queue = self._queues.get(key)
        if queue is not None and waiter in queue.waiters:
            del queue.waiters[waiter]
            if not queue.waiters:
                self._end(key, queue)

    def waiting(self, key: int) -> int:
        """How many connections of a peer are waiting."""
        queue = self._queues.get(key)
        return 0 if queue is None else len(queue.waiters)

    def change(self, rate: Rate) -> None:
        """Change the rate."""
        self._buckets.change(rate, self.now())
        for key, queue in self._queues.items():
            self._wake(key, queue)

    def release(self) -> None:
        """Let every waiting connection go on."""
        queues, self._queues = self._queues, {}
        for queue in queues.values():
            if queue.call is not None:
                queue.call.cancel()
            while queue.waiters:
                self._let_pass(queue.waiters.popitem(last=False)[0])

    def now(self) -> float:
        """Seconds since the start, never decreasing, even if the clock is set."""
        read_at = self._clock.seconds()
        self._now += max(0.0, read_at - self._read_at)
        self._read_at = read_at
        return self._now

    def _wake(self, key: int, queue: _Queue) -> None:
        """Serve the queue when the next token is there."""
        if queue.call is not None:
            queue.call.cancel()
        seconds = self._buckets.ready_in(key, self.now())
        queue.call = self._clock.callLater(seconds, self._serve, key, queue)

    def _serve(self, key: int, queue: _Queue) -> None:
        """Let waiters go on while there are tokens; each may rejoin at the end of the queue."""
        queue.call = None
        while queue.waiters:
            waiter = next(iter(queue.waiters))
            if not self._buckets.take(key, queue.waiters[waiter], self.now()):
                self._wake(key, queue)
                return
            del queue.waiters[waiter]
            self._let_pass(waiter)
        self._end(key, queue)

    def _end(self, key: int, queue: _Queue) -> None:
        if queue.call is not None:
            queue.call.cancel()
        if self._queues.get(key) is queue:
            del self._queues[key]

    def _let_pass(self, waiter: Waiter) -> None:
        try:
            waiter.passed(self)
        except Exception:
            self._log.failure("a waiting connection could not be resumed")
