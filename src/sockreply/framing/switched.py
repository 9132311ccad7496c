"""Connections whose framing changes on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sockreply.framing.buffer import hand_over, missing_in, one_at_a_time, without_late
from sockreply.framing.interfaces import Framing
from sockreply.framing.message import Message, come_in
from sockreply.framing.together import facts_in_any


class SwitchedFramer:
    """Gives what it receives to the framer of the present framing.

    Args:
        framing: The present one.
        otherwise: The one that applies if `switch` names none.
        max_message: The most bytes that a message may have.
    """

    __slots__ = (
        *(
            "_dropped",
            "_end",
            "_ended",
            "_framer",
            "_framing",
            "_late",
            "_max_message",
            "_otherwise",
        ),
    )

    ready = ()
    empty = False

    def __init__(self, framing: Framing, otherwise: Framing, max_message: int) -> None:
        self._framing = framing
        self._otherwise = otherwise
        self._framer = one_at_a_time(framing.framer(max_message))
        self._max_message = max_message
        self._end = b""  # what ended the last message
        self._dropped = 0  # by those before
        self._ended = False
        self._late: tuple[bytes, ...] = ()  # what may still come of an end that is not this one's

    def switch(self, framing: Framing | None) -> Framing:
        framing = self._otherwise if framing is None else framing
        if framing != self._framing:
            before = self._framer
            self._late = getattr(before, "late", ()) or self._late
            fresh = framing.framer_after(self._end, self._max_message)
            self._framer, self._framing = one_at_a_time(fresh), framing
            self._dropped += before.dropped
            hand_over(before, self._framer)
            if self._ended:
                self._framer.receive_eof()
        return framing

    @property
    def silence(self) -> float | None:
        return self._framer.silence

    @property
    def buffered(self) -> int:
        return self._framer.buffered

    @property
    def dropped(self) -> int:
        return self._dropped + self._framer.dropped

    def rest(self) -> bytes:
        return self._framer.rest()

    def missing(self) -> str:
        """See `Framer`."""
        return missing_in(self._framer)

    def said(self) -> bytes:
        said: Callable[[], bytes] | None = getattr(self._framer, "said", None)
        return b"" if said is None else said()

    def receive_data(self, data: bytes) -> None:
        if self._late:
            data, self._late = without_late(data, self._late)
        if data:
            self._framer.receive_data(data)

    def receive_eof(self) -> None:
        self._ended = True
        self._framer.receive_eof()

    def receive_silence(self) -> None:
        self._framer.receive_silence()

    def next_message(self) -> Message | None:
        message = self._framer.next_message()
        if message is None:
            return None
        known = come_in(self._framing, message)
        self._end = (known.framing or self._framing).mark_after(known)
        return known


@dataclass(frozen=True)
class Switched(Framing):
    """A framing that a connection may change: see `Session.switch`.

    A message is answered in the framing in which it came.

    Args:
        framing: Connections begin with it.
        otherwise: `Session.switch(None)` leads to it.
        others: The others that connections may change to.
    """

    framing: Framing
    otherwise: Framing
    others: tuple[Framing, ...] = ()

    _tried: set[int] = field(init=False, repr=False, compare=False, default_factory=set)
    """The limits of messages for which all framings have made a framer."""

    varies = True
    switches = True

    @property
    def name(self) -> str:
        return self.otherwise.name

    def describe(self) -> Iterator[str]:
        return self.otherwise.describe()

    @property
    def all(self) -> tuple[Framing, ...]:
        """Each framing that a connection may have."""
        found: list[Framing] = []
        for each in (self.framing, self.otherwise, *self.others):
            if each not in found:
                found.append(each)
        return tuple(found)

    @property
    def speaks(self) -> bool:
        return any(each.speaks for each in self.all)

    @property
    def binary(self) -> bool:
        return self.otherwise.binary

    def framer(self, max_message: int) -> SwitchedFramer:
        if max_message not in self._tried:
            for each in self.all:
                each.framer(max_message)  # which may raise
            self._tried.add(max_message)
        return SwitchedFramer(self.framing, self.otherwise, max_message)

    def facts_of(self, message: bytes) -> Mapping[str, Any]:
        return facts_in_any(self.all, message)

    def frame(self, message: bytes) -> bytes:
        return self.framing.frame(message)
