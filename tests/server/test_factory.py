"""What the connections of a service share."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from sockreply.errors import ConfigError
from sockreply.framing import parse_framing
from sockreply.replies import Echo, Reply, Stall, Wait
from sockreply.server import Counters, Limits, ReplyFactory
from tests.server.stand_ins import FakeTransport, NotingLog, Talk, always, by_message


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
    assert not one.keep_alive
    assert one.greeting is None
    assert one.limits == Limits()
    assert one.counters is not two.counters


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
    factory.on_place.append(lambda: free.append(factory.places))
    assert factory.places == 2
    first, _ = connect(factory)
    connect(factory)
    assert factory.places == 0
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
    assert factory.drain(30).called
    assert not factory.clock.getDelayedCalls()


def test_drain_waits_for_all() -> None:
    """A drain is over when the last connection is gone."""
    factory = made()
    connections = [connect(factory) for _ in range(3)]
    drained = factory.drain(30)
    for protocol, transport in connections:
        assert not drained.called
        assert transport.disconnecting
        protocol.connectionLost()
    assert drained.called
    assert not factory.clock.getDelayedCalls()


def test_drain_of_connections_that_end_at_once() -> None:
    """A drain is over at once when its connections end within it."""
    talk = Talk()
    talk.transport.loseConnection = talk.leave  # type: ignore[method-assign]
    assert talk.factory.drain(30).called
    assert not talk.clock.getDelayedCalls()


def test_drain_timeout() -> None:
    """At drain_timeout what is not done yet is aborted."""
    talk = Talk(always(Reply(Wait(1000), b"x")), drain_timeout=30)
    talk.say(b"x\n")
    drained = talk.factory.drain(30)
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
    drained = talk.factory.drain(30)
    talk.clock.advance(1)
    assert talk.hear() == b"later\nfast\n"
    assert talk.transport.disconnecting
    talk.leave()
    assert drained.called


def test_abort() -> None:
    """Aborting ends all connections at once, also those that drain."""
    talk = Talk(always(Reply(Stall())))
    talk.say(b"x\n")
    talk.factory.abort()
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
