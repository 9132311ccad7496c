"""The table of states and events: every pair of it, on a connection."""

from __future__ import annotations

from itertools import product

import pytest

from sockreply.conversation.states import TABLE, Event, Standing, State
from sockreply.replies import Close, Reply, Stall, Wait
from tests.server.stand_ins import Talk, by_message

Step = tuple[State, Event]

OWED = {Event.STALL: b"stalls\n", Event.STALL_PAUSED: b"mutes\n"}
"""What a connection owes when the event comes: by default, a reply that waits."""


class NotingRow(dict[Event, State]):
    """A row of the table that notes what is looked up in it.

    Args:
        state: Whose row it is.
        steps: Takes the pairs.
    """

    def __init__(self, state: State, steps: list[Step]) -> None:
        super().__init__(TABLE[state])
        self._state = state
        self._steps = steps

    def __getitem__(self, event: Event) -> State:
        self._steps.append((self._state, event))
        return super().__getitem__(event)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """The steps of the table that are asked for."""
    steps: list[Step] = []
    for state in State:
        monkeypatch.setitem(TABLE, state, NotingRow(state, steps))
    return steps


def talk() -> Talk:
    """A connection that has just been made."""
    replies = {
        "waits": Reply(Wait(1), b"done"),
        "stalls": Reply(Wait(1), Stall()),
        "stall": Reply(Stall()),
        "mutes": Reply(Wait(1), Stall(read=False)),
        "mute": Reply(Stall(read=False)),
        "close": Reply(Close()),
    }
    return Talk(by_message(**replies), idle_timeout=0)


def greeted() -> Talk:
    """A connection whose greeting is on its way, so that it may still say its first message."""
    return Talk(greeting=Reply(Wait(0.5), b"hello"))


def arrive(state: State, event: Event) -> Talk:
    """A connection in a state."""
    owed = OWED.get(event, b"waits\n")
    made = greeted() if (state, event) == (State.DRAINING_PAUSED, Event.RESUME) else talk()
    match state:
        case State.PAUSED:
            made.say(owed, b"more\n")
        case State.HALF_CLOSED:
            made.say(owed)
            made.finish_sending()
        case State.DRAINING:
            made.protocol.drain()
        case State.DRAINING_PAUSED:
            if event is not Event.RESUME:
                made.say(owed)
            made.protocol.drain()
        case State.STALLED:
            made.say(b"stall\n")
        case State.STALLED_PAUSED:
            made.say(b"mute\n")
        case State.CLOSING:
            made.say(b"close\n")
        case State.GONE:
            made.leave()
    return made


def happen(made: Talk, state: State, event: Event) -> None:
    """Let it happen to the connection, as a peer, the service or the clock does."""
    match event:
        case Event.PAUSE:
            made.say(b"waits\n", b"more\n")
        case Event.RESUME:
            made.clock.advance(1 if state is State.PAUSED else 0.5)
        case Event.PEER_ENDS:
            made.finish_sending()
        case Event.DRAIN:
            made.protocol.drain()
        case Event.STALL | Event.STALL_PAUSED if state in (State.STALLED, State.STALLED_PAUSED):
            made.take_nothing()
            made.take_all()
        case Event.STALL | Event.STALL_PAUSED:
            if state in (State.OPEN, State.DRAINING):
                made.say(OWED[event])
            made.clock.advance(1)
        case Event.CLOSE:
            made.protocol.close("test")
        case Event.LOSE:
            made.leave()


@pytest.mark.parametrize(("state", "event"), [*product(State, Event)], ids=lambda each: each.name)
def test_pair(taken: list[Step], state: State, event: Event) -> None:
    """Each pair of the table comes about, and no other does, whatever happens."""
    made = arrive(state, event)
    standing = Standing()
    standing.state = state
    if state is not State.GONE:  # of which nothing is left to happen to
        assert made.protocol._answering.state is state
        taken.clear()
        happen(made, state, event)
    assert ((state, event) in taken) == (event in TABLE[state])
    if event in TABLE[state]:
        assert standing.leads_to(event) is TABLE[state][event]
        standing.happened(event)
        assert standing.state is TABLE[state][event]
    else:
        with pytest.raises(KeyError):
            standing.happened(event)


def test_every_way_ends() -> None:
    """From every state a connection can be closed, and is gone in the end; from there, no more."""
    for state, row in TABLE.items():
        if state is State.GONE:
            assert not row
        else:
            assert row[Event.LOSE] is State.GONE
            assert state is State.CLOSING or row[Event.CLOSE] is State.CLOSING


def test_states_are_told_apart() -> None:
    """What is read, left to wait, or finished can be asked of every state."""
    told = {}
    for state in State:
        standing = Standing()
        standing.state = state
        told[state] = (standing.reads, standing.paused, standing.drains)
    assert told.pop(State.OPEN) == (True, False, False)
    assert told.pop(State.PAUSED) == (False, True, False)
    assert told.pop(State.DRAINING) == (True, False, True)
    assert told.pop(State.DRAINING_PAUSED) == (False, True, True)
    assert told.pop(State.STALLED_PAUSED) == (False, True, False)
    assert set(told.values()) == {(False, False, False)}
