"""When messages arrived, and as which bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple, cast

from twisted.internet.interfaces import IReactorTime

from sockreply.framing.interfaces import Framer, Framing, SpeakingFramer, SwitchingFramer


class Arrival(NamedTuple):
    """How a message arrived.

    Args:
        time: When its last byte was read, in seconds of the clock; None: just now.
        at: How many bytes of the connection came before it; None: not measured.
        wire: The message with what framed it; None: not kept.
    """

    time: float | None = None
    at: int | None = None
    wire: bytes | None = None


NOW = Arrival()


class Reads:
    """When the bytes were read that may not have been handed out yet."""

    __slots__ = ("_held", "_reads")

    def __init__(self) -> None:
        self._reads: deque[tuple[int, float]] = deque()
        self._held = 0

    def came(self, size: int, time: float) -> None:
        """Note how many bytes were read, and when, in seconds."""
        self._reads.append((size, time))
        self._held += size

    def none_complete(self) -> None:
        """No message ends in what was read: forget all but the time of the last read."""
        reads = self._reads
        if len(reads) > 1:
            last = reads[-1][1]
            reads.clear()
            reads.append((self._held, last))

    def time_before(self, left: int) -> float | None:
        """When the byte was read that `left` more bytes followed; None: it is not known."""
        reads = self._reads
        while len(reads) > 1 and self._held - reads[0][0] > left:
            self._held -= reads.popleft()[0]
        return reads[0][1] if reads else None


class TappedFramer:
    """A framer that knows when its messages came, and which bytes they were.

    Args:
        framer: Makes the messages.
        clock: Tells when a read comes.
        tell: Called with bytes that belong to no message, and where they stood.
    """

    __slots__ = ("_at", "_clock", "_dropped", "_framer", "_reads", "_tell", "_unread", "arrival")

    ready = ()
    empty = False

    arrival: Arrival
    """How the last message that was handed out arrived."""

    def __init__(
        self, framer: Framer, clock: IReactorTime, tell: Callable[[int, bytes], None]
    ) -> None:
        self._framer = framer
        self._clock = clock
        self._tell = tell
        self._reads = Reads()
        self._unread = bytearray()
        self._at = 0  # of the first unread byte
        self._dropped = 0
        self.arrival = NOW

    @property
    def silence(self) -> float | None:
        return self._framer.silence

    @property
    def buffered(self) -> int:
        return self._framer.buffered

    @property
    def dropped(self) -> int:
        return self._framer.dropped

    def rest(self) -> bytes:
        return bytes(self._unread)

    @property
    def at(self) -> int:
        """How many bytes came before the first that was not handed out."""
        return self._at

    def receive_data(self, data: bytes) -> None:
        self._reads.came(len(data), self._clock.seconds())
        self._unread += data
        self._framer.receive_data(data)

    def receive_eof(self) -> None:
        self._framer.receive_eof()

    def receive_silence(self) -> None:
        self._framer.receive_silence()

    def take(self, data: bytes) -> None:
        """Each message is looked at."""

    def said(self) -> bytes:
        return cast(SpeakingFramer, self._framer).said()

    def switch(self, framing: Framing | None) -> Framing:
        return cast(SwitchingFramer, self._framer).switch(framing)

    def ignore(self, data: bytes) -> None:
        """Count what arrived once no more was answered."""
        unread = self._take(len(self._unread)) if self._unread else b""
        at, self._at = self._at, self._at + len(data)
        self._tell(at - len(unread), unread + data)

    def start_again(self, framer: Framer, before: bytes = b"", after: bytes = b"") -> None:
        """Report what is unread as dropped, and go on with another framer.

        Args:
            framer: That one.
            before: What was handed out, but goes no further: it is dropped as well.
            after: What was not even given to this.
        """
        at = self._at - len(before)
        dropped = before + self._take(len(self._unread)) + after
        self._at += len(after)
        if dropped:
            self._tell(at, dropped)
        self._framer = framer
        self._reads = Reads()
        self._dropped = 0

    def next_message(self) -> bytes | None:
        message = self._framer.next_message()
        dropped = self._framer.dropped
        if dropped != self._dropped:
            at = self._at
            self._tell(at, self._take(dropped - self._dropped))
            self._dropped = dropped
        if message is not None:
            left = self._framer.buffered
            at, wire = self._at, self._take(len(self._unread) - left)
            self.arrival = Arrival(self._reads.time_before(left), at, wire)
        else:
            self._reads.none_complete()
            self.tell_passed_over()
        return message

    def tell_passed_over(self) -> None:
        """Report bytes that are not dropped and yet in no message, such as a late end of a line."""
        size = len(self._unread) - self._framer.buffered
        if size > 0:
            at = self._at
            self._tell(at, self._take(size))

    def _take(self, size: int) -> bytes:
        taken = bytes(self._unread[:size])
        del self._unread[:size]
        self._at += len(taken)
        return taken


def rest_of(framer: Framer) -> bytes:
    """What arrived and was not handed out, as it was; a user's own framer may not know."""
    rest = getattr(framer, "rest", None)
    return b"" if rest is None else rest()
