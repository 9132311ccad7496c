"""How much at a time, and how long."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from sockreply.replies import Await, Reply, Send, Wait
from tests.server.stand_ins import Answer, Talk, always, by_message, texts

MESSAGES_A_TURN = 64
BYTES_A_TURN = 65_536


@pytest.mark.parametrize("answer", [always(b"y"), always(Reply(b"y"))])
def test_messages_a_turn(answer: Answer) -> None:
    """64 messages of a connection are answered in a turn of the loop, then others go on."""
    talk = Talk(answer)
    talk.say(b"x\n" * (2 * MESSAGES_A_TURN + 1))
    assert talk.counters.replies == MESSAGES_A_TURN
    talk.turn()
    assert talk.counters.replies == 2 * MESSAGES_A_TURN
    talk.turn()
    assert talk.hear() == b"y\n" * (2 * MESSAGES_A_TURN + 1)
    assert len(talk.transport.writes) == 3


@pytest.mark.parametrize("size", [1024, 2048, 65_536, 100_000])
@pytest.mark.parametrize("kind", [bytes, Reply])
def test_bytes_a_turn(size: int, kind: type) -> None:
    """64 KiB of replies are made in a turn of the loop, then others go on."""
    reply = b"y" * size
    talk = Talk(always(reply if kind is bytes else Reply(Send(reply))))
    talk.say(b"x\n" * 60)
    a_turn = min(60, -(-BYTES_A_TURN // size))
    assert talk.counters.replies == a_turn
    talk.turn()
    assert talk.counters.replies == min(60, 2 * a_turn)


@pytest.mark.parametrize("reply", [b"y" * 99, Reply(b"y" * 99)])
def test_turn_is_used_up(reply: bytes | Reply) -> None:
    """Replies that are small do not end a turn before its 64 messages."""
    talk = Talk(always(reply))
    talk.say(b"x\n" * MESSAGES_A_TURN)
    assert talk.counters.replies == MESSAGES_A_TURN


def test_silent_unasked_replies_a_turn() -> None:
    """What is sent unasked is a turn too after 64 times, though it may be nothing at all."""
    made = 0

    async def again() -> None:
        nonlocal made
        made += 1
        if made < 2 * MESSAGES_A_TURN:
            talk.session.send(Reply(Await(again())))

    talk = Talk()
    talk.session.send(Reply(Await(again())))
    assert made == MESSAGES_A_TURN
    talk.turn()
    assert made == 2 * MESSAGES_A_TURN


def test_other_connections_between_turns() -> None:
    """A connection that floods lets others have their replies before it is done."""
    talk = Talk()
    talk.say(b"x\n" * 1000)
    other = talk.factory.buildProtocol(None)
    other.makeConnection(transport := type(talk.transport)())
    other.dataReceived(b"me too\n")
    assert transport.value() == b"me too\n"
    assert talk.counters.messages == MESSAGES_A_TURN + 1


def test_reading_pauses_between_turns() -> None:
    """What comes before the next turn is kept, and reading pauses until all is answered."""
    talk = Talk()
    talk.say(b"x\n" * 65)
    talk.say(b"y\n" * 64)
    assert talk.transport.paused
    talk.clock.pump([0, 0])
    assert talk.hear() == b"x\n" * 65 + b"y\n" * 64
    assert not talk.transport.paused


def test_peer_that_leaves_between_turns() -> None:
    """Messages that nobody came to are not answered when the peer is gone."""
    talk = Talk()
    talk.say(b"x\n" * 65)
    with capturedLogs():
        talk.leave()
    talk.clock.advance(0)
    assert not talk.clock.getDelayedCalls()
    assert talk.counters.messages == talk.counters.replies == 64


def test_unsent_replies_stop_parsing() -> None:
    """While too much is unsent no message is taken up; one read is kept, then reading pauses."""
    talk = Talk()
    talk.take_nothing()
    talk.say(b"a\nb\n")
    assert talk.counters.messages == 0
    assert not talk.transport.paused or talk.counters.received_bytes == 4
    talk.say(b"c\n")
    assert talk.transport.paused
    assert talk.counters.messages == 0
    talk.take_all()
    assert talk.hear() == b"a\nb\nc\n"
    assert not talk.transport.paused


def test_unsent_replies_stop_a_delivery() -> None:
    """A reply of many steps stops where too much is unsent, and goes on from there."""
    talk = Talk(always(Reply(Wait(1), b"a", b"b")))
    talk.say(b"x\n")
    talk.take_nothing()
    talk.clock.advance(1)
    assert talk.hear() == b""
    talk.take_all()
    assert talk.hear() == b"a\nb\n"
    assert talk.counters.replies == 1


def test_unsent_replies_end_a_turn_within() -> None:
    """When a write fills the transport, the rest of a flood waits until that is sent."""
    talk = Talk(write_timeout=0)
    talk.transport.narrow = True
    talk.say(b"x\n" * 100)
    talk.clock.pump([0] * 5)
    assert talk.counters.replies == MESSAGES_A_TURN
    talk.take_all()
    assert talk.counters.replies == 100


def test_idle_timeout() -> None:
    """A connection on which no message comes or goes is closed."""
    talk = Talk(idle_timeout=60)
    talk.clock.advance(59)
    assert not talk.transport.disconnecting
    talk.clock.advance(1)
    assert talk.transport.disconnecting
    talk.leave()
    assert talk.counters.closed == {"idle": 1}


@pytest.mark.parametrize("way", ["message", "unasked"])
def test_messages_either_way_are_activity(way: str) -> None:
    """A message in either direction begins the idle time anew."""
    talk = Talk(idle_timeout=60)
    talk.clock.advance(40)
    talk.say(b"x\n") if way == "message" else talk.session.send(b"x")
    talk.clock.advance(59)
    assert not talk.transport.disconnecting
    talk.clock.advance(1)
    assert talk.transport.disconnecting


def test_bytes_are_no_activity() -> None:
    """Bytes that complete no message do not keep a connection from being idle."""
    talk = Talk(idle_timeout=60, message_timeout=0)
    for _ in range(59):
        talk.clock.advance(1)
        talk.say(b"x")
    talk.clock.advance(1)
    assert talk.transport.disconnecting


def test_no_timer_call_a_message() -> None:
    """Messages do not touch the timer: the same call waits for the same time after any of them."""
    talk = Talk(idle_timeout=60)
    (call,) = talk.clock.getDelayedCalls()
    at = call.getTime()
    for _ in range(30):
        talk.clock.advance(1)
        talk.say(b"x\n")
    assert talk.clock.getDelayedCalls() == [call]
    assert call.getTime() == at == 60
    talk.clock.advance(59.5)
    assert not talk.transport.disconnecting
    talk.clock.advance(0.5)
    assert talk.transport.disconnecting


def test_never_idle() -> None:
    """An idle_timeout of 0 lets a connection be for ever, without a timer."""
    talk = Talk(idle_timeout=0)
    talk.say(b"x\n")
    assert not talk.clock.getDelayedCalls()
    talk.clock.advance(1e9)
    assert not talk.transport.disconnecting


@pytest.mark.parametrize("how", ["wait", "await", "unsent"])
def test_not_idle_while_a_reply_is_owed(how: str) -> None:
    """A connection is not idle while we owe a reply; its idle time begins when that is out."""
    answer: Deferred[bytes] = Deferred()
    limits: dict[str, Any] = {"reply_timeout": 0, "write_timeout": 0}
    talk = Talk(
        by_message(wait=Reply(Wait(100), b"x"), **{"await": answer}), idle_timeout=60, **limits
    )
    talk.transport.narrow = how == "unsent"
    talk.say(how.encode() + b"\n")
    talk.clock.advance(100)
    assert not talk.transport.disconnecting
    talk.take_all() if how == "unsent" else None
    answer.callback(b"x")
    assert talk.counters.replies == 1
    talk.clock.advance(59)
    assert not talk.transport.disconnecting
    talk.clock.advance(1)
    assert talk.transport.disconnecting


@pytest.mark.parametrize("idle_timeout", [60, 0])
def test_message_timeout(idle_timeout: float) -> None:
    """A message has its time from its first byte on, however its bytes trickle."""
    talk = Talk(message_timeout=10, idle_timeout=idle_timeout)
    talk.clock.advance(5)
    with capturedLogs() as events:
        for _ in range(10):
            assert not talk.transport.aborted
            talk.say(b"x")
            talk.clock.advance(1)
    assert talk.transport.aborted
    assert texts(events) == ["192.168.1.1:54321 took more than 10 s: message_timeout: 'xxxxxxxxxx'"]
    talk.leave()
    assert talk.counters.closed == {"message_timeout": 1}


def test_each_message_has_its_own_time() -> None:
    """A read that ends one message and begins the next begins the next one's time."""
    talk = Talk(message_timeout=10)
    for _ in range(5):
        talk.say(b"begin")
        talk.clock.advance(9)
        talk.say(b"end\nbeg")
        talk.clock.advance(9)
        talk.say(b"in\n")
    assert not talk.transport.aborted
    assert talk.counters.messages == 10


def test_unasked_replies_give_no_more_time() -> None:
    """What we send unasked does not give the peer more time for the message it has begun."""
    talk = Talk(message_timeout=10)
    talk.say(b"begin")
    for _ in range(10):
        assert not talk.transport.aborted
        talk.session.send(b"tick")
        talk.clock.advance(1)
    assert talk.transport.aborted


def test_message_time_does_not_run_while_we_are_busy() -> None:
    """A message that is begun while a reply is owed has its time from when that is out."""
    talk = Talk(always(Reply(Wait(100), b"y")), message_timeout=10)
    talk.say(b"x\nbegin")
    talk.clock.advance(100)
    talk.clock.advance(9)
    assert not talk.transport.aborted
    talk.clock.advance(1)
    assert talk.transport.aborted


def test_no_message_timeout() -> None:
    """A message_timeout of 0 lets a message take any time."""
    talk = Talk(message_timeout=0, idle_timeout=0)
    talk.say(b"x")
    talk.clock.advance(1e9)
    talk.say(b"y\n")
    assert talk.hear() == b"xy\n"


def test_write_timeout() -> None:
    """A peer that takes nothing of what waits for it is cut off."""
    talk = Talk(write_timeout=30)
    talk.take_nothing()
    with capturedLogs() as events:
        talk.clock.advance(29)
        assert not talk.transport.aborted
        talk.clock.advance(1)
    assert talk.transport.aborted
    assert texts(events, "warn") == ["192.168.1.1:54321 took more than 30 s: write_timeout"]
    talk.leave()
    assert talk.counters.closed == {"write_timeout": 1}


def test_write_timeout_begins_anew() -> None:
    """A peer that took all that waited has the whole time again."""
    talk = Talk(write_timeout=30, idle_timeout=0)
    for _ in range(3):
        talk.take_nothing()
        talk.clock.advance(29)
        talk.take_all()
    talk.clock.advance(1000)
    assert not talk.transport.aborted


def test_gap_silence() -> None:
    """With `gap` a message is all that came until the peer fell silent."""
    talk = Talk(framing="gap:seconds=0.5")
    for piece in (b"a", b"b", b"c"):
        talk.say(piece)
        talk.clock.advance(0.4)
        assert talk.hear() == b""
    talk.clock.advance(0.1)
    assert talk.hear() == b"abc"
    talk.clock.advance(5)
    assert talk.counters.messages == 1


@pytest.mark.parametrize("reads", [1, 2])
def test_no_gap_while_we_do_not_read(reads: int) -> None:
    """A silence that is ours, because reading is paused, ends no message."""
    talk = Talk(by_message(slow=Reply(Wait(10), b"done")), "gap:seconds=0.5")
    talk.say(b"slow")
    talk.clock.advance(0.5)
    for _ in range(reads):
        talk.say(b"a")
    assert talk.transport.paused
    talk.clock.pump([0.5] * 20)
    assert not talk.transport.paused
    talk.say(b"b")
    talk.clock.advance(0.5)
    assert talk.hear() == b"done" + b"a" * reads + b"b"


def test_gap_after_we_did_not_read() -> None:
    """What was kept while reading was paused is a message when silence follows."""
    talk = Talk(by_message(slow=Reply(Wait(10), b"done")), "gap:seconds=0.5")
    talk.say(b"slow")
    talk.clock.advance(0.5)
    talk.say(b"a")
    talk.clock.pump([0.5] * 20)
    assert talk.hear() == b"done"
    talk.clock.advance(0.5)
    assert talk.hear() == b"a"
