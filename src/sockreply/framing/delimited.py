"""Messages with a mark at their end: `delimited`, and the framer of `line`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sockreply.errors import MessageTooLong
from sockreply.framing.affixed import Affixed
from sockreply.framing.buffer import BufferedFramer
from sockreply.framing.interfaces import Framer
from sockreply.framing.marks import beginnings, overlap, shown
from sockreply.notation import Key, mark, unescape

_CR = 0x0D

WINDOW = 4096
"""Bytes in which short messages are looked for all at once: enough for hundreds of them, little
enough to hold them all."""


class DelimitedFramer(BufferedFramer):
    """Messages up to a mark. Only bytes that were not searched before are searched.

    Where several messages came together, those that end in the next few kilobytes are cut apart in
    one go, and then handed out one by one.

    Args:
        max_message: The most bytes that a message may have, without its mark.
        end: The mark.
        drop_cr: Is a CR before the mark part of it?
    """

    __slots__ = ("_drop_cr", "_end", "_end_size", "_ready_mark", "_searched")

    def __init__(self, max_message: int, end: bytes, *, drop_cr: bool = False) -> None:
        super().__init__(max_message)
        self._end = end
        self._end_size = len(end)
        self._drop_cr = drop_cr
        self._searched = 0
        self._ready_mark = b""  # that of each message that is ready

    @property
    def buffered(self) -> int:
        held = len(self._data) - self._start
        if self.ready:
            held += sum(map(len, self.ready)) + len(self.ready) * len(self._ready_mark)
        return held

    def rest(self) -> bytes:
        ready = [message + self._ready_mark for message in reversed(self.ready)]
        return b"".join(ready) + super().rest()

    def put_back(self) -> None:
        if self.ready:
            self._data, self._start = self.rest(), 0
            self.ready, self.empty = (), False

    def take(self, data: bytes) -> list[bytes] | None:
        if not self.empty or self.ready:
            return None
        end = self._end
        at = data.find(end)
        if at == len(data) - self._end_size and at >= 0:  # as most reads are
            if self._drop_cr and at and data[at - 1] == _CR:
                at -= 1
            return [data[:at]] if at <= self._max_message else None
        if len(data) > min(WINDOW, self._max_message) or not data.endswith(end):
            return None
        mark = self._only_mark(data)
        if not mark:
            return None
        messages = data.split(mark)
        return None if messages.pop() else messages  # a mark may overlap with itself

    def next_message(self) -> bytes | None:
        if self.ready:
            return self.ready.pop()
        data, start = self._data, self._start
        at = data.find(self._end, start + self._searched)
        if at < 0:
            self._not_yet()
            return None
        end = at + self._end_size
        if self._drop_cr and at > start and data[at - 1] == _CR:
            at -= 1
        if at - start > self._max_message:
            raise MessageTooLong(self._max_message)
        self._searched = 0
        if end == len(data):
            self._data = b""
            self._start = 0
            self.empty = True
        else:
            self._start = end
            self._cut_apart()
        return bytes(data[start:at])

    def missing(self) -> str:
        """See `Framer`."""
        return f"no {shown(self._end)} yet"

    def _cut_apart(self) -> None:
        """Cut the messages that end in the window, if one is sure to be no longer than may be."""
        if self._max_message < WINDOW or not self.ahead:
            return
        window = self._window()
        mark = self._only_mark(window)
        if not mark:
            return  # these have to be looked at one by one
        *cut, rest = window.split(mark)
        cut.reverse()
        self.ready = cut
        self._ready_mark = mark
        self._start += len(window) - len(rest)
        self._forget()

    def _window(self) -> bytes:
        return bytes(self._data[self._start : self._start + WINDOW])

    def _only_mark(self, window: bytes) -> bytes:
        """The mark of each message that ends in some bytes; empty: they have different ones."""
        if not self._drop_cr or not (with_cr := window.count(b"\r" + self._end)):
            return self._end
        return b"\r" + self._end if with_cr == window.count(self._end) else b""

    def _not_yet(self) -> None:
        held = len(self._data) - self._start
        if held > self._max_message and held - self._end_begun() > self._max_message:
            raise MessageTooLong(self._max_message)
        self._searched = max(0, held - len(self._end) + 1)

    def _end_begun(self) -> int:
        """How many of the last bytes may be the mark's first ones."""
        whole = b"\r" + self._end if self._drop_cr else self._end
        return overlap(self._data, beginnings(whole), self._start)


class ContinuingFramer(DelimitedFramer):
    """Messages up to a mark whose beginning may have ended what came before the first one.

    Args:
        max_message: The most bytes that a message may have, without its mark.
        end: The mark.
        rest: At the very beginning, this much of the mark ends an empty message.
    """

    __slots__ = ("_rest",)

    def __init__(self, max_message: int, end: bytes, rest: bytes) -> None:
        super().__init__(max_message, end)
        self._rest = rest

    def next_message(self) -> bytes | None:
        if rest := self._rest:
            begun = bytes(self._data[self._start : self._start + len(rest)])
            if len(begun) < len(rest) and rest.startswith(begun):
                return None
            self._rest = b""
            if begun == rest:
                self._start += len(rest)
                self._forget()
                return b""
        return super().next_message()


@dataclass(frozen=True)
class Delimited(Affixed):
    """A byte string ends a message.

    Args:
        end: Ends what is received.
        reply_end: Ends what is sent; None: the same; empty: nothing does.
    """

    end: Annotated[bytes, Key(mark)]
    reply_end: Annotated[bytes | None, Key(unescape)] = None

    @property
    def affixes(self) -> tuple[bytes, bytes]:
        return b"", self.end if self.reply_end is None else self.reply_end

    def framer(self, max_message: int) -> DelimitedFramer:
        return DelimitedFramer(max_message, self.end)

    def mark_after(self, message: bytes) -> bytes:  # noqa: ARG002 - the same for all
        return self.end

    def framer_after(self, end: bytes, max_message: int) -> DelimitedFramer:
        begun = next(filter(end.endswith, beginnings(self.end)), b"")
        if not begun:
            return self.framer(max_message)
        return ContinuingFramer(max_message, self.end, self.end.removeprefix(begun))

    def mirrored(self) -> Delimited | Undelimited:
        if self.reply_end is None:
            return self
        if not self.reply_end:
            return Undelimited(self.end)
        return Delimited(end=self.reply_end, reply_end=self.end)

    def never_in(self, data: bytes) -> bytes | None:
        return self.end if self.end in data else None


@dataclass(frozen=True)
class Undelimited(Affixed):
    """The other side of a `Delimited` whose replies nothing ends: a read is a message.

    Args:
        end: Ends what is sent.
    """

    end: bytes

    name = "delimited"
    may_run_together = True

    @property
    def affixes(self) -> tuple[bytes, bytes]:
        return b"", self.end

    def framer(self, max_message: int) -> Framer:
        from sockreply.framing.stream import ChunkFramer  # now, because few want it

        return ChunkFramer(max_message)

    def mirrored(self) -> Delimited:
        return Delimited(self.end, reply_end=b"")
