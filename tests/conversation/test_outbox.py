"""The replies of a turn, joined to one write."""

from __future__ import annotations

import pytest

from sockreply.conversation.counters import Counters
from sockreply.conversation.outbox import BYTES_A_TURN, LEAST_PIECE, Outbox
from sockreply.conversation.shared import Dialect
from sockreply.framing import parse_framing
from sockreply.replies import Echo


class Sent:
    """An outbox, and what it wrote."""

    def __init__(self, framing: str = "enclosed:start=<,end=>") -> None:
        self.counters = Counters()
        self.outbox = Outbox(Dialect(parse_framing(framing), Echo()), self.counters)
        self.writes: list[bytes] = []
        self.outbox.wire = self
        self.plain: list[bytes] = []
        self.outbox.plain = self.plain

    def write(self, data: bytes) -> None:
        """Take what is written."""
        self.writes.append(data)


def test_nothing_is_written_of_nothing() -> None:
    """An outbox that is empty writes nothing."""
    sent = Sent()
    sent.outbox.flush()
    assert sent.writes == []


def test_plain_replies_are_one_write() -> None:
    """Each is framed; they leave together, and are counted as they go over the wire."""
    sent = Sent()
    sent.plain += [b"a", b"b", b"c"]
    sent.outbox.flush()
    sent.outbox.flush()
    assert sent.writes == [b"<a><b><c>"]
    assert sent.counters.sent_bytes == 9


def test_order_of_plain_replies_and_pieces() -> None:
    """What was put in first is sent first, whether it is framed here or was before."""
    sent = Sent()
    sent.plain.append(b"a")
    sent.outbox.add(b"raw")
    sent.plain.append(b"b")
    sent.outbox.add(b"wor")
    sent.outbox.add(b"st")
    sent.plain.append(b"c")
    sent.outbox.flush()
    assert sent.writes == [b"<a>raw<b>worst<c>"]


@pytest.mark.parametrize(("piece", "pieces"), [(b"x" * 40_000, 2), (b"x", 64), (b"", 64)])
def test_a_turn(piece: bytes, pieces: int) -> None:
    """When a turn's worth of pieces is there, it is written; small ones count as a least size."""
    sent = Sent()
    assert [sent.outbox.add(piece) for _ in range(pieces)] == [False] * (pieces - 1) + [True]
    assert sent.writes == ([piece * pieces] if piece else [])
    assert sent.outbox.size >= BYTES_A_TURN
    assert LEAST_PIECE * 64 == BYTES_A_TURN


def test_what_is_discarded_is_not_written() -> None:
    """When a connection ends, what was not written yet is forgotten, and not counted."""
    sent = Sent()
    sent.plain.append(b"a")
    sent.outbox.add(b"raw")
    sent.plain.append(b"b")
    sent.outbox.discard()
    sent.outbox.flush()
    assert sent.writes == []
    assert sent.counters.sent_bytes == 0
