"""Messages that nothing in the bytes marks: `chunk`, `gap`, `eof`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sockreply.errors import MessageTooLong
from sockreply.framing.affixed import Affixed
from sockreply.notation import Key, positive_seconds


class ChunkFramer:
    """A message is what one read gave, or as much of it as a message may have.

    Args:
        max_message: The most bytes that a message may have.
    """

    ready = ()
    empty = False
    silence: float | None = None
    dropped = 0

    __slots__ = ("_max_message", "_reads", "_start")

    def __init__(self, max_message: int) -> None:
        self._max_message = max_message
        self._reads: list[bytes] = []
        self._start = 0  # in the first read

    @property
    def buffered(self) -> int:
        return sum(map(len, self._reads)) - self._start if self._reads else 0

    def take(self, data: bytes) -> list[bytes] | None:
        return None if self._reads or len(data) > self._max_message else [data]

    def rest(self) -> bytes:
        return b"".join(self._reads)[self._start :]

    def receive_data(self, data: bytes) -> None:
        self._reads.append(data)

    def receive_eof(self) -> None:
        pass  # a read is a message already

    def receive_silence(self) -> None:
        pass  # only `gap` hears silence

    def next_message(self) -> bytes | None:
        if not self._reads:
            return None
        read = self._reads[0]
        message = read[self._start : self._start + self._max_message]
        self._start += len(message)
        if self._start == len(read):
            del self._reads[0]
            self._start = 0
        return message


@dataclass(frozen=True)
class Chunk(Affixed):
    """What the textbook programs do: one read is one message."""

    may_run_together = True
    fits_datagrams = True

    def framer(self, max_message: int) -> ChunkFramer:
        return ChunkFramer(max_message)


class GatheringFramer:
    """A message is all that came until the peer fell silent or said that it sends no more.

    Args:
        max_message: The most bytes that a message may have.
        silence: The seconds of quiet that end a message; None: only the end of the stream does.
    """

    __slots__ = ("_coming", "_max_message", "_whole", "silence")

    ready = ()
    empty = False
    dropped = 0

    def __init__(self, max_message: int, silence: float | None) -> None:
        self.silence = silence
        self._max_message = max_message
        self._whole: list[bytes] = []
        self._coming = bytearray()

    @property
    def buffered(self) -> int:
        return sum(map(len, self._whole)) + len(self._coming)

    def rest(self) -> bytes:
        return b"".join(self._whole) + self._coming

    def receive_data(self, data: bytes) -> None:
        self._coming += data

    def receive_eof(self) -> None:
        if self._coming and len(self._coming) <= self._max_message:
            self._whole.append(bytes(self._coming))
            self._coming.clear()

    def receive_silence(self) -> None:
        self.receive_eof()

    def missing(self) -> str:
        """See `Framer`."""
        return (
            "no half-close yet" if self.silence is None else f"no {self.silence:g} s of silence yet"
        )

    def next_message(self) -> bytes | None:
        if self._whole:
            return self._whole.pop(0)
        if len(self._coming) > self._max_message:
            raise MessageTooLong(self._max_message)
        return None


@dataclass(frozen=True)
class Gap(Affixed):
    """A silence ends a message: for devices that send no terminator.

    Args:
        seconds: How long the silence is.
    """

    seconds: Annotated[float, Key(positive_seconds)] = 0.05

    may_run_together = True

    def framer(self, max_message: int) -> GatheringFramer:
        return GatheringFramer(max_message, self.seconds)


@dataclass(frozen=True)
class Eof(Affixed):
    """The sender's half-close ends its one message: finger, whois and `nc -N` speak so."""

    one_message_each_way = True

    def framer(self, max_message: int) -> GatheringFramer:
        return GatheringFramer(max_message, None)
