"""JSON values, one after the other (RFC 8259): `json`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from sockreply.errors import Malformed, MessageTooLong
from sockreply.framing.affixed import Affixed
from sockreply.framing.buffer import BufferedFramer, without_late
from sockreply.framing.marks import end_of

# What repeats is possessive (++, *+): what matched is never looked at again, so time is linear.
_SPACE = re.compile(rb"[ \t\n\r]*+")
_SCALAR = re.compile(rb"[-+.0-9A-Za-z]*+")
_IN_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
"""Everything up to a bracket, or up to a string that does not end here."""

_QUOTE = 0x22
_CLOSING = {ord("["): ord("]"), ord("{"): ord("}")}
_BEGINNING = frozenset(b'[{"-0123456789tfn')
_LINE_ENDS = (b"\r\n", b"\n")


class JsonFramer(BufferedFramer):
    """Messages that are JSON values, whose ends alone are looked for.

    An array or object ends with its bracket, and a string with its quote; a number or a name such
    as `true` before the first byte that cannot be part of it, or with the stream. One line end
    after a value goes with it; all other white space between values is dropped.

    Args:
        max_message: The most bytes that a value may have.
    """

    __slots__ = ("_after", "_at", "_begun", "_closing", "_ended", "_in_string", "dropped")

    def __init__(self, max_message: int) -> None:
        super().__init__(max_message)
        self.dropped = 0
        self._after: tuple[bytes, ...] = ()  # what may still come of the last value's line end
        self._begun = False
        self._at = 0  # bytes of the value that were looked at
        self._in_string = False
        self._closing = bytearray()  # the brackets that are to come, the next one last
        self._ended = False

    @property
    def late(self) -> tuple[bytes, ...]:
        return self._after

    def receive_data(self, data: bytes) -> None:
        if self._after:
            data, self._after = without_late(data, self._after)
        if data:
            super().receive_data(data)

    def receive_eof(self) -> None:
        self._ended = True

    def next_message(self) -> bytes | None:
        if not self._begun and not self._begin():
            return None
        held = len(self._data) - self._start
        end = self._scan() if self._closing or self._in_string else self._scan_scalar()
        if not end:
            if held > self._max_message:
                raise MessageTooLong(self._max_message)
            return None
        message = bytes(self._data[self._start : self._start + end])
        self._start += end
        self._begun = False
        self._skip_line_end()
        self._forget()
        return message

    def missing(self) -> str:
        """See `Framer`."""
        if self._in_string:
            return "a string has no '\"' at its end yet"
        if self._closing:
            return f"no {chr(self._closing[-1])!r} yet for a bracket that is open"
        return "no white space after the value yet"

    def _begin(self) -> bool:
        """Drop white space. Has a value begun?"""
        at = end_of(_SPACE, self._data, self._start)
        self.dropped += at - self._start
        self._start = at
        if at == len(self._data):
            self._forget()
            return False
        first = self._data[at]
        if first not in _BEGINNING:
            self._fail("a JSON value", 0)
        self._begun = True
        self._in_string = first == _QUOTE
        self._closing = bytearray([_CLOSING[first]] if first in _CLOSING else b"")
        self._at = 1
        return True

    def _skip_line_end(self) -> None:
        come = self._data[self._start : self._start + 2]  # this is run for every message
        if not come:
            self._after = _LINE_ENDS
        elif come == b"\r":
            self._start, self._after = self._start + 1, (b"\n",)
        else:
            self._start += 2 if come == b"\r\n" else come[0] in b"\r\n"

    def _scan_scalar(self) -> int:
        """The bytes of a number or a name; 0: it may go on."""
        last = self._start + self._max_message + 1
        end = end_of(_SCALAR, self._data, self._start + self._at, last)
        self._at = end - self._start
        if self._at > self._max_message or (end == len(self._data) and not self._ended):
            return 0
        return self._at

    def _scan(self) -> int:
        """The bytes of a string, an array or an object; 0: it goes on."""
        data, at = self._data, self._start + self._at
        last = min(len(data), self._start + self._max_message)
        while at < last:
            at = end_of(_IN_STRING if self._in_string else _TO_BRACKET, data, at, last)
            if at == last or (self._in_string and data[at] != _QUOTE):  # an escape may be cut off
                break
            self._pass(data[at], at - self._start)
            at += 1
            if not self._closing and not self._in_string:
                return at - self._start
        self._at = at - self._start
        return 0

    def _pass(self, octet: int, at: int) -> None:
        """Note a quote or a bracket.

        Raises:
            Malformed: It closes something else.
        """
        if octet == _QUOTE:
            self._in_string = not self._in_string
        elif octet in _CLOSING:
            self._closing.append(_CLOSING[octet])
        elif octet == self._closing[-1]:
            self._closing.pop()
        else:
            self._fail(repr(chr(self._closing[-1])), at)

    def _fail(self, expected: str, at: int) -> NoReturn:
        found = self._data[self._start + at : self._start + at + 1]
        raise Malformed(expected, bytes(found), at)


@dataclass(frozen=True)
class Json(Affixed):
    """A message is a JSON value (RFC 8259), as in JSON-RPC over TCP."""

    affixes = (b"", b"\n")

    def framer(self, max_message: int) -> JsonFramer:
        return JsonFramer(max_message)
