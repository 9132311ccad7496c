"""Framers for lines, each of which breaks one promise in a way that is often seen."""

from __future__ import annotations

from sockreply.errors import Malformed, MessageTooLong
from sockreply.framing import BufferedFramer
from tests.framing.promises import Make
from tests.framing.stand_ins import StopFramer


class Lines(BufferedFramer):
    """Lines up to LF. Nothing is wrong with this one."""

    def next_message(self) -> bytes | None:
        at = self._data.find(b"\n", self._start)
        if (len(self._data) if at < 0 else at) - self._start > self._max_message:
            raise MessageTooLong(self._max_message)
        if at < 0:
            return None
        message = bytes(self._data[self._start : at])
        self._start = at + 1
        self._forget()
        return message


class TakesReadsForLines(Lines):
    """Whatever a read brings ends there."""

    def receive_data(self, data: bytes) -> None:
        super().receive_data(data if data.endswith(b"\n") else data + b"\n")


class TakesTheMarkForText(StopFramer):
    """A mark of which a part has come counts to the message."""

    def __init__(self, max_message: int) -> None:
        super().__init__(max_message, b"\n\0")


class Trusts(Lines):
    """A line that is empty is not thought of."""

    def next_message(self) -> bytes | None:
        message = super().next_message()
        if message is not None and message[0] == 0x23:
            raise Malformed("a word", message)
        return message


class Unbounded(Lines):
    """A line that does not end is collected for ever."""

    def next_message(self) -> bytes | None:
        return None if b"\n" not in self._data[self._start :] else super().next_message()


class Longer(Lines):
    """A line may be one byte longer."""

    def __init__(self, max_message: int) -> None:
        super().__init__(max_message + 1)


class Remembers(Lines):
    """What was handed out is kept as well."""

    def __init__(self, max_message: int) -> None:
        super().__init__(max_message)
        self.history: list[bytes | None] = []

    def next_message(self) -> bytes | None:
        self.history.append(super().next_message())
        return self.history[-1]


class Looks(Lines):
    """All that has come is looked at again, byte by byte, with each read: see `check_time`."""

    def next_message(self) -> bytes | None:
        self.lines = sum(byte == 0x0A for byte in self._data[self._start :])
        return super().next_message()


class Copies(Lines):
    """All that is left is copied for each message: see `tests/hostile/test_framers.py`."""

    def next_message(self) -> bytes | None:
        self._data, self._start = bytearray(self._data[self._start :]), 0
        return super().next_message()


class Forgets(Lines):
    """The rest lacks its last byte."""

    def rest(self) -> bytes:
        return super().rest()[:-1]


class Invents(Lines):
    """The rest is as long as it should be, and something else."""

    def rest(self) -> bytes:
        return b"?" * self.buffered


class Drops(Lines):
    """What was handed out counts as dropped."""

    dropped = 0

    def next_message(self) -> bytes | None:
        message = super().next_message()
        self.dropped += 0 if message is None else len(message) + 1
        return message


class Glances(Lines):
    """A glance takes what looks like a line, however long it is."""

    def take(self, data: bytes) -> list[bytes] | None:
        return data.splitlines() if self.empty and data.endswith(b"\n") else None


class EmptyTooSoon(Lines):
    """It says that nothing is left when something is."""

    def next_message(self) -> bytes | None:
        message = super().next_message()
        self.empty = self.empty or message == b"go"
        return message


class Shouts(Lines):
    """Its error shows the peer's bytes as they are."""

    def next_message(self) -> bytes | None:
        message = super().next_message()
        if message is not None and message.startswith(b"#"):
            error = Malformed("a word", message)
            error.args = (f"no word: {message.decode('latin-1')}\x07",)
            raise error
        return message


BROKEN: dict[Make, str] = {
    TakesReadsForLines: "it depends on the cuts",
    TakesTheMarkForText: "it depends on the cuts",
    Trusts: "it raised IndexError",
    Unbounded: "it holds too much",
    Longer: "a message is too long",
    Forgets: "the rest has not the size",
    Invents: "the rest is not what came last",
    Drops: "it has more than came",
    Glances: "a glance sees something else",
    EmptyTooSoon: "a glance sees something else",
    Shouts: "its error is not a line",
}
"""With the beginning of one thing that `promises.check_messages` says of each."""

GREEDY: dict[Make, str] = {
    Remembers: "it keeps",
    Unbounded: "it keeps",
}
"""The same of `promises.check_memory`."""
