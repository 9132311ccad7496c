"""Whether a peer takes what waits for it."""

from __future__ import annotations

from typing import Literal

from sockreply.conversation.deadlines import Deadlines
from sockreply.conversation.shared import Shared
from sockreply.server.transport import SendsAtOnce

LOOKS = 8
"""How often in its time we look whether a peer takes what waits for it, so long as some does."""


class Backlog:
    """What waits for one peer, from when this is made; a deadline says when to look at it.

    Args:
        kind: That deadline's; and whose limit says how long the peer may take nothing.
        wire: The connection; None: nothing tells what the peer takes of it.
        shared: Has the limits and the time.
        deadlines: The connection's.
    """

    __slots__ = ("_deadlines", "_kind", "_shared", "_taken", "_taken_at", "_times", "_wire")

    def __init__(
        self,
        kind: Literal["write", "close"],
        wire: SendsAtOnce | None,
        shared: Shared,
        deadlines: Deadlines,
    ) -> None:
        self._kind: Literal["write", "close"] = kind
        self._wire = wire
        self._shared = shared
        self._deadlines = deadlines
        self._taken = self._taken_by_now()
        self._taken_at = shared.clock.seconds()
        self._times = 0  # that the peer was seen to have taken some
        deadlines.begin(kind, self._allowed() / LOOKS)

    def is_stuck(self) -> bool:
        """Look what the peer has taken since the last look, and set the deadline for the next.

        Returns:
            Has it taken nothing for too long? One that takes some again and again has
            `write_timeout` in any case: it is slow, not gone, and may do so in lumps.
        """
        now, taken = self._shared.clock.seconds(), self._taken_by_now()
        if taken > self._taken:
            self._taken, self._taken_at = taken, now
            self._times += 1
        allowed = seconds = self._allowed()
        if not seconds:  # it was lifted meanwhile
            return False
        if self._times > 1 and self._wire is not None and taken < self._wire.written:
            allowed = max(seconds, self._shared.limits.write_timeout)
        left: float = self._taken_at + allowed - now
        if left > 0:
            self._deadlines.begin(self._kind, min(left, seconds / LOOKS))
        return left <= 0

    def _allowed(self) -> float:
        """The seconds in which the peer may take nothing."""
        limits = self._shared.limits
        return limits.write_timeout if self._kind == "write" else limits.close_timeout

    def _taken_by_now(self) -> int:
        return 0 if self._wire is None else self._wire.taken
