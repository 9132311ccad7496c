"""A framing of somebody else's: it defines what it has to, and no more."""

from __future__ import annotations

from sockreply.errors import ConfigError, MessageTooLong
from sockreply.framing import BufferedFramer, Framing


class StopFramer(BufferedFramer):
    """Messages up to a mark.

    Args:
        max_message: The most bytes that a message may have.
        mark: Ends a message.
    """

    def __init__(self, max_message: int, mark: bytes) -> None:
        super().__init__(max_message)
        self._mark = mark

    def next_message(self) -> bytes | None:
        start, end = self._start, self._data.find(self._mark, self._start)
        if (len(self._data) if end < 0 else end) - start > self._max_message:
            raise MessageTooLong(self._max_message)
        if end < 0:
            return None
        message = bytes(self._data[start:end])
        self._start = end + len(self._mark)
        self._forget()
        return message


class Stop(Framing):
    """A word ends a message, as in a telegram.

    Args:
        word: The word.
    """

    def __init__(self, word: str = "STOP") -> None:
        if not word:
            raise ValueError("no word")
        self._mark = word.encode()

    def framer(self, max_message: int) -> StopFramer:
        return StopFramer(max_message, self._mark)

    def frame(self, message: bytes) -> bytes:
        return message + self._mark


class FailingFramer(StopFramer):
    """Finds no message."""

    def next_message(self) -> bytes | None:
        raise LookupError("no message")


class Failing(Stop):
    """Fails at one thing.

    Args:
        at: "framer", "frame" or "next_message".
    """

    def __init__(self, at: str) -> None:
        super().__init__()
        self._at = at

    def framer(self, max_message: int) -> StopFramer:
        if self._at == "framer":
            raise LookupError("no framer")
        framer = FailingFramer if self._at == "next_message" else StopFramer
        return framer(max_message, self._mark)

    def frame(self, message: bytes) -> bytes:
        if self._at == "frame":
            raise LookupError("no frame")
        return super().frame(message)


def none() -> None:
    """Makes no framing."""


def leave() -> None:
    """Makes none either."""
    raise SystemExit(3)


def another() -> type[Stop]:
    """Makes a class, which would make a framing."""
    return Stop


class Long(Stop):
    """Has no message of less than nine bytes."""

    def framer(self, max_message: int) -> StopFramer:
        if max_message < 9:
            raise ConfigError("long needs 9 bytes")
        return super().framer(max_message)
