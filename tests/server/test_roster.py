"""The connections of a service, and how they end together."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from sockreply.framing import Line, parse_framing
from sockreply.replies import Echo, Reply, Stall, Wait, as_responder
from sockreply.server import Limits, ReplyFactory
from tests.server.stand_ins import (
    FakeTransport,
    Talk,
    always,
    by_message,
    echo,
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
    talk.transport.loseConnection = talk.leave  # type: ignore[method-assign]  # a stand-in
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


def test_change_of_limits_lets_those_in_who_wait() -> None:
    """Whoever accepts is told when there may be more places."""
    factory = ReplyFactory(Line(), as_responder(echo), Clock(), limits=Limits(max_connections=1))
    told: list[int] = []
    factory.roster.on_place.append(lambda: told.append(factory.roster.places))
    factory.roster.change_limits(Limits(max_connections=5))
    assert told == [5]
