"""The bytes between the reads and the messages.

A read that holds whole messages is cut up where it is, without a copy. What is left of it goes in
front of the next read when that is the longer one, and is collected in a bytearray when the pieces
are small: either way a byte is copied a bounded number of times, however the stream is cut.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sockreply.framing.interfaces import Framer


class BufferedFramer:
    """What the framers that look for messages in a buffer have in common.

    Subclasses define `next_message`. They read `_data` from `_start` on, move `_start` to the end
    of each message that they hand out, and call `_forget` then. They keep other places relative to
    `_start`, because `receive_data` moves it.

    Args:
        max_message: The most bytes that a message may have.
    """

    __slots__ = ("_data", "_max_message", "_start", "ahead", "empty", "ready")

    ready: list[bytes] | tuple[()]
    empty: bool

    ahead: bool
    """May more messages be cut than the next one?"""

    silence: float | None = None
    dropped = 0

    def __init__(self, max_message: int) -> None:
        self._max_message = max_message
        self._data: bytes | bytearray = b""
        self._start = 0
        self.ready = ()
        self.empty = True
        self.ahead = True

    @property
    def buffered(self) -> int:
        return len(self._data) - self._start

    @property
    def late(self) -> tuple[bytes, ...]:
        """What may still come of the last message's end: one of these, or its first bytes."""
        return ()

    def take(self, data: bytes) -> list[bytes] | None:  # noqa: ARG002 - the default finds none
        return None

    def rest(self) -> bytes:
        return bytes(self._data[self._start :])

    def receive_data(self, data: bytes) -> None:
        if self.empty:
            self.empty = False
            self._data = data
            return
        held = len(self._data) - self._start
        if held <= len(data):
            self._data = bytes(self._data[self._start :]) + data
        else:
            if not isinstance(self._data, bytearray):
                self._data = bytearray(self._data)
            del self._data[: self._start]  # moves a pointer, not the bytes
            self._data += data
        self._start = 0

    def receive_eof(self) -> None:
        pass  # what is left is a message cut off

    def receive_silence(self) -> None:
        pass  # only `gap` hears silence

    if TYPE_CHECKING:  # so that a subclass that lacks it is found before it is used

        def next_message(self) -> bytes | None: ...

    def put_back(self) -> None:
        """Put everything that was not handed out back into one buffer."""

    def give_to(self, other: BufferedFramer) -> None:
        """Let another framer, which has nothing yet, go on with what was not handed out."""
        self.put_back()
        other._data, other._start, other.empty = self._data, self._start, self.empty
        self._data, self._start, self.empty = b"", 0, True

    def _forget(self) -> None:
        """Let go of the last read when all of it was handed out."""
        if self._start == len(self._data):
            self._data = b""
            self._start = 0
            self.empty = True


def without_late(data: bytes, late: tuple[bytes, ...]) -> tuple[bytes, tuple[bytes, ...]]:
    """What has come, without what is still part of the last message's end.

    Args:
        data: What has come since that message.
        late: See `BufferedFramer.late`.

    Returns:
        The rest, and what may still come of that end.
    """
    while late and data:
        late = tuple(each[1:] for each in late if each.startswith(data[:1]))
        data = data[bool(late) :]
        late = tuple(filter(None, late))
    return data, late


def one_at_a_time(framer: Framer) -> Framer:
    """The framer, kept from cutting more messages than it is asked for."""
    if isinstance(framer, BufferedFramer):
        framer.ahead = False
    return framer


def hand_over(before: Framer, after: Framer) -> None:
    """Let a fresh framer go on with what another one has not handed out, between two messages."""
    if isinstance(before, BufferedFramer) and isinstance(after, BufferedFramer):
        before.give_to(after)
    elif rest := before.rest():  # a read is never empty
        after.receive_data(rest)


def missing_in(framer: Framer) -> str:
    """What the incomplete message that a framer holds lacks, if the framer says it."""
    missing: Callable[[], str] | None = getattr(framer, "missing", None)
    return "the message is not complete" if missing is None else missing()


def missing_bytes(size: int, where: str = "") -> str:
    """What `Framer.missing` says of so many bytes, at least one, such as those " of the header"."""
    return f"{size} byte{where} is missing" if size == 1 else f"{size} bytes{where} are missing"
