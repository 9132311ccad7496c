"""What the connections of a service share."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from sockreply.conversation.counters import Histogram
from sockreply.conversation.shared import Dialect
from sockreply.framing import Line, Netstring, parse_framing
from sockreply.replies import Echo, Reply, Session, Wait, as_responder
from sockreply.server import Limits, ReplyFactory
from tests.server.stand_ins import (
    FakeTransport,
    Talk,
    always,
    by_message,
    echo,
    texts,
)

BIG = b"y" * 100_000
"""More than a turn's worth."""


def made(**limits: Any) -> ReplyFactory:
    """A factory that answers lines."""
    return ReplyFactory(parse_framing("line"), Echo(), Clock(), limits=Limits(**limits))


def test_sessions_know_their_service() -> None:
    """A session has its connection's number, its service's name, and what runs it."""
    clock = Clock()
    factory = ReplyFactory(Line(), as_responder(echo), clock, name="scale")
    sessions = []
    for _ in range(2):
        protocol = factory.buildProtocol(None)
        protocol.makeConnection(FakeTransport())
        sessions.append(protocol.session)
    assert [session.number for session in sessions] == [1, 2]
    assert sessions[0].service == "scale"
    assert sessions[0].reactor is clock


def test_another_responder_answers_the_next_message() -> None:
    """A dialect's responder may be replaced: connections that are there ask the new one."""
    talk = Talk()
    talk.factory.shared.dialect.responder = as_responder(always(b"new"))
    talk.say(b"x\n")
    assert talk.hear() == b"new\n"


def test_another_dialect_is_for_new_connections() -> None:
    """Connections go on in the dialect in which they were made."""
    talk = Talk()
    talk.factory.shared.dialect = Dialect(Netstring(), as_responder(always(b"new")))
    talk.say(b"x\n")
    assert talk.hear() == b"x\n"
    later, transport = talk.factory.buildProtocol(None), FakeTransport()
    later.makeConnection(transport)
    later.dataReceived(b"1:x,")
    assert transport.value() == b"3:new,"


@pytest.mark.parametrize("seconds", [0, 1])
def test_greeting_that_sends_more(seconds: int) -> None:
    """What the function that makes a greeting sends itself answers no message either."""

    def greet(session: Session) -> bytes:
        session.send(Reply(Wait(1), b"later"))
        return b"hello"

    talk = Talk(greeting=greet, keep_alive=False)
    talk.clock.advance(seconds)
    assert talk.hear() == b"later\nhello\n" * seconds
    assert not talk.transport.disconnecting
    talk.leave()
    assert not talk.counters.errors


@pytest.mark.parametrize("reply", [b"hello", Reply(b"hello")])
def test_greeting_that_is_made(reply: bytes | Reply) -> None:
    """A function may make the greeting of each connection."""
    seen: list[Session] = []

    def greet(session: Session) -> bytes | Reply:
        seen.append(session)
        return reply

    talk = Talk(greeting=greet)
    assert talk.hear() == b"hello\n"
    assert seen == [talk.session]
    assert not talk.counters.replies


def test_greeting_that_cannot_be_made() -> None:
    """It costs the connection, and is logged and counted, but is no failed message."""

    def greet(_: Session) -> bytes:
        raise LookupError("boom")

    with capturedLogs() as events:
        talk = Talk(greeting=greet)
    assert talk.transport.disconnecting
    assert talk.counters.errors == {"unasked": 1}
    assert "LookupError: boom" in texts(events)[0]


def test_reply_seconds() -> None:
    """Times run from the read that completed a message to the write of its reply."""
    talk = Talk(by_message(slow=Reply(Wait(0.3), b"later"), quiet=Reply()))
    talk.factory.shared.counters.reply_seconds = seconds = Histogram((0.1, 1.0))
    talk.say(b"a\nb\nquiet\nslow\n")
    assert seconds.counts == [2, 0, 0]
    talk.say(b"c\n")
    talk.clock.advance(0.3)
    assert talk.counters.replies == 4
    assert seconds.counts == [2, 2, 0]  # c waited, too
    assert seconds.sum == pytest.approx(0.6)


def test_reply_seconds_from_now_on() -> None:
    """The time of a reply is not counted whose message was read before anybody wanted to know."""
    talk = Talk(by_message(a=Reply(Wait(0.5), b"ok")))
    talk.clock.advance(50)
    talk.say(b"a\n")
    talk.factory.shared.counters.reply_seconds = seconds = Histogram((0.1, 1.0))
    talk.clock.advance(0.5)
    assert talk.counters.replies == 1
    assert seconds.counts == [0, 0, 0]
    talk.say(b"b\n")
    assert seconds.counts == [1, 0, 0]


def test_reply_seconds_of_the_last_reply() -> None:
    """A reply with which the connection ends is measured like any other."""
    talk = Talk(keep_alive=False)
    talk.factory.shared.counters.reply_seconds = seconds = Histogram()
    talk.say(b"a\n")
    assert sum(seconds.counts) == talk.counters.replies == 1
