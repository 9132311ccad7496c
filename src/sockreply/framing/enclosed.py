"""Messages between two marks: `enclosed`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

from sockreply.errors import CannotFrame, ConfigError, MessageTooLong
from sockreply.framing.buffer import missing_bytes
from sockreply.framing.delimited import DelimitedFramer
from sockreply.framing.interfaces import Framing
from sockreply.framing.marks import beginnings, overlap, shown
from sockreply.framing.message import Message
from sockreply.notation import SIZE_LIMIT, Key, mark, whole, yes_or_no


class EnclosedFramer(DelimitedFramer):
    """Messages between two marks; bytes outside of them are dropped.

    Args:
        max_message: The most bytes that a message may have, without its marks.
        begin: The mark before a message.
        end: The mark after it.
    """

    __slots__ = ("_begin", "_inside", "dropped")

    def __init__(self, max_message: int, begin: bytes, end: bytes) -> None:
        super().__init__(max_message, end)
        self.dropped = 0
        self._begin = begin
        self._inside = False

    @property
    def buffered(self) -> int:
        return super().buffered + len(self._begin) * self._inside  # the mark belongs to a message

    def take(self, data: bytes) -> None:
        pass  # bytes between two messages may belong to none

    def rest(self) -> bytes:
        return self._begin * self._inside + super().rest()

    def put_back(self) -> None:
        if self._inside:
            self._data, self._start = self.rest(), 0
            self._inside, self.empty = False, False
            self._searched = 0

    def next_message(self) -> bytes | None:
        if not self._inside and not self._enter():
            return None
        message = super().next_message()
        if message is not None:
            self._inside = False
        return message

    def missing(self) -> str:
        if self._inside:
            return super().missing()
        return f"only the beginning of {shown(self._begin)} so far"

    def _cut_apart(self) -> None:
        pass  # the bytes between two messages belong to none

    def _enter(self) -> bool:
        """Drop what stands before the next message. Has one begun?"""
        at = self._data.find(self._begin, self._start)
        self._inside = at >= 0
        if not self._inside:
            at = len(self._data) - overlap(self._data, beginnings(self._begin), self._start)
        self.dropped += at - self._start
        self._start = at + len(self._begin) * self._inside
        if not self._inside:
            self._forget()
        return self._inside


class _Marks(NamedTuple):
    """What is looked for inside a message.

    Args:
        any: Finds the first of them.
        longest: The bytes of the longest.
        beginnings: What a read can end with of them; see `marks.beginnings`.
        facts: What is known about a message that one of them ended.
    """

    any: re.Pattern[bytes]
    longest: int
    beginnings: tuple[bytes, ...]
    facts: Mapping[bytes, Mapping[str, Any]]


@lru_cache(maxsize=64)  # as many as a daemon has services, at the most
def _marks(marks: tuple[bytes, ...], ends: tuple[bytes, ...]) -> _Marks:
    """What is known of some marks, of which some end a message."""
    return _Marks(
        re.compile(b"|".join(map(re.escape, marks))),
        max(map(len, marks)),
        beginnings(*marks),
        {end: MappingProxyType({"end": end}) for end in ends},
    )


class MarkedFramer(EnclosedFramer):
    """Enclosed messages with a trailer, with one of several marks at the end, or started over.

    Args:
        max_message: The most bytes that a message may have, with its trailer.
        framing: Has the marks.
    """

    __slots__ = ("_came", "_marks", "_most", "_size", "_trailer")

    def __init__(self, max_message: int, framing: Enclosed) -> None:
        super().__init__(max_message, framing.start, framing.ends[0])
        self._marks = _marks(framing.marks, framing.ends)
        self._trailer = framing.trailer
        self._most = max_message - framing.trailer  # bytes that may be enclosed
        self._came = b""  # the mark that ended what is enclosed; empty: none so far
        self._size = 0  # of what it has enclosed

    def put_back(self) -> None:
        super().put_back()
        self._came = b""

    def next_message(self) -> bytes | None:
        if not self._came and not self._find_end():
            return None
        end, after = self._start + self._size, self._start + self._size + len(self._came)
        if len(self._data) < after + self._trailer:
            return None
        enclosed = bytes(self._data[self._start : end])
        trailer = bytes(self._data[after : after + self._trailer])
        facts = self._marks.facts[self._came]
        self._start = after + self._trailer
        self._came, self._inside, self._searched = b"", False, 0
        self._forget()
        return Message(enclosed + trailer, facts=facts)

    def missing(self) -> str:
        if not self._inside:
            return super().missing()
        if not self._came:
            return f"no {' or '.join(map(shown, self._marks.facts))} yet"
        here = len(self._data) - self._start - self._size - len(self._came)
        return missing_bytes(self._trailer - here, f" after {shown(self._came)}")

    def _find_end(self) -> bool:
        """Note where the message ends, if its end has come; start it over at another start mark.

        Raises:
            MessageTooLong: More is enclosed than may be.
        """
        while self._inside or self._enter():
            found = self._marks.any.search(self._data, self._start + self._searched)
            if found is None:
                self._not_yet()
                return False
            size, came = found.start() - self._start, bytes(found[0])
            if size > self._most:
                raise MessageTooLong(self._max_message)
            if came in self._marks.facts:
                self._came, self._size = came, size
                return True
            self.dropped += len(self._begin) + size
            self._start, self._searched = found.end(), 0
        return False

    def _not_yet(self) -> None:
        held = len(self._data) - self._start
        begun = held > self._most and overlap(self._data, self._marks.beginnings, self._start)
        if held - begun > self._most:
            raise MessageTooLong(self._max_message)
        self._searched = max(0, held - self._marks.longest + 1)


def _alternatives(text: str) -> bytes | tuple[bytes, ...]:
    r"""Reads marks with bars between them; a bar that belongs to one is written `\x7c`."""
    marks = tuple(map(mark, text.split("|")))
    return marks if len(marks) > 1 else marks[0]


@dataclass(frozen=True)
class Enclosed(Framing):
    """A message stands between two byte strings; HL7's MLLP and STX/ETX are of this kind.

    Args:
        start: Begins a message.
        end: Ends it; of several, the first that comes does, and the first of all ends replies.
        trailer: The bytes after the end that are part of the message, such as a checksum.
        restart: Does another start within a message start it over?
    """

    start: Annotated[bytes, Key(mark)]
    end: Annotated[bytes | tuple[bytes, ...], Key(_alternatives)]
    trailer: Annotated[int, Key(whole(0, SIZE_LIMIT))] = 0
    restart: Annotated[bool, Key(yes_or_no)] = False

    def __post_init__(self) -> None:
        for longer, shorter in permutations(self.marks, 2):
            if longer == shorter:
                raise ConfigError(f"{shown(shorter)} cannot be two marks")
            if shorter in longer[:-1]:
                raise ConfigError(
                    f"{shown(longer)} never comes, because {shown(shorter)} in it comes first"
                )

    @property
    def ends(self) -> tuple[bytes, ...]:
        """The marks that can end a message."""
        return self.end if isinstance(self.end, tuple) else (self.end,)

    @property
    def marks(self) -> tuple[bytes, ...]:
        """The marks that are looked for inside of a message."""
        return (*self.ends, self.start) if self.restart else self.ends

    @property
    def affixes(self) -> tuple[bytes, bytes] | None:
        return None if self.trailer else (self.start, self.ends[0])

    def framer(self, max_message: int) -> EnclosedFramer:
        if self.trailer > max_message:
            raise ConfigError(
                f"enclosed: trailer={self.trailer} is more than max_message = {max_message}"
            )
        if self.trailer or self.restart or len(self.ends) > 1:
            return MarkedFramer(max_message, self)
        return EnclosedFramer(max_message, self.start, self.ends[0])

    def frame(self, message: bytes) -> bytes:
        enclosed = len(message) - self.trailer
        if enclosed < 0:
            raise CannotFrame(len(message), self.trailer)
        return self.start + message[:enclosed] + self.ends[0] + message[enclosed:]

    def facts_of(self, message: bytes) -> Mapping[str, Any]:  # noqa: ARG002 - all would end alike
        return {"end": self.ends[0]}

    def never_in(self, data: bytes) -> bytes | None:
        enclosed = data[: max(0, len(data) - self.trailer)]  # where it cannot be after the end
        return next((mark for mark in self.marks if mark in enclosed), None)
