"""Token buckets, one for each peer, of which only so many are remembered.

A bucket is a single number: the time at which it will be full again. Each token that is taken moves
that time on. A bucket that is full is as good as none, so those are forgotten first. If there are
too many others, the one that will be full soonest is forgotten, because its peer has asked for
least; one whose peer wanted more than there was is remembered for as long again.

A peer that is not known begins with as much taken as one that was forgotten, so that peers which
push each other out gain nothing by that. It has one token in any case: however many others come,
it gets its first turn.

The keys are also kept in slots of time, by when their buckets may be forgotten. The earliest is
found without a search through all of them.
"""

from __future__ import annotations

from heapq import heappop, heappush

from sockreply.settings import Rate

MOST_PEERS = 16_000
"""How many buckets are remembered, in up to 5 MiB; for a few more, Python's sets would double."""

SLOTS = 64
"""How many slots there are for the time in which an empty bucket fills: buckets that differ by less
are forgotten in any order."""

LEAST_SLOT = 0.001
"""Seconds that a slot has at least: at high rates, finer ones would only cost time."""

SLACK = 1e-6
"""Seconds by which a token may be early, because sums of seconds are not exact; at high rates it is
a hundredth of the time for a token."""


class Buckets:
    """The buckets of all peers under one limit.

    Args:
        rate: How fast buckets fill, and how many tokens each holds.
        most: How many are remembered; None: as many as usual.
    """

    def __init__(self, rate: Rate, most: int | None = None) -> None:
        self._most = MOST_PEERS if most is None else most
        self._full_at: dict[int, float] = {}
        self._forgotten = 0.0  # when the last one that was forgotten would have been full
        self._set(rate)

    def __len__(self) -> int:
        return len(self._full_at)

    def change(self, rate: Rate, now: float) -> None:
        """Go on with another rate: tokens that are missing stay so, as many as a bucket holds."""
        before = self._token_seconds
        self._set(rate)

        def changed(full_at: float) -> float:
            missing = (full_at - now) / before
            return now + min(missing * self._token_seconds, self._fills_in)

        self._forgotten = changed(self._forgotten)
        left = {key: changed(full_at) for key, full_at in self._full_at.items() if full_at > now}
        self._full_at = left
        for key, full_at in left.items():
            self._slot(full_at).add(key)

    def _set(self, rate: Rate) -> None:
        self._token_seconds = 1 / rate.per_second
        self._fills_in = rate.burst * self._token_seconds
        self._slack = min(SLACK, self._token_seconds / 100)
        self._slot_seconds = max(self._fills_in / SLOTS, LEAST_SLOT)
        self._slots: dict[int, set[int]] = {}  # a set lets go of any, not of the newest
        self._order: list[int] = []  # the numbers of the slots, as a heap

    def ready_in(self, key: int, now: float) -> float:
        """Seconds until there is a token; 0: there is one.

        Args:
            key: The peer's.
            now: The time, in seconds from any beginning. It never goes back.
        """
        before = self._full_at.get(key)
        full_at = self._of_unknown(now) if before is None else max(before, now)
        seconds = full_at + self._token_seconds - self._fills_in - now
        return seconds - self._slack / 2 if seconds > self._slack else 0.0

    def take(self, key: int, tokens: int, now: float, *, whole: bool = False) -> bool:
        """Take tokens out of a bucket, if there is one at all. Was there?

        Args:
            key: The peer's.
            tokens: How many. If there are fewer, the bucket owes them, and fills later.
            now: As for `ready_in`.
            whole: Take none unless there are so many.
        """
        before = self._full_at.get(key)
        full_at = self._of_unknown(now) if before is None else max(before, now)
        after = full_at + tokens * self._token_seconds
        needed = after if whole else full_at + self._token_seconds
        longer = self._fills_in
        if needed - longer - now > self._slack:
            if before is not None and not self._wants_more(key, before):
                self._move(key, before, before + longer)
            return False
        if before is None:
            self._forget(now, self._most - 1)
            self._slot(after).add(key)
        elif not self._wants_more(key, before):
            self._move(key, before, after)
        else:  # until its bucket has been full, it is one that wants more
            self._move(key, before + longer, after + longer if before > now else after)
        self._full_at[key] = after
        self._forget(now, self._most)
        return True

    def _of_unknown(self, now: float) -> float:
        """When the bucket of a peer that is not known will be full."""
        return min(max(self._forgotten, now), now + self._fills_in - self._token_seconds)

    def _wants_more(self, key: int, full_at: float) -> bool:
        """Did a peer want more than there was, so that it is remembered longer?"""
        slot = self._slots.get(int((full_at + self._fills_in) / self._slot_seconds))
        return slot is not None and key in slot

    def _move(self, key: int, old: float, new: float) -> None:
        """Remember a bucket until another time."""
        if int(old / self._slot_seconds) != int(new / self._slot_seconds):
            self._slots[int(old / self._slot_seconds)].remove(key)
            self._slot(new).add(key)

    def _slot(self, until: float) -> set[int]:
        """The keys of the buckets that may be forgotten about then."""
        number = int(until / self._slot_seconds)
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = set()
            heappush(self._order, number)
        return slot

    def _forget(self, now: float, most: int) -> None:
        """Forget two that are full, as far as there are; else the next one, if there are too many.

        Args:
            now: The time.
            most: How many may be left.
        """
        for _ in range(2):
            while self._order and not self._slots[self._order[0]]:
                del self._slots[heappop(self._order)]
            if not self._order:
                return
            number = self._order[0]
            is_full = (number + 1) * self._slot_seconds <= now
            if not is_full and len(self._full_at) <= most:
                return
            full_at = self._full_at.pop(self._slots[number].pop())
            self._forgotten = max(self._forgotten, full_at)
