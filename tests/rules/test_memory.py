"""What rules remember of a connection."""

from __future__ import annotations

from random import Random

from sockreply.rules.memory import Memory, remember, remembered
from tests.rules.stand_ins import session


def test_nothing_at_first() -> None:
    """A new connection has no past."""
    assert remembered(session()) is None


def test_each_connection_has_its_own() -> None:
    """What is remembered is the connection's, and the last word counts."""
    one, other = session(), session()
    for state in ("first", "second"):
        remember(one, Memory(None, state, Random(1)))
    memory = remembered(one)
    assert memory is not None
    assert (memory.state, memory.positions) == ("second", {})
    assert remembered(other) is None
    assert len(one.state) == 1
