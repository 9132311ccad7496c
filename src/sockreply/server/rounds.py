"""Rounds: regular checks of all connections of a service, for what causes no event."""

from __future__ import annotations

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from sockreply.server.roster import Member, Roster

PAUSE = 1.0
"""Seconds between two rounds: for so long, a command may run for a peer that has left."""

IN_A_TURN = 500
"""Connections that are looked at in one turn of the loop, which takes half a millisecond."""


class Rounds:
    """Looks at each connection of a roster about once a second.

    Nothing tells of a peer that has left while we do not read from it, nor of one that does not
    acknowledge what the kernel has already taken from us.

    Args:
        roster: Knows the connections.
        clock: Tells when it is time.
    """

    def __init__(self, roster: Roster, clock: IReactorTime) -> None:
        self._roster = roster
        self._clock = clock
        self._call: IDelayedCall | None = None
        self._left: list[Member] = []  # of this round

    def start(self) -> None:
        """Begin, unless that is done."""
        if self._call is None:
            self._call = self._clock.callLater(PAUSE, self._go)

    def stop(self) -> None:
        """Look no more."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    def _go(self) -> None:
        if not self._left:
            self._left = list(self._roster.connections)
        now, self._left = self._left[:IN_A_TURN], self._left[IN_A_TURN:]
        self._call = self._clock.callLater(0 if self._left else PAUSE, self._go)
        for connection in now:
            if connection in self._roster.connections:  # it has not gone since the round began
                connection.look_at_peer()
