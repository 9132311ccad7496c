"""What an answer may depend on."""

from __future__ import annotations

from random import Random

from sockreply.rules.asked import Asked
from tests.rules.stand_ins import session


def test_what_is_not_said() -> None:
    """Without more, no regex has matched, and sequences begin, for this message alone."""
    first, second = (Asked(b"m", session(), "start", Random(1)) for _ in range(2))
    assert first.match is None
    assert first.positions == {}
    first.positions["sequence"] = 1
    assert second.positions == {}


def test_positions_are_shared() -> None:
    """What a sequence writes down is the connection's from then on."""
    positions: dict[object, int] = {}
    Asked(b"m", session(), "start", Random(1), positions=positions).positions["sequence"] = 1
    assert positions == {"sequence": 1}
