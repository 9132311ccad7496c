"""Fair turns among peers, when only so many things may happen at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Protocol, Self

from twisted.internet.defer import Deferred


class Turns:
    """Gives out a limited number of turns, of which no peer can take all.

    A turn goes to the peer that has the fewest at that time; among equals, to the one that has
    waited longest. `share` of them are kept for peers that have fewer than `share`: however many
    a peer asks for, there is one left for the next peer.

    Args:
        at_once: How many there are.
        share: How many of them are reserved for peers that have fewer turns than this.
    """

    def __init__(self, at_once: int, share: int) -> None:
        self._at_once = at_once
        self._share = share
        self._taken: Counter[Hashable] = Counter()  # by peer, 0 for none of them
        self._all_taken = 0
        # What waits, by peer, and those peers by how many turns they have: the next to get one is
        # the first of the first that are not empty.
        self._waiting: dict[Hashable, dict[Deferred[None], None]] = {}
        self._peers: list[dict[Hashable, None]] = [{} for _ in range(at_once + 1)]

    def take(self, peer: Hashable) -> Deferred[None]:
        """Wait for a turn, which has to be given back.

        Returns:
            Fires when it has come. To cancel it is to want none any more.
        """
        turn: Deferred[None] = Deferred(lambda turn: self._leave(peer, turn))
        if peer not in self._waiting:
            self._waiting[peer] = {}
            self._peers[self._taken[peer]][peer] = None
        self._waiting[peer][turn] = None
        self._give()
        return turn

    def give_back(self, peer: Hashable) -> None:
        """Take back a turn that the peer no longer needs."""
        self._count(peer, -1)
        self._give()

    def _give(self) -> None:
        """Give out free turns to those that are next."""
        while peers := self._next():
            peer = next(iter(peers))
            turn = next(iter(self._waiting[peer]))
            self._leave(peer, turn)
            self._count(peer, 1)
            turn.callback(None)

    def _next(self) -> dict[Hashable, None] | None:
        """The peers of which the first gets the next turn; None or empty: nobody does."""
        if self._all_taken == self._at_once:
            return None
        kept = self._all_taken >= self._at_once - self._share
        return next(filter(None, self._peers[: self._share] if kept else self._peers), None)

    def _count(self, peer: Hashable, more: int) -> None:
        waits = peer in self._waiting
        before = self._taken[peer]
        self._all_taken += more
        self._taken[peer] += more
        if not self._taken[peer]:
            del self._taken[peer]
        if waits:
            del self._peers[before][peer]
            self._peers[before + more][peer] = None

    def _leave(self, peer: Hashable, turn: Deferred[None]) -> None:
        waiting = self._waiting[peer]
        del waiting[turn]
        if not waiting:
            del self._waiting[peer]
            del self._peers[self._taken[peer]][peer]


class TakesTurns(Protocol):
    """What waits for turns, and may share those of something that was there before it."""

    def share(self, other: Self) -> None:
        """Wait for the same turns from now on."""
