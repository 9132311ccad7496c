"""Where a connection's dialogue stands, and what may happen to it there.

Two things together say where it stands. Its *state* is one of those below; `TABLE` says which event
leads from which state to which. Its *holds* are the reasons why the next message has to wait. Any
number of them may apply at once; each has one event that sets it and one that lifts it.

The state says what becomes of what the peer sends::

    OPEN, DRAINING              it is read and answered
    PAUSED, DRAINING_PAUSED     it is not read until what was read before is answered
    STALLED_PAUSED              it is never read again
    HALF_CLOSED                 nothing more arrives; what arrived before is answered
    STALLED, CLOSING, GONE      it is dropped
"""

from __future__ import annotations

from enum import IntEnum


class State(IntEnum):
    """How far a dialogue has come. From `STALLED` on, nothing more is answered."""

    OPEN = 0
    """Messages are read and answered."""

    PAUSED = 1
    """A read is kept that cannot be answered yet, so no more is read."""

    HALF_CLOSED = 2
    """The peer sends no more. It gets the replies that it is owed, and then we close."""

    DRAINING = 3
    """The service stops. What has arrived is answered, and then we close."""

    DRAINING_PAUSED = 4
    """The service stops, and a read is kept that cannot be answered yet."""

    STALLED = 5
    """A reply asked for silence, or for a half-close: we wait for the peer to end."""

    STALLED_PAUSED = 6
    """The same, and what the peer sends is not even read."""

    CLOSING = 7
    """We have ended the dialogue. What was sent before may still be on its way."""

    GONE = 8
    """There is no connection any more."""


class Event(IntEnum):
    """What happens to a dialogue as a whole."""

    PAUSE = 0
    """A read has to wait."""

    RESUME = 1
    """All that was read is answered."""

    PEER_ENDS = 2
    """The peer sends no more."""

    DRAIN = 3
    """The service stops."""

    STALL = 4
    """A reply asks to send nothing more; again when the peer has taken what was unsent."""

    STALL_PAUSED = 5
    """The same, and to read nothing more."""

    CLOSE = 6
    """We end the connection, for whatever reason."""

    LOSE = 7
    """The connection is gone."""


# The same again as plain names, which are found much faster than what an enumeration has.
OPEN, PAUSED, HALF_CLOSED, DRAINING, DRAINING_PAUSED, STALLED, STALLED_PAUSED, CLOSING, GONE = State
PAUSE, RESUME, PEER_ENDS, DRAIN, STALL, STALL_PAUSED, CLOSE, LOSE = Event


def _table() -> dict[State, dict[Event, State]]:
    no = None  # cannot happen
    half, kept, mute = HALF_CLOSED, DRAINING_PAUSED, STALLED_PAUSED
    # fmt: off
    # Columns are easier to compare than lines.
    rows = {
        # in       PAUSE   RESUME    PEER_ENDS DRAIN     STALL    STALL_PAUSED CLOSE    LOSE
        OPEN:     (PAUSED, no,       half,     DRAINING, STALLED, mute,        CLOSING, GONE),
        PAUSED:   (no,     OPEN,     half,     kept,     STALLED, mute,        CLOSING, GONE),
        half:     (no,     no,       half,     half,     CLOSING, CLOSING,     CLOSING, GONE),
        DRAINING: (kept,   no,       half,     DRAINING, CLOSING, CLOSING,     CLOSING, GONE),
        kept:     (no,     DRAINING, half,     kept,     CLOSING, CLOSING,     CLOSING, GONE),
        STALLED:  (no,     no,       CLOSING,  CLOSING,  STALLED, no,          CLOSING, GONE),
        mute:     (no,     no,       CLOSING,  CLOSING,  no,      mute,        CLOSING, GONE),
        CLOSING:  (no,     no,       CLOSING,  no,       no,      no,          no,      GONE),
        GONE:     (no,     no,       no,       no,       no,      no,          no,      no),
    }
    # fmt: on
    return {
        state: {event: to for event, to in zip(Event, row, strict=True) if to is not None}
        for state, row in rows.items()
    }


TABLE = _table()
"""The next state, by the present one and the event. A pair that is missing cannot happen: if it
does, the mistake is ours, and the `KeyError` ends the connection."""

# The holds: what can keep the next message waiting.

ANSWERING = 1
"""The message before it is being answered: set when a turn begins, lifted when it ends."""

UNSENT = 2
"""So much waits to be sent that nothing may be added: set and lifted by the transport."""

WAITING = 4
"""A reply is under way: set when its first step is carried out, lifted after its last."""

NEXT_TURN = 8
"""The connection has had its turn of the loop: set at the end of that, lifted in the next one."""

ENDED = 16
"""Nothing more is answered: set with `CLOSING` and `GONE`, never lifted."""

ASIDE = 32
"""Something that answers no message goes first: set while answering, lifted when it is sent."""

LAST = 64
"""The last message to be answered has been: set without keep-alive, never lifted."""

PACED = 128
"""The peer exceeded one of its limits: set by the framer, lifted at the peer's next turn."""


class Standing:
    """Where one dialogue stands."""

    __slots__ = ("held", "state")

    state: State
    """How far it has come."""

    held: int
    """The holds that apply."""

    def __init__(self) -> None:
        self.state = OPEN
        self.held = 0

    def leads_to(self, event: Event) -> State:
        """The state that an event would lead to."""
        return TABLE[self.state][event]

    def happened(self, event: Event) -> None:
        """Change to the state that the table has for an event."""
        self.state = TABLE[self.state][event]

    @property
    def reads(self) -> bool:
        """Is what the peer sends read, and made into messages?"""
        return self.state is OPEN or self.state is DRAINING

    @property
    def paused(self) -> bool:
        """Is what the peer sends left waiting?"""
        return self.state in (PAUSED, DRAINING_PAUSED, STALLED_PAUSED)

    @property
    def drains(self) -> bool:
        """Is the service stopping, while what has arrived is still being answered?"""
        return self.state is DRAINING or self.state is DRAINING_PAUSED
