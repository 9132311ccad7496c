"""What replies are made of."""

from __future__ import annotations

from sockreply.rules.replies import Constant, Data, Echoed
from tests.rules.stand_ins import asked


def test_constant() -> None:
    """A constant is the same for every message, and says so."""
    data: Data = Constant(b"OK")
    assert data.fixed == b"OK"
    assert data.bytes_for(asked(b"hello")) == b"OK"


def test_echoed() -> None:
    """An echo is the message."""
    data: Data = Echoed()
    assert data.fixed is None
    assert data.bytes_for(asked(b"hello")) == b"hello"
