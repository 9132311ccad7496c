"""Requests under way: which of them gets the next message."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile

from twisted.internet.defer import Deferred

from sockreply.errors import ConnectionEnded


@dataclass(slots=True)
class _Place:
    reply: Deferred[bytes]
    unsent: bytes


class Pipeline:
    """A queue of requests; messages go to them in the order in which they joined it.

    A Deferred that is cancelled or times out keeps its place. As it was made without a canceller,
    it swallows the one result that still comes, so that nobody gets what another one asked for.

    Args:
        write: Sends bytes.
        one_at_a_time: Is a request sent only when all before it have their replies?
    """

    def __init__(self, write: Callable[[bytes], object], *, one_at_a_time: bool) -> None:
        self._write = write
        self._one_at_a_time = one_at_a_time
        self._line: deque[_Place] = deque()

    def __bool__(self) -> bool:
        return bool(self._line)

    @property
    def owed_to_nobody(self) -> bool:
        """Whether a request that was sent, and is still in the queue, was given up."""
        sent = takewhile(lambda place: not place.unsent, self._line)
        return any(place.reply.called for place in sent)

    def join(self, wire: bytes = b"") -> Deferred[bytes]:
        """Wait for a message at the end of the line.

        Args:
            wire: What asks for it; sent at once, or in its turn.
        """
        place = _Place(Deferred(), wire)
        self._line.append(place)
        if place is self._line[0] or not self._one_at_a_time:
            self._send(place)
        return place.reply

    def serve(self, message: bytes) -> None:
        """Give a message to the first in the line, in which there is one."""
        self._line.popleft().reply.callback(message)
        self._next_turn()

    def dissolve(self, why: str) -> None:
        """Fail every request in the queue."""
        line, self._line = self._line, deque()
        for place in line:
            place.reply.errback(ConnectionEnded(why))

    def _next_turn(self) -> None:
        line = self._line
        while line and line[0].unsent and line[0].reply.called:
            line.popleft()  # given up before it was sent: nothing will come for it
        if line:
            self._send(line[0])

    def _send(self, place: _Place) -> None:
        wire, place.unsent = place.unsent, b""
        if wire:
            self._write(wire)
