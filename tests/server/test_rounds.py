"""Rounds: what is found by looking, since no event tells of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from sockreply.conversation.states import PACED
from sockreply.replies import Reply, Stall, Wait
from sockreply.server.rounds import IN_A_TURN, PAUSE, Rounds
from sockreply.server.transport import SendsAtOnceUNIX
from sockreply.settings import PeerLimits, Rate
from tests.server.stand_ins import WireTalk, always, by_message, texts

Connect = Callable[..., WireTalk]
LITTLE = b"x" * 1000
"""So little that the kernel takes it at once."""


class Noted:
    """A connection that counts the looks at it."""

    def __init__(self) -> None:
        self.looks = 0

    def look_at_peer(self) -> None:
        self.looks += 1


class Few:
    """A roster of these."""

    def __init__(self, count: int) -> None:
        self.connections: set[Any] = {Noted() for _ in range(count)}

    def looks(self) -> int:
        """At all of them."""
        return sum(each.looks for each in self.connections)


def turn(clock: Clock) -> None:
    """Call what is due, but not what that asks to be called in the next turn."""
    call = clock.calls[0]
    assert call.getTime() <= clock.seconds()
    clock.calls.remove(call)
    call.called = 1
    call.func(*call.args, **call.kw)


def test_looks_at_everybody_once_a_round() -> None:
    """Each connection is looked at about once a second, few at a time."""
    clock, roster = Clock(), Few(2 * IN_A_TURN + 1)
    rounds = Rounds(roster, clock)  # type: ignore[arg-type] # it has what is needed
    rounds.start()
    rounds.start()
    clock.rightNow += PAUSE
    for looks in (IN_A_TURN, 2 * IN_A_TURN, 2 * IN_A_TURN + 1):
        turn(clock)
        assert roster.looks() == looks
    assert {each.looks for each in roster.connections} == {1}
    clock.advance(PAUSE / 2)
    assert roster.looks() == len(roster.connections)
    clock.advance(PAUSE / 2)
    assert roster.looks() == 2 * len(roster.connections)
    rounds.stop()
    assert clock.getDelayedCalls() == []
    rounds.stop()


def test_looks_at_nobody_who_has_gone() -> None:
    """A connection that goes during a round is not looked at any more."""
    clock, roster = Clock(), Few(IN_A_TURN + 1)
    rounds = Rounds(roster, clock)  # type: ignore[arg-type] # it has what is needed
    rounds.start()
    clock.rightNow += PAUSE
    turn(clock)
    (gone,) = [each for each in roster.connections if not each.looks]
    roster.connections.remove(gone)
    turn(clock)
    assert gone.looks == 0


def go_round(talk: WireTalk, seconds: float) -> None:
    """Let time pass, with a look each second."""
    for _ in range(int(seconds)):
        talk.clock.advance(1)
        if talk.protocol in talk.factory.roster.connections:
            talk.protocol.look_at_peer()
        talk.clock.turn()


def test_who_takes_nothing_of_what_the_kernel_has(over_wire: Connect) -> None:
    """A peer that takes nothing is cut off though the kernel has taken the whole reply."""
    talk = over_wire(always(LITTLE), write_timeout=30, idle_timeout=0)
    talk.say(b"x\n")
    assert talk.transport.unsent == 0
    with capturedLogs() as events:
        go_round(talk, 30)
        assert talk.transport.connected
        go_round(talk, 3)
    assert texts(events, "warn") == ["127.0.0.1:7 took more than 30 s: write_timeout"]
    assert talk.counters.closed == {"write_timeout": 1}


def test_who_takes_it_in_the_end(over_wire: Connect) -> None:
    """A peer that has taken everything is not looked for any more, until it gets more."""
    talk = over_wire(always(LITTLE), write_timeout=30, idle_timeout=0)
    for _ in range(3):
        talk.say(b"x\n")
        go_round(talk, 20)
        assert len(talk.hear()) == len(LITTLE) + 1
        go_round(talk, 40)
    assert talk.transport.connected
    assert not talk.transport.awaits_acknowledgement()


def test_no_write_timeout_no_looks(over_wire: Connect) -> None:
    """With a write_timeout of 0 a peer may take nothing for ever."""
    talk = over_wire(always(LITTLE), write_timeout=0, idle_timeout=0)
    talk.say(b"x\n")
    go_round(talk, 1000)
    assert talk.transport.connected


def test_unix_sockets_acknowledge_nothing(over_wire: Connect) -> None:
    """What waits in a UNIX socket is the peer's, which may read it when it likes."""
    talk = over_wire(always(LITTLE))
    talk.say(b"x\n")
    assert talk.transport.awaits_acknowledgement()
    assert not SendsAtOnceUNIX.awaits_acknowledgement(talk.transport)


@pytest.mark.parametrize(
    "reply", [Reply(Wait(100), b"later"), Reply(Stall(read=False))], ids=["waits", "stalls"]
)
@pytest.mark.parametrize("unread", [b"", b"one\n", b"one\ntwo\n" * 10_000])
def test_who_has_left(over_wire: Connect, reply: Reply, unread: bytes) -> None:
    """A peer that leaves for good while it is not read, or has half-closed, ends its reply."""
    talk = over_wire(by_message(ask=reply), idle_timeout=0, reply_timeout=0)
    talk.say(b"ask\n")
    talk.say(unread[:4]) if unread else None
    talk.clock.turn()
    if unread[4:]:
        talk.peer.send(unread[4:])
    talk.peer.close()
    talk.clock.turn(2)
    assert talk.transport.connected
    go_round(talk, 2)
    assert not talk.transport.connected
    assert talk.counters.closed.total() == 1
    assert talk.clock.getDelayedCalls() == []


def test_who_has_only_half_left(over_wire: Connect) -> None:
    """A half-close is no reason to end anything."""
    talk = over_wire(by_message(ask=Reply(Wait(10), b"later")))
    talk.say(b"ask\n")
    talk.finish_sending()
    go_round(talk, 9)
    assert talk.transport.connected
    go_round(talk, 1)
    assert talk.hear() == b"later\n"


def test_who_has_left_and_owes_nothing_to_wait_for(over_wire: Connect) -> None:
    """What a peer has sent before it leaves is dealt with, where nothing has to be waited for."""
    talk = over_wire(always(b""), max_message=100)
    talk.peer.sendall(b"x\n" * 1000)
    talk.peer.close()
    for _ in range(100):
        talk.clock.turn()
        if talk.protocol in talk.factory.roster.connections:
            talk.protocol.look_at_peer()
    assert talk.counters.messages == 1000


def test_who_has_left_while_held_back(over_wire: Connect) -> None:
    """A peer that is held back by its limits is not read, and yet noticed when it leaves."""
    talk = over_wire(idle_timeout=0, per_peer=PeerLimits(messages=Rate(1, 1)))
    for _ in range(3):
        talk.say(b"x\n" * 3)
    assert talk.protocol._answering.held & PACED
    talk.peer.close()
    talk.clock.turn(2)
    assert talk.transport.connected
    talk.protocol.look_at_peer()
    talk.clock.turn()
    assert not talk.transport.connected
