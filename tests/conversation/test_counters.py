"""Plain integers."""

from __future__ import annotations

from sockreply.server import Counters


def test_all_zero_at_first() -> None:
    """Everything begins at 0, and a kind that never happened is 0."""
    counters = Counters()
    for name in Counters.__slots__:
        assert not getattr(counters, name), name
    assert counters.errors["reply"] == counters.open_connections == 0


def test_open_connections() -> None:
    """Open are those that were taken and are not closed, for whatever reason."""
    counters = Counters()
    counters.connections = 5
    counters.closed["peer"] += 1
    counters.closed["idle"] += 2
    assert counters.open_connections == 2


def test_counters_are_apart() -> None:
    """Two services count apart."""
    one, two = Counters(), Counters()
    one.errors["reply"] += 1
    assert two.errors == {}
