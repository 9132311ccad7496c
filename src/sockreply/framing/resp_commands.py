"""Redis's protocol as its server reads it.

A command is an array of bulk strings, or a line that somebody typed. What is an error, and what is
skipped, is as in `processMultibulkBuffer` and `processInlineBuffer` of Redis's networking.c, except
at the ends of lines and words, where Redis takes any bytes.
"""

from __future__ import annotations

import re
import sys

from sockreply.errors import Malformed, MessageTooLong
from sockreply.framing.buffer import BufferedFramer, missing_bytes
from sockreply.framing.message import Message
from sockreply.framing.resp_words import split_words

MOST_WORDS = 1024 * 1024
"""Words of a command in Redis up to version 6; later versions take more."""

MOST_BYTES = 512 * 1024 * 1024
"""Bytes of a word, which Redis has in `proto-max-bulk-len`."""

NUMBER = rb"0|-?[1-9][0-9]{0,18}"
"""A number of 64 bits, as `string2ll` of Redis takes it: no plus sign, and no leading zeros."""

FIELD = 24
"""The first bytes in which a number has to end: it has at most 20, and then CR LF."""

_WORDS_WANTED = f"a multibulk length up to {MOST_WORDS}"
_BYTES_WANTED = f"a bulk length from 0 to {MOST_BYTES}"
_HEADER = re.compile(rb"[*$](%b)\r\n" % NUMBER)
_ARRAY, _BULK = b"*$"
_CR = b"\r"[0]
_SHOWN = 40  # bytes of a line that is wrong


class CommandFramer(BufferedFramer):
    """Commands, each of which stays in the buffer as it came until all of it is there.

    On the way, it takes at most seven times the bytes that its message has, because there are at
    least six around each word.

    Args:
        max_message: The most bytes that the words of a command may have, with a space between each.
    """

    __slots__ = ("_at", "_count", "_joined", "_left", "_size", "dropped")

    def __init__(self, max_message: int) -> None:
        super().__init__(max_message)
        self.dropped = 0
        self._begin()

    def _begin(self) -> None:
        self._at = 0  # how much of the command has been read
        self._count = 0  # of its words; 0: not known
        self._left = 0  # words whose ends were not seen
        self._size = -1  # of the next of them; -1: not known
        self._joined = 0  # bytes of the message so far

    def next_message(self) -> Message | None:
        while self._start < len(self._data):
            begin = self._start
            words = self._array() if self._data[begin] == _ARRAY else self._inline()
            if words is None:
                return None
            self._start += self._at
            self._begin()
            if words:
                self._forget()
                return Message(b" ".join(words), facts={"words": words})
            self.dropped += self._start - begin
        self._forget()
        return None

    def missing(self) -> str:
        """See `Framer`."""
        if self._size >= 0:
            end = self._at + self._size + 2
            return missing_bytes(end - self.buffered, f" of word {self._nth} and its CR LF")
        if self._count:
            return f"no length of word {self._nth} yet"
        array = self._data[self._start] == _ARRAY
        return "no CR LF after the number of words yet" if array else "no LF yet"

    @property
    def _nth(self) -> str:
        return f"{self._count - self._left + 1} of {self._count}"

    def _array(self) -> list[bytes] | None:
        """The words of an array; None: it is not all here."""
        if not self._count:
            count = self._number(_WORDS_WANTED, MOST_WORDS)
            if count is None or count <= 0:
                return None if count is None else []
            self._count = self._left = count
            self._join(count - 1)
        words = []
        while self._left:
            word = self._next_word()
            if word is None:
                return None
            words.append(word)
        if len(words) < self._count:  # the others came in earlier reads
            self._begin()
            return self._array()
        return words

    def _next_word(self) -> bytes | None:
        """The next word of an array; None: it is not all here."""
        data = self._data
        if self._size < 0:
            at = self._start + self._at
            if at < len(data) and data[at] != _BULK:
                raise Malformed("'$'", bytes(data[at : at + 1]))
            size = self._number(_BYTES_WANTED, MOST_BYTES, 0)
            if size is None:
                return None
            self._join(size)
            self._size = size
        begin = self._start + self._at
        end = begin + self._size
        if end + 2 > len(data):
            return None
        if (after := bytes(data[end : end + 2])) != b"\r\n":
            raise Malformed(f"CR LF after a word of {self._size} bytes", after)
        self._at += self._size + 2
        self._left -= 1
        self._size = -1
        return bytes(data[begin:end])

    def _number(self, expected: str, most: int, least: int = -sys.maxsize) -> int | None:
        """The number after the byte at `_at`, which stands after its CR LF then.

        None: it is not all here.
        """
        at = self._start + self._at
        header = bytes(self._data[at : at + FIELD])
        found = _HEADER.match(header)
        if found is None:
            digits, cr, rest = header[1:].partition(b"\r")
            if (cr and rest) or len(header) == FIELD:
                raise Malformed(f"{expected}, and CR LF", digits + cr + rest[:1])
            return None
        number = int(found[1])
        if not least <= number <= most:
            raise Malformed(expected, found[1])
        self._at += found.end()
        return number

    def _join(self, size: int) -> None:
        """Count bytes of the message."""
        self._joined += size
        if self._joined > self._max_message:
            raise MessageTooLong(self._max_message)

    def _inline(self) -> list[bytes] | None:
        """The words of a line; None: it is not all here."""
        end = self._data.find(b"\n", self._start + self._at)
        cr = self._data.endswith(b"\r", self._start) if end < 0 else self._data[end - 1] == _CR
        until = len(self._data) if end < 0 else end
        until -= cr and until > self._start
        if until - self._start > self._max_message:
            raise MessageTooLong(self._max_message)
        if end < 0:
            self._at = len(self._data) - self._start
            return None
        line = bytes(self._data[self._start : until])
        words = split_words(line)
        if words is None:
            raise Malformed("quotes in pairs, with a blank after the second", line[:_SHOWN])
        self._at = end + 1 - self._start
        return words
