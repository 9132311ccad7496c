"""Many messages over one connection that get no replies."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock

from sockreply.client import CLOSE_TIMEOUT, RequestProtocol
from sockreply.client.telling import Telling
from tests.client.stand_ins import FakeTransport, talk, watch


def telling(
    timeout: float | None = None, spec: str = "line"
) -> tuple[Telling, RequestProtocol, FakeTransport, Clock]:
    """One over a connection that is made."""
    protocol, transport, clock = talk(spec)
    return Telling(protocol, clock, timeout), protocol, transport, clock


def ask(told: Telling, *messages: bytes) -> list[object]:
    """Send messages one after another; empty as long as one waits for room."""

    async def all_of_them() -> None:
        for message in messages:
            await told.ask(message)

    return watch(Deferred.fromCoroutine(all_of_them()))


def reasons(seen: list[object]) -> list[str]:
    """What it failed with."""
    return list(map(str, seen))


def test_done_when_all_is_sent_and_the_peer_has_closed() -> None:
    """The peer is told that no more comes, and what it says is dropped."""
    told, protocol, transport, clock = telling(9)
    done = watch(told.done)
    ask(told, b"one", b"two")
    assert transport.take_sent() == b"one\ntwo\n"
    assert not transport.half_closed
    told.all_asked()
    assert transport.half_closed
    protocol.dataReceived(b"OK\n")
    protocol.writeConnectionLost()
    assert not done
    protocol.readConnectionLost()
    assert done == [None]
    assert clock.getDelayedCalls() == []


def test_a_peer_that_stays_is_left() -> None:
    """One that does not close when no more comes has had all the same."""
    told, protocol, transport, clock = telling(9)
    done = watch(told.done)
    ask(told, b"one")
    told.all_asked()
    clock.advance(8)
    protocol.writeConnectionLost()
    clock.advance(CLOSE_TIMEOUT - 0.1)
    assert not done
    clock.advance(0.1)
    assert done == [None]
    assert not transport.aborted


def test_a_peer_that_closes_before_the_end_of_messages() -> None:
    """If all that was asked is sent by then, nothing is wrong; else it is said."""
    for more, expected in (([], [None]), ([b"two"], ["the connection ended: the peer closed it"])):
        told, _, transport, _ = telling()
        done = watch(told.done)
        ask(told, b"one")
        transport.lose(ConnectionDone())
        assert not done
        ask(told, *more)
        told.all_asked()
        assert [each and str(each) for each in done] == expected


def test_a_reset() -> None:
    """It fails at once, and also when all is sent but not taken."""
    for all_asked in (False, True):
        told, _, transport, _ = telling()
        done = watch(told.done)
        ask(told, b"one")
        if all_asked:
            told.all_asked()
        transport.reset()
        assert reasons(done) == ["the connection ended: reset or lost"]


def test_no_more_is_sent_than_the_peer_takes() -> None:
    """A message waits until the transport asks for more, and so does the end."""
    told, _, transport, clock = telling(9)
    done = watch(told.done)
    assert transport.producer is told
    told.pauseProducing()
    waiting = ask(told, b"one")
    assert not waiting
    assert transport.take_sent() == b""
    told.resumeProducing()
    assert waiting == [None]
    assert transport.take_sent() == b"one\n"
    told.pauseProducing()
    told.all_asked()
    assert not transport.half_closed
    told.resumeProducing()
    assert transport.half_closed
    assert transport.producer is None
    assert not done
    assert len(clock.getDelayedCalls()) == 1  # that of the connection


def test_a_peer_that_takes_nothing() -> None:
    """It is given its time, while messages are sent and when all are."""
    told, _, transport, clock = telling(9)
    done = watch(told.done)
    told.pauseProducing()
    clock.advance(9)
    assert reasons(done) == ["the peer did not take all of it within 9 s"]
    told, _, transport, clock = telling(9)
    done = watch(told.done)
    ask(told, b"one")
    told.all_asked()
    clock.advance(9)
    assert transport.aborted
    assert reasons(done) == ["the connection ended: the peer did not take all of it in time"]


def test_who_waits_for_room_when_the_connection_goes() -> None:
    """It waits no longer."""
    told, _, transport, clock = telling(9)
    done = watch(told.done)
    told.pauseProducing()
    waiting = ask(told, b"one")
    transport.lose(ConnectionDone())
    assert waiting == [None]
    assert reasons(done) == ["the connection ended: the peer closed it"]
    assert clock.getDelayedCalls() == []


def test_the_end_of_the_stream_ends_a_message() -> None:
    """With `eof` that is the end of all."""
    told, _, transport, _ = telling(spec="eof")
    ask(told, b"one")
    assert not transport.half_closed
    told.all_asked()
    assert transport.take_sent() == b"one"
    assert transport.half_closed


@pytest.mark.parametrize(("sent", "progress"), [(1, ""), (2, "2 messages sent")])
def test_progress(sent: int, progress: str) -> None:
    """Where there are several messages, it says how many were sent."""
    told, *_ = telling()
    ask(told, *[b"x"] * sent)
    assert told.progress() == progress
