"""What the connections of a service share."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from sockreply.conversation.counters import Histogram
from sockreply.conversation.shared import Dialect
from sockreply.errors import ConfigError, TemplateFailed
from sockreply.framing import Line, Netstring, parse_framing
from sockreply.replies import Echo, Raw, Reply, Session, Stall, Wait, as_responder
from sockreply.server import Counters, Limits, ReplyFactory
from tests.server.stand_ins import (
    FakeTransport,
    NotingLog,
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


def connect(factory: ReplyFactory) -> tuple[Any, FakeTransport]:
    """One more connection."""
    protocol, transport = factory.buildProtocol(None), FakeTransport()
    protocol.makeConnection(transport)
    return protocol, transport


def test_framing_and_limit_that_do_not_fit() -> None:
    """A framing that has no message as short as the limit is refused at once."""
    with pytest.raises(ConfigError):
        ReplyFactory(
            parse_framing("fixed:size=100"), Echo(), Clock(), limits=Limits(max_message=10)
        )


def test_defaults() -> None:
    """Without keep-alive, without a greeting, with counters and limits of its own."""
    one, two = made(), made()
    assert not one.shared.keep_alive
    assert one.shared.greeting is None
    assert one.shared.limits == Limits()
    assert one.shared.counters is not two.shared.counters


def test_counters_given() -> None:
    """Counters that are given are counted in."""
    counters = Counters()
    factory = ReplyFactory(parse_framing("line"), Echo(), Clock(), counters=counters)
    connect(factory)
    assert counters.connections == 1


def test_places() -> None:
    """Each connection takes one of the places, and gives it back when it is gone."""
    factory = made(max_connections=2)
    free: list[int] = []
    factory.roster.on_place.append(lambda: free.append(factory.roster.places))
    assert factory.roster.places == 2
    first, _ = connect(factory)
    connect(factory)
    assert factory.roster.places == 0
    first.connectionLost()
    assert free == [1]


def test_exchanges_are_told() -> None:
    """A log hears of the client, of each message and its answers, and of the end."""
    log = NotingLog()
    answers = {"two": Reply(b"2", b"zwei"), "none": None}
    talk = Talk(by_message(**answers), exchanges=log, greeting=b"hi")
    talk.say(b"one\ntwo\nnone\n")
    talk.leave()
    assert log.told == [
        ("connected",),
        ("received", b"one"),
        ("answered", b"one"),
        ("received", b"two"),
        ("answered", b"2zwei"),
        ("received", b"none"),
        ("silent",),
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


def test_unasked_replies_are_no_exchanges() -> None:
    """What is sent unasked is not shown, though the message before it was."""
    log = NotingLog()
    talk = Talk(exchanges=log)
    talk.say(b"one\n")
    talk.session.send(b"tick")
    talk.session.send(Reply(b"tick"))
    assert len(log.told) == 3


def test_drain_without_connections() -> None:
    """Where there is nothing to finish, a drain is over at once and leaves no timer."""
    factory = made()
    assert factory.roster.drain(30).called
    assert not factory.shared.clock.getDelayedCalls()


def test_drain_waits_for_all() -> None:
    """A drain is over when the last connection is gone."""
    factory = made()
    connections = [connect(factory) for _ in range(3)]
    factory.shared.clock.advance(1)
    drained = factory.roster.drain(30)
    for protocol, transport in connections:
        assert not drained.called
        assert transport.disconnecting
        protocol.connectionLost()
    assert drained.called
    assert not factory.shared.clock.getDelayedCalls()


def test_drain_of_connections_that_end_at_once() -> None:
    """A drain is over at once when its connections end within it."""
    talk = Talk()
    talk.clock.advance(1)
    talk.transport.loseConnection = talk.leave  # type: ignore[method-assign]
    assert talk.factory.roster.drain(30).called
    assert not talk.clock.getDelayedCalls()


def test_drain_timeout() -> None:
    """At drain_timeout what is not done yet is aborted."""
    talk = Talk(always(Reply(Wait(1000), b"x")), drain_timeout=30)
    talk.say(b"x\n")
    drained = talk.factory.roster.drain(30)
    talk.clock.advance(29.9)
    assert not talk.transport.aborted
    talk.clock.advance(0.1)
    assert talk.transport.aborted
    assert not drained.called
    talk.leave()
    assert drained.called
    assert talk.counters.closed == {"drain": 1}


def test_drain_answers_what_was_read() -> None:
    """A busy connection has its replies before the drain is over."""
    talk = Talk(by_message(slow=Reply(Wait(1), b"later")))
    talk.say(b"slow\nfast\n")
    drained = talk.factory.roster.drain(30)
    talk.clock.advance(1)
    assert talk.hear() == b"later\nfast\n"
    assert talk.transport.disconnecting
    talk.leave()
    assert drained.called


def test_abort() -> None:
    """Aborting ends all connections at once, also those that drain."""
    talk = Talk(always(Reply(Stall())))
    talk.say(b"x\n")
    talk.factory.roster.abort()
    assert talk.transport.aborted
    talk.leave()
    assert talk.counters.closed == {"drain": 1}


def test_says_nothing_of_its_own() -> None:
    """Starting and stopping the factory is not logged."""
    factory = made()
    with capturedLogs() as events:
        factory.doStart()
        factory.doStop()
    assert not events
    assert factory.logPrefix() == "sockreply"


def test_change_of_limits_lets_those_in_who_wait() -> None:
    """Whoever accepts is told when there may be more places."""
    factory = ReplyFactory(Line(), as_responder(echo), Clock(), limits=Limits(max_connections=1))
    told: list[int] = []
    factory.roster.on_place.append(lambda: told.append(factory.roster.places))
    factory.roster.change_limits(Limits(max_connections=5))
    assert told == [5]


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
    assert log.told[-1][0] in ("answered", "silent", "failed")
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


def test_failure_that_cannot_even_be_told() -> None:
    """An error whose own text raises costs the connection, like any other."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError("no words")

    def answer(_: bytes, __: Session) -> bytes:
        raise Mute

    log = NotingLog()
    talk = Talk(answer, exchanges=log)
    with capturedLogs() as events:
        talk.say(b"x\n")
    assert talk.transport.disconnecting
    assert talk.counters.errors == {"reply": 1}
    assert texts(events)
    assert log.told[-1][0] == "failed"


def test_answer_of_many_pieces_is_told_in_one() -> None:
    """The exchange log is told the pieces of an answer together, as much of them as it keeps."""
    log = NotingLog()
    log.kept = 5
    talk = Talk(always(Reply(Raw(b"abc"), Raw(b"def"), Raw(b"ghi"))), exchanges=log)
    talk.say(b"x\n" * 2)
    assert [what for what in log.told if what[0] == "answered"] == [("answered", b"abcdef")] * 2
