"""The responders that need no code."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sockreply.replies import Close, Echo, FixedReply, Reply, Responder, Session
from sockreply.replies.builtin import TEXTBOOK_REPLY
from tests.replies.stand_ins import StandInConnection

SESSION = Session(StandInConnection())


@given(st.binary())
def test_echo(message: bytes) -> None:
    """Every message is answered with itself, the empty one too."""
    echo: Responder = Echo()
    assert echo.respond(message, SESSION) == message


@given(st.binary(), st.binary())
def test_fixed(reply: bytes, message: bytes) -> None:
    """Every message is answered with the same bytes."""
    fixed: Responder = FixedReply(reply)
    assert fixed.respond(message, SESSION) == reply


def test_fixed_steps() -> None:
    """The one reply may be steps, or silence."""
    for reply in (Reply(b"bye", Close()), Reply()):
        fixed: Responder = FixedReply(reply)
        assert fixed.respond(b"message", SESSION) is reply


def test_textbook_reply() -> None:
    """Without options the daemon says what the textbook server says."""
    assert TEXTBOOK_REPLY.encode() == bytes.fromhex(
        "ec849cebb284eba19cebb680ed84b020ec9d91eb8bb520eba994ec8b9ceca780ec9e85eb8b88eb8ba42e"
    )
