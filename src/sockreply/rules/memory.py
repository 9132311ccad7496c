"""What rules remember of a connection from one message to the next."""

from __future__ import annotations

from random import Random
from typing import Any

from sockreply.replies.session import Session

_KEY = "sockreply.rules"  # in the session's state


class Memory:
    """What one connection's messages have led to.

    Args:
        table: Stands for the table of rules that asks: a mark, so that a table that is no longer
            in use is not kept.
        state: The state that the next message comes in.
        random: Draws the chances.
        switches: Does the connection's framing change when its state does?
    """

    __slots__ = ("positions", "random", "state", "switches", "table")

    positions: dict[Any, int]
    """Where the sequences of replies stand."""

    def __init__(self, table: object, state: str, random: Random, switches: bool = False) -> None:
        self.table = table
        self.state = state
        self.random = random
        self.switches = switches
        self.positions = {}


def remembered(session: Session) -> Memory | None:
    """What is remembered of that connection, whichever table asked last."""
    memory: Memory | None = session.state.get(_KEY)
    return memory


def remember(session: Session, memory: Memory) -> None:
    """Remember this from now on."""
    session.state[_KEY] = memory
