"""Messages whose head says how many bytes follow it: `{ head = ..., length = ... }` in a file."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sockreply.errors import ConfigError, FramingError, Malformed, MessageTooLong
from sockreply.framing.buffer import missing_bytes
from sockreply.framing.delimited import Delimited, DelimitedFramer
from sockreply.framing.digits import DIGITS, DIGITS_LIMIT
from sockreply.framing.interfaces import Framer, Framing
from sockreply.framing.lines import Line

GROUP = "length"
"""The group of the regular expression that captures the count."""

_SHOWN = 40
"""How many bytes an error shows of what should be a number."""


class HeadedFramer(DelimitedFramer):
    """Heads up to a mark, each with as many bytes after the mark as it says.

    Until all of a message is there, its head stays in the buffer.

    Args:
        max_message: The most bytes that a message may have, with its head and the mark.
        heads: Finds the ends of heads.
        framing: Reads the count in a head.
    """

    __slots__ = ("_framing", "_whole")

    def __init__(self, max_message: int, heads: DelimitedFramer, framing: Headed) -> None:
        super().__init__(max_message, heads._end, drop_cr=heads._drop_cr)
        self._framing = framing
        self._whole = 0  # bytes of the message that is coming, with its head; 0: not known

    def take(self, data: bytes) -> list[bytes] | None:
        messages = super().take(data)
        if messages is None or any(map(self._framing.length.search, messages)):
            return None
        return messages

    def next_message(self) -> bytes | None:
        if not self._whole:
            head = self._next_head()
            if not self._whole:
                return head
        start = self._start
        end = start + self._whole
        if end > len(self._data):
            return None
        message = bytes(self._data[start:end])
        self._start = end
        self._whole = 0
        self._forget()
        return message

    def missing(self) -> str:
        if not self._whole:
            return super().missing()
        return missing_bytes(self._whole - self.buffered, " after the head")

    def _next_head(self) -> bytes | None:
        """The next head. Without a count, it is a message; otherwise `_whole` is known then."""
        held = self.buffered
        before = self._data, self._start, self.empty
        head = super().next_message()
        if head is None:
            return None
        after = self._data, self._start, self.empty
        size = held - self.buffered
        self._data, self._start, self.empty = before
        following = self._framing.read_count(head)
        if following is None:
            self._data, self._start, self.empty = after
        elif size + following > self._max_message:
            raise MessageTooLong(self._max_message)
        else:
            self._whole = size + following
        return head

    def _cut_apart(self) -> None:
        pass  # other bytes may come before the next head


@dataclass(frozen=True)
class Headed(Framing):
    """A head up to a mark, and as many bytes after it as it says.

    A message is the head, the mark as it came, and these bytes. If the expression does not match
    in the head, nothing follows it, and the message is what the framing of heads hands out.

    Args:
        head: Says where heads end, and frames what is sent.
        length: Its group `length` captures the count when it is searched in a head.
        adjust: Added to the count.
        base: Of the count's digits, 10 or 16.
    """

    head: Framing
    length: re.Pattern[bytes]
    adjust: int = 0
    base: int = 10

    name = "head"

    def __post_init__(self) -> None:
        check_head(self.head)
        check_length(self.length)

    @property
    def affixes(self) -> tuple[bytes, bytes] | None:
        return self.head.affixes

    def framer(self, max_message: int) -> HeadedFramer:
        return HeadedFramer(max_message, _framer_of_heads(self.head, max_message), self)

    def frame(self, message: bytes) -> bytes:
        return self.head.frame(message)

    def mark_after(self, message: bytes) -> bytes:
        # The mark is in a message only if the bytes that it counts come after it.
        return b"" if self.head.never_in(message) else self.head.mark_after(message)

    def mirrored(self) -> HeadedClient:
        return HeadedClient(self)

    def read_count(self, head: bytes) -> int | None:
        """The bytes that follow a head; None: it does not say.

        Raises:
            Malformed: It says something that is not a number, or is negative once adjusted.
        """
        found = self.length.search(head)
        if found is None or found[GROUP] is None:
            return None
        digits: bytes = found[GROUP]
        if not digits or digits.strip(DIGITS[self.base]):
            kind = "hexadecimal" if self.base == 16 else "decimal"
            raise Malformed(f"the length in {kind} digits", digits[:_SHOWN])
        digits = digits.lstrip(b"0")[: DIGITS_LIMIT + 1]
        following = int(digits or b"0", self.base) + self.adjust
        if following < 0:
            raise Malformed(f"a length of at least {-self.adjust}", found[GROUP][:_SHOWN])
        return following


@dataclass(frozen=True)
class HeadedClient(Framing):
    """The other side of a `Headed`: it sends heads with what follows them.

    A message is sent as it is if it is a head with a count, its mark, and as many bytes as the head
    says. Any other is sent as a head. Replies have heads of the same kind if they end as requests
    do; otherwise their end mark alone says where they end.

    Args:
        server: The side that it talks to.
    """

    server: Headed

    name = "head"

    @property
    def may_run_together(self) -> bool:
        return self.server.head.mirrored().may_run_together

    def framer(self, max_message: int) -> Framer:
        replies = self.server.head.mirrored()
        alike = replies == self.server.head
        return self.server.framer(max_message) if alike else replies.framer(max_message)

    def frame(self, message: bytes) -> bytes:
        return message if self._is_whole(message) else self.server.head.mirrored().frame(message)

    def mirrored(self) -> Headed:
        return self.server

    def _is_whole(self, message: bytes) -> bool:
        """Would the server read just this message if it came as it is?"""
        if not message:
            return False
        framer = self.server.framer(len(message))
        framer.receive_data(message)
        try:
            return framer.next_message() == message
        except FramingError:
            return False


def check_head(framing: Framing) -> None:
    """See whether a framing's messages can be heads.

    Raises:
        ConfigError: They cannot.
    """
    if not _ends_at_mark(framing):
        raise ConfigError(
            "a head has to end at a mark: use delimited, or line without ending=any, telnet and "
            "blocks"
        )


def check_length(expression: re.Pattern[bytes]) -> None:
    r"""See whether an expression captures a count.

    Raises:
        ConfigError: It has no group of the name.
    """
    if GROUP not in expression.groupindex:
        raise ConfigError(rf"needs a group {GROUP}, as in (?P<{GROUP}>\d+)")


def _ends_at_mark(framing: Framing) -> bool:
    """Is it `line` or `delimited`, and with keys under which nothing but a mark ends a message?"""
    return isinstance(framing, Line | Delimited) and type(framing.framer(1)) is DelimitedFramer


def _framer_of_heads(framing: Framing, max_message: int) -> DelimitedFramer:
    framer = framing.framer(max_message)
    if not isinstance(framer, DelimitedFramer):
        raise TypeError(framing)  # which `check_head` refused
    return framer
