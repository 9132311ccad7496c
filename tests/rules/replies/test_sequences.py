"""Replies that take turns."""

from __future__ import annotations

from typing import Literal

import pytest

from sockreply.replies import Reply
from sockreply.rules.asked import Asked
from sockreply.rules.replies import InTurn
from sockreply.rules.table import Rule, RuleTable
from tests.rules.stand_ins import Makes, Says, asked, session

REPLIES = [Says(b"1"), Says(b"2"), Says(b"3")]
SILENCE = Reply()


@pytest.mark.parametrize(
    ("after_last", "after"),
    [
        ("repeat", [b"3", b"3", b"3"]),
        ("cycle", [b"1", b"2", b"3"]),
        ("silence", [SILENCE, SILENCE, SILENCE]),
    ],
)
def test_one_after_another(
    after_last: Literal["repeat", "cycle", "silence"], after: list[bytes | Reply]
) -> None:
    """Each has its turn; then comes the last again, all of them, or nothing."""
    turns, message = InTurn(REPLIES, after_last=after_last), asked()
    assert turns.fixed is None
    assert [turns.make(message) for _ in range(6)] == [b"1", b"2", b"3", *after]


@pytest.mark.parametrize("after_last", ["repeat", "cycle", "silence"])
def test_one_reply(after_last: Literal["repeat", "cycle", "silence"]) -> None:
    """A single reply has its turn too."""
    turns, message = InTurn(REPLIES[:1], after_last=after_last), asked()
    last: bytes | Reply = SILENCE if after_last == "silence" else b"1"
    assert [turns.make(message) for _ in range(3)] == [b"1", last, last]


def test_each_connection_begins_anew() -> None:
    """Without more each connection hears the first reply first, and sequences do not meet."""
    table = RuleTable([Rule("a", None, InTurn(REPLIES))], otherwise=InTurn(REPLIES))
    one, other = session(), session()
    assert [table.respond(b"m", one) for _ in range(2)] == [b"1", b"2"]
    assert table.respond(b"m", other) == b"1"
    assert table.respond(b"m", one) == b"3"
    message = table.asked(b"m", one)
    assert table.otherwise is not None
    assert table.otherwise.make(message) == b"1"


def test_all_connections_share_one_turn() -> None:
    """With the scope of a service the next reply goes to whoever asks next."""
    turns = InTurn(REPLIES, after_last="cycle", scope="service")
    assert [turns.make(asked()) for _ in range(4)] == [b"1", b"2", b"3", b"1"]


def test_a_reply_that_fails_had_its_turn() -> None:
    """A failure does not hold the sequence up."""

    def fail(asked: Asked) -> bytes:
        raise KeyError("reply")

    turns = InTurn([Makes(fail), Says(b"2")], scope="service")
    with pytest.raises(KeyError, match="reply"):
        turns.make(asked())
    assert turns.make(asked()) == b"2"


def test_told() -> None:
    """Who asks hears whose turn it is, and does not take it."""
    turns, message = InTurn(REPLIES, after_last="silence"), asked()
    assert turns.told(message) == turns.told(message) == ["reply 1 of 3:", "says b'1'"]
    for _ in REPLIES:
        turns.make(message)
    assert turns.told(message) == ["silence: all 3 replies have been used"]
