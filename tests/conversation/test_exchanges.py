"""What the exchange log is told."""

from __future__ import annotations

import pytest
from twisted.logger import capturedLogs

from sockreply.errors import TemplateFailed
from sockreply.replies import Reply, Session, Wait
from tests.server.stand_ins import (
    NotingLog,
    Talk,
    always,
    by_message,
    texts,
)

BIG = b"y" * 100_000
"""More than a turn's worth."""


def test_exchanges_are_told() -> None:
    """A log hears of the client, of each message and its answers, and of the end."""
    log = NotingLog()
    answers = {"two": Reply(b"2", b"zwei"), "none": None}
    talk = Talk(by_message(**answers), exchanges=log, greeting=b"hi")
    talk.say(b"one\ntwo\nnone\n")
    talk.leave()
    assert log.told == [
        ("connected",),
        ("sent", b"hi"),
        ("received", b"one"),
        ("answered", b"one"),
        ("received", b"two"),
        ("answered", b"2", b"zwei"),
        ("received", b"none"),
        ("silence",),
        ("disconnected", "peer"),
    ]


def test_exchange_is_shown_whole_or_not() -> None:
    """Of a message that is not shown, the answer is not shown either."""
    log = NotingLog()
    talk = Talk(by_message(), exchanges=log)
    talk.say(b"hide\nshow\n")
    assert log.told[1:] == [("received", b"hide"), ("received", b"show"), ("answered", b"show")]


def test_no_room() -> None:
    """A log without room is not told of a message; the number of these is."""
    log = NotingLog(room=1)
    talk = Talk(by_message(none=None), exchanges=log)
    talk.say(b"one\ntwo\nnone\n")
    assert log.told[1:] == [("received", b"one"), ("answered", b"one")]
    assert log.hidden == 2


def test_room_is_used_up_elsewhere() -> None:
    """The room that other connections take while a message is answered is not there any more."""
    log = NotingLog(room=2)

    def answer(message: bytes, _: Session) -> bytes:
        log.room = 0
        return message

    talk = Talk(answer, exchanges=log)
    talk.say(b"one\ntwo\nthree\n")
    assert log.told[1:] == [("received", b"one"), ("answered", b"one")]
    assert log.hidden == 2


def test_unasked_replies_answer_nothing() -> None:
    """What is sent unasked is shown as that."""
    log = NotingLog()
    talk = Talk(exchanges=log)
    talk.say(b"one\n")
    talk.session.send(b"tick")
    talk.session.send(Reply(b"tick"))
    assert log.told[3:] == [("sent", b"tick"), ("sent", b"tick")]


def test_remarks_are_made_of_what_is_shown() -> None:
    """A responder's remark is made and shown only if its message is."""

    def answer(message: bytes, session: Session) -> bytes:
        session.remark(lambda: f"about {message.decode()}")
        return message

    log = NotingLog(room=2)
    talk = Talk(answer, exchanges=log)
    talk.say(b"one\nhide\nthree\n")
    assert [what for what in log.told if what[0] == "remarked"] == [("remarked", "about one")]


@pytest.mark.parametrize(
    "reply", [b"ok", Reply(), Reply(b"ok"), Reply(BIG), Reply(Wait(1), BIG), 5]
)
def test_no_remarks_behind_the_answer(reply: object) -> None:
    """What is said of a message that was answered, or failed, is said too late."""
    log = NotingLog()
    talk = Talk(always(reply), exchanges=log)
    talk.transport.narrow = True
    with capturedLogs():
        talk.say(b"x\n")
        talk.clock.advance(1)
    assert log.told[-1][0] in ("answered", "silence", "failed")
    talk.session.remark(lambda: "too late")
    assert log.told[-1][0] != "remarked"


def test_failures_name_the_rule() -> None:
    """What a responder calls the rule that failed is in the log; the exchange log is told too."""

    def answer(_: bytes, session: Session) -> bytes:
        session.rule = "unit"
        raise TemplateFailed("boom")

    log = NotingLog()
    talk = Talk(answer, exchanges=log)
    with capturedLogs() as events:
        talk.say(b"x\n")
    assert texts(events)[-1].endswith("gets no reply from rule unit: template: boom")
    assert ("failed", "template: boom") in log.told
