"""Replies that take turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sockreply.replies.reply import Reply
from sockreply.rules.asked import Asked
from sockreply.rules.replies.source import ReplySource, source_of


class InTurn:
    """Gives one reply after another.

    Args:
        replies: In this order, one or more; bytes are one message.
        after_last: What comes behind them: the last one again and again, all of them anew, or
            silence.
        scope: Does each connection begin with the first reply, or do all of the service share one
            turn?
    """

    fixed: bytes | Reply | None = None

    def __init__(
        self,
        replies: Sequence[ReplySource | bytes],
        *,
        after_last: Literal["repeat", "cycle", "silence"] = "repeat",
        scope: Literal["connection", "service"] = "connection",
    ) -> None:
        self._replies = tuple(map(source_of, replies))
        self._after_last = after_last
        self._shared: dict[object, int] | None = {} if scope == "service" else None
        self._mark = object()  # what connections remember, which must not keep old replies alive

    def make(self, asked: Asked) -> bytes | Reply:
        at = self._position(asked)
        self._positions(asked)[self._mark] = self._after(at)
        return self._replies[at].make(asked) if at < len(self._replies) else Reply()

    def told(self, asked: Asked) -> list[str]:
        at, count = self._position(asked), len(self._replies)
        if at == count:
            return [f"silence: all {count} replies have been used"]
        return [f"reply {at + 1} of {count}:", *self._replies[at].told(asked)]

    def _positions(self, asked: Asked) -> dict[object, int]:
        return asked.positions if self._shared is None else self._shared

    def _position(self, asked: Asked) -> int:
        """Whose turn it is; as many as there are replies: silence's."""
        return self._positions(asked).get(self._mark, 0)

    def _after(self, at: int) -> int:
        match self._after_last:
            case "repeat":
                return min(at + 1, len(self._replies) - 1)
            case "cycle":
                return (at + 1) % len(self._replies)
            case "silence":
                return min(at + 1, len(self._replies))
