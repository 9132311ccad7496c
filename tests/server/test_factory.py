"""The factory of a service's connections."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from sockreply.errors import ConfigError
from sockreply.framing import Chunk, parse_framing
from sockreply.replies import Echo, Raw, Reply, Session
from sockreply.server import Counters, Limits, ReplyFactory
from tests.server.stand_ins import (
    FakeTransport,
    NotingLog,
    Talk,
    always,
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


def test_says_nothing_of_its_own() -> None:
    """Starting and stopping the factory is not logged."""
    factory = made()
    with capturedLogs() as events:
        factory.doStart()
        factory.doStop()
    assert not events
    assert factory.logPrefix() == "sockreply"


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
    first = ("raw", b"abcde")
    talk = Talk(always(Reply(Raw(b"abc"), Raw(b"def"), Raw(b"ghi"))), exchanges=log)
    talk.say(b"x\n" * 2)
    assert [what for what in log.told if what[0] == "answered"] == [("answered", first)] * 2


class FailsLater(Chunk):
    """A framing of a user's own that cannot make a framer any more."""

    fails = False

    def framer(self, max_message: int) -> Any:
        if self.fails:
            raise ZeroDivisionError
        return super().framer(max_message)


def test_framing_that_cannot_make_a_framer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs the client that connects, and is counted and logged, with the address."""
    factory = ReplyFactory(FailsLater(), Echo(), Clock())
    monkeypatch.setattr(FailsLater, "fails", True)
    with capturedLogs() as events:
        assert not factory.buildProtocol(IPv4Address("TCP", "192.0.2.1", 40000))
    assert factory.shared.counters.errors["internal"] == 1
    (text,) = texts(events)
    assert text.startswith("192.0.2.1:40000 disconnected: its framing failed\n")
    assert "ZeroDivisionError" in text
