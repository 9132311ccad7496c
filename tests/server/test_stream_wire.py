"""Connections over a socket, where what the kernel holds decides."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from twisted.logger import capturedLogs

from sockreply.replies import Close, Raw, Reply, Stall, Wait
from sockreply.server import Limits
from tests.server.stand_ins import WireTalk, always, by_message, texts

Connect = Callable[..., WireTalk]
BIG = b"x" * 1_000_000


def test_reply_leaves_with_the_read(over_wire: Connect) -> None:
    """The reply is in the peer's hands in the turn in which its message was read."""
    talk = over_wire()
    talk.say(b"one\ntwo\n")
    assert talk.hear() == b"one\ntwo\n"
    assert talk.waits_to_write == 0


def test_half_close_is_answered(over_wire: Connect) -> None:
    """A peer that sends, half-closes and reads gets its reply and then the end."""
    talk = over_wire()
    talk.peer.sendall(b"one\ntwo\n")
    talk.finish_sending()
    talk.clock.turn(3)
    assert talk.hear() == b"one\ntwo\n"
    assert talk.heard_end
    assert talk.counters.closed == {"peer": 1}


def test_close_when_all_was_read(over_wire: Connect) -> None:
    """When the peer has sent nothing that was not read, the connection is closed at once."""
    talk = over_wire(keep_alive=False)
    talk.say(b"one\n")
    talk.clock.turn(2)
    assert talk.hear() == b"one\n"
    assert talk.heard_end
    assert talk.counters.closed == {"answered": 1}


@pytest.mark.parametrize("unread", ["in the framer", "in the kernel"])
def test_close_when_more_was_sent(over_wire: Connect, unread: str) -> None:
    """When the peer has sent more, our side closes first, and reads and drops until it does."""
    talk = over_wire(keep_alive=False)
    first = b"one\n" + (b"more\n" if unread == "in the framer" else b"#" * (1 << 16))
    talk.say(first + b"\n")
    talk.clock.turn(3)
    assert talk.hear() == b"one\n"
    assert talk.heard_end
    assert talk.transport.connected
    talk.say(b"and more\n")
    assert talk.counters.dropped_bytes >= 9
    talk.peer.close()
    talk.clock.turn(2)
    assert not talk.transport.connected
    assert talk.counters.closed == {"answered": 1}
    assert talk.counters.messages == 1


def test_close_timeout_of_a_peer_that_stays(over_wire: Connect) -> None:
    """A peer that does not end its side is cut off after close_timeout."""
    talk = over_wire(keep_alive=False, close_timeout=5)
    talk.say(b"one\nmore\n")
    talk.clock.advance(4.9)
    assert talk.transport.connected
    talk.clock.advance(0.1)
    talk.clock.turn()
    assert not talk.transport.connected
    assert talk.counters.closed == {"answered": 1}


def test_close_gives_time_while_the_peer_reads(over_wire: Connect) -> None:
    """A peer that takes of what is still to be sent gets time for as long as it does."""
    talk = over_wire(always(BIG), keep_alive=False, close_timeout=5)
    talk.say(b"one\n")
    for _ in range(10):
        talk.clock.advance(4)
        assert talk.hear()
        talk.clock.turn()
    assert talk.transport.connected
    talk.clock.pump([1] * 36)
    talk.clock.turn()
    assert not talk.transport.connected


def test_drain_of_a_closing_connection(over_wire: Connect) -> None:
    """A connection that waits for the peer's end when it drains hears it, and is gone then."""
    talk = over_wire(keep_alive=False)
    talk.say(b"one\nmore\n")
    talk.clock.turn(3)
    drained = talk.factory.roster.drain(30)
    talk.peer.close()
    talk.clock.turn(3)
    assert drained.called
    assert talk.counters.closed == {"answered": 1}


def test_half_close_step(over_wire: Connect) -> None:
    """After `Close("half")` nothing more is sent; what comes is dropped until the peer ends."""
    talk = over_wire(by_message(bye=Reply(b"ciao", Close("half"))))
    talk.say(b"bye\nmore\n")
    talk.clock.turn(2)
    assert talk.hear() == b"ciao\n"
    assert talk.heard_end
    talk.say(b"still more\n")
    talk.session.send(b"never")
    assert talk.transport.connected
    assert (talk.counters.messages, talk.counters.replies) == (1, 1)
    assert talk.counters.dropped_bytes >= 11
    talk.finish_sending()
    talk.clock.turn(2)
    assert not talk.transport.connected
    assert talk.counters.closed == {"peer": 1}


@pytest.mark.parametrize("end", ["idle", "drained"])
def test_half_closed_until_idle_or_drained(over_wire: Connect, end: str) -> None:
    """A connection that a reply half-closed ends when it is idle, or drained."""
    talk = over_wire(always(Reply(Close("half"))), idle_timeout=60)
    talk.say(b"x\n")
    talk.clock.advance(59)
    assert talk.transport.connected
    talk.protocol.drain() if end == "drained" else talk.clock.advance(1)
    talk.clock.turn(2)
    assert not talk.transport.connected
    assert talk.counters.closed == {end: 1}


def test_reset_step(over_wire: Connect) -> None:
    """`Close("reset")` ends the connection at once."""
    talk = over_wire(always(Reply(Close("reset"))))
    talk.say(b"x\n")
    talk.clock.turn(2)
    assert not talk.transport.connected
    assert talk.counters.closed == {"reset": 1}


def test_slow_reader_stops_parsing(over_wire: Connect) -> None:
    """A peer that reads slower than it asks is not read beyond one read, nor are replies made."""
    talk = over_wire(always(b"y" * 50_000))
    for _ in range(50):
        talk.say(b"x\n")
    assert talk.counters.replies < 5
    assert talk.counters.received_bytes < 100
    heard = talk.hear_all()
    assert heard == (b"y" * 50_000 + b"\n") * 50
    assert talk.counters.replies == 50


def test_write_timeout_of_a_peer_that_takes_nothing(over_wire: Connect) -> None:
    """A peer that takes not one byte of the backlog is cut off."""
    talk = over_wire(always(BIG), write_timeout=30)
    talk.say(b"x\n")
    with capturedLogs() as events:
        talk.clock.advance(29.9)
        talk.clock.turn()
        assert talk.transport.connected
        talk.clock.advance(0.1)
        talk.clock.turn()
    assert not talk.transport.connected
    assert texts(events, "warn") == ["127.0.0.1:7 took more than 30 s: write_timeout"]
    assert talk.counters.closed == {"write_timeout": 1}


def test_write_timeout_with_progress(over_wire: Connect) -> None:
    """A peer that takes a little every now and then keeps its connection, until it stops."""
    talk = over_wire(always(BIG), write_timeout=30)
    talk.say(b"x\n")
    for _ in range(10):
        talk.clock.advance(20)
        assert talk.hear()
        talk.clock.turn()
    assert talk.transport.connected
    talk.clock.pump([1] * 34)
    talk.clock.turn()
    assert talk.counters.closed == {"write_timeout": 1}


def test_write_timeout_that_is_taken_away(over_wire: Connect) -> None:
    """A write_timeout of 0 is none, also for a peer that was looked at before."""
    talk = over_wire(always(BIG), write_timeout=30, idle_timeout=0)
    talk.say(b"x\n")
    talk.factory.roster.change_limits(Limits(write_timeout=0, idle_timeout=0))
    talk.clock.pump([1] * 100)
    talk.clock.turn()
    assert talk.transport.connected


def test_no_write_timeout_once_all_is_sent(over_wire: Connect) -> None:
    """A backlog that is gone leaves no deadline."""
    talk = over_wire(always(BIG), write_timeout=30, idle_timeout=0)
    talk.say(b"x\n")
    assert len(talk.hear_all()) == len(BIG) + 1
    talk.clock.advance(1000)
    assert talk.transport.connected


def test_not_idle_while_a_reply_is_sent(over_wire: Connect) -> None:
    """A reply that is on its way keeps the connection from being idle."""
    talk = over_wire(always(BIG), write_timeout=0, idle_timeout=60)
    talk.say(b"x\n")
    talk.clock.advance(1000)
    talk.clock.turn()
    assert talk.transport.connected
    assert len(talk.hear_all()) == len(BIG) + 1
    talk.clock.advance(59)
    assert talk.transport.connected


def test_drain_reads_once_more(over_wire: Connect) -> None:
    """A message that the kernel holds when the service drains is answered."""
    talk = over_wire()
    talk.peer.sendall(b"one\n")
    talk.protocol.drain()
    talk.clock.turn(2)
    assert talk.hear() == b"one\n"
    assert talk.heard_end
    assert talk.counters.closed == {"drained": 1}


def test_drain_reads_once_more_then_waits(over_wire: Connect) -> None:
    """A message that a drain finds may take its time."""
    talk = over_wire(always(Reply(Wait(1), b"later")))
    talk.peer.sendall(b"one\n")
    talk.protocol.drain()
    talk.clock.turn(2)
    assert talk.transport.connected
    talk.clock.advance(1)
    talk.clock.turn(2)
    assert talk.hear() == b"later\n"
    assert talk.counters.closed == {"drained": 1}


@pytest.mark.parametrize("last", [b"", b"one\n"])
def test_drain_after_the_peer_left(over_wire: Connect, last: bytes) -> None:
    """A peer that has left is no matter for a drain."""
    talk = over_wire()
    talk.peer.sendall(last)
    talk.peer.close()
    talk.protocol.drain()
    talk.clock.turn(3)
    assert not talk.transport.connected
    assert talk.counters.closed.total() == 1
    assert talk.counters.messages == len(last[:1])


def test_nothing_is_kept(over_wire: Connect) -> None:
    """A connection that is gone leaves no timer, and is known to nobody."""
    talk = over_wire()
    talk.say(b"one\n")
    talk.peer.close()
    talk.clock.turn(2)
    assert not talk.clock.getDelayedCalls()
    assert not talk.factory.roster.connections
    assert not talk.clock.readers


def test_close_waits_for_what_the_kernel_still_holds(over_wire: Connect) -> None:
    """A peer that reads on, slowly, has the whole reply, though all of it is with the kernel."""
    talk = over_wire(always(b"y" * 2000), keep_alive=False, close_timeout=5)
    talk.say(b"one\nmore\n")
    assert talk.transport.unsent == 0
    heard = b""
    for _ in range(4):
        talk.clock.pump([1] * 4)
        heard += talk.peer.recv(500)
        talk.clock.turn()
    assert heard == b"y" * 2000


def test_slow_reader_without_a_write_timeout(over_wire: Connect) -> None:
    """No write_timeout is no reason to cut a slow reader off while we close."""
    talk = over_wire(always(BIG), keep_alive=False, close_timeout=5, write_timeout=0)
    talk.say(b"one\n")
    for _ in range(10):
        talk.clock.pump([1] * 4)
        assert talk.hear()
        talk.clock.turn()
    assert talk.transport.connected


def test_peer_that_leaves_a_stall_that_it_has_not_read(over_wire: Connect) -> None:
    """A stalled connection ends with its peer, also when more was unsent than it took."""
    talk = over_wire(always(Reply(Raw(BIG), Stall())), idle_timeout=0)
    talk.say(b"one\n")
    talk.hear_all()
    talk.finish_sending()
    talk.clock.turn(3)
    assert not talk.transport.connected


@pytest.mark.parametrize("read", [True, False])
def test_what_a_stalled_connection_takes(over_wire: Connect, read: bool) -> None:
    """By default it takes and drops whatever is sent; without reading the peer has to stop."""
    talk = over_wire(always(Reply(Stall(read=read))), idle_timeout=0)
    talk.say(b"x\n")
    sent = 0
    for _ in range(200):
        with suppress(BlockingIOError):
            sent += talk.peer.send(bytes(65_536))
        talk.clock.turn()
    assert (sent == talk.counters.dropped_bytes > 10_000_000) == read
    assert (sent < 1_000_000) != read
