"""Makes messages of several kinds, each of which begins in its own way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from sockreply.errors import ConfigError, Malformed
from sockreply.framing.buffer import BufferedFramer, missing_in, without_late
from sockreply.framing.interfaces import Framer, Framing
from sockreply.framing.message import Message, come_in
from sockreply.masks import Mask


class Beginning(NamedTuple):
    """What a message may begin with.

    Args:
        mask: The bytes.
        pattern: Finds them.
    """

    mask: Mask
    pattern: re.Pattern[bytes]


class Kind(NamedTuple):
    """One kind of messages.

    Args:
        framing: How they are framed.
        beginnings: They begin with one of these; none: they may begin in any way.
    """

    framing: Framing
    beginnings: tuple[Beginning, ...]


class ChoiceFramer(BufferedFramer):
    """Lets the framer of its kind make each message.

    What is not handed out is kept in one buffer, which is given to the framer whose turn it is.

    Args:
        max_message: The most bytes that a message may have.
        kinds: The framings; if a message fits several, it has the first of these.
        before: What ended the message before the first one; see `Framing.framer_after`.
    """

    __slots__ = (
        *("_before", "_current", "_ended", "_framers", "_kinds", "_last", "_late", "dropped"),
    )

    def __init__(self, max_message: int, kinds: Sequence[Kind], before: bytes = b"") -> None:
        super().__init__(max_message)
        self.dropped = 0
        self._kinds = kinds
        self._before = before
        self._framers: list[BufferedFramer | None] = [None] * len(kinds)
        self._current: BufferedFramer | None = None  # has the buffer, and makes a message
        self._last = 0  # the number of that message's kind, or of the last one's
        self._late: tuple[bytes, ...] = ()  # what may still come of the last message's end
        self._ended = False

    @property
    def late(self) -> tuple[bytes, ...]:
        return self._late

    @property
    def buffered(self) -> int:
        return super().buffered if self._current is None else self._current.buffered

    def rest(self) -> bytes:
        return super().rest() if self._current is None else self._current.rest()

    def receive_data(self, data: bytes) -> None:
        if self._current is None:
            if self._late:
                data, self._late = without_late(data, self._late)
            if data:
                super().receive_data(data)
        else:
            self._current.receive_data(data)

    def receive_eof(self) -> None:
        self._ended = True
        if self._current is not None:
            self._current.receive_eof()

    def put_back(self) -> None:
        if self._current is not None:  # which keeps more about a message than its bytes
            rest = self._current.rest()
            self._current = self._framers[self._last] = None
            self._data, self._start, self.empty = rest, 0, not rest

    def next_message(self) -> Message | None:
        framer = self._current
        if framer is None:
            number = self._chosen()
            if number is None:
                return None
            framer = self._turn_of(number)
        dropped = framer.dropped
        try:
            message = framer.next_message()
        finally:
            self.dropped += framer.dropped - dropped
        if message is None:
            return None
        self._current = None
        if late := framer.late:
            self._late = late
            self._framers[self._last] = None  # it waits for them, too
        framer.give_to(self)
        return come_in(self._kinds[self._last].framing, message)

    def missing(self) -> str:
        """See `Framer`."""
        if self._current is None:
            return "too little to tell what kind of message it is"
        return missing_in(self._current)

    def _chosen(self) -> int | None:
        """The number of the next message's kind; None: it is not known yet.

        Raises:
            Malformed: There is none.
        """
        data, start = self._data, self._start
        held = len(data) - start
        if not held:
            return None
        for number, (_, beginnings) in enumerate(self._kinds):
            if not beginnings:
                return number
            begun = False
            for mask, pattern in beginnings:
                if pattern.match(data, start):
                    return number
                begun |= held < len(mask) and mask.differs(bytes(data[start:])) is None
            if begun:
                return None
        raise self._malformed()

    def _malformed(self) -> Malformed:
        """Says what there is instead of a beginning, up to the byte that shows it."""
        masks = [mask for kind in self._kinds for mask, _ in kind.beginnings]
        most = max(map(len, masks))
        found = bytes(self._data[self._start : self._start + most])
        size = max(mask.differs(found) or 0 for mask in masks) + 1
        return Malformed(f"a message that begins with {listed(masks)}", found[:size])

    def _turn_of(self, number: int) -> BufferedFramer:
        """Give everything in the buffer to the framer of a kind."""
        framer = self._framers[number]
        if framer is None:
            framing = self._kinds[number].framing
            made = framing.framer_after(self._before, self._max_message)
            framer = self._framers[number] = as_buffered(framing, made)
        self._before = b""
        self.give_to(framer)
        self.empty = False  # to be asked
        if self._ended:
            framer.receive_eof()
        self._current, self._last = framer, number
        return framer


def as_buffered(framing: Framing, framer: Framer) -> BufferedFramer:
    """The framer of a framing, if it can share its bytes with others.

    Raises:
        ConfigError: It cannot.
    """
    if not isinstance(framer, BufferedFramer):
        raise ConfigError(
            f"{framing.name} cannot be in a list, because its framer is not a BufferedFramer"
        )
    framer.ahead = False
    return framer


def listed(masks: Sequence[Mask]) -> str:
    """At least one, as in "'a', 'b' or 'c'"."""
    *first, last = map(str, masks)
    return f"{', '.join(first)} or {last}" if first else last
