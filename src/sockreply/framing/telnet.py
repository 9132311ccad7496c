"""Lines in a telnet stream, whose commands are removed and whose options are refused.

IAC, the byte FF, begins a command; FF FF stands for the byte itself (RFC 854). A subnegotiation
stands between IAC SB and IAC SE (RFC 855). An IAC before any other byte means nothing in
telnet, so it is taken for the byte FF of a peer that does not double it.
"""

from __future__ import annotations

import re

from sockreply.errors import MessageTooLong
from sockreply.framing.any_ending import LATE_ENDS
from sockreply.framing.buffer import BufferedFramer
from sockreply.framing.marks import end_of

_CR, _IAC = 0x0D, 0xFF
_SE, _SB, _WILL, _DO, _DONT, _WONT = 0xF0, 0xFA, 0xFB, 0xFD, 0xFE, 0xFC

_REFUSALS = {_WILL: _DONT, _DO: _WONT}

# No pattern can backtrack. Codes below EC are not commands: the lowest is end of file (RFC 1184).
_COMMANDS = re.compile(rb"(?s)(?:\xff(?:[\xec-\xf9]|[\xfb-\xfe].))*+")
_SUBNEGOTIATION = re.compile(rb"(?:[^\xff]++|\xff[\0-\xeb\xff])*+")
_COMMAND = re.compile(
    rb"(?s)\xff(?:(\xff)|([\xfb-\xfe].)|\xfa"
    + _SUBNEGOTIATION.pattern
    + rb"(?:\xff\xf0)?|[\xec-\xf9])"
)
_ASKS = (b"\xff\xfb", b"\xff\xfd")


def _text_up_to(ends: bytes) -> re.Pattern[bytes]:
    """Matches what comes before the end of a line, up to a subnegotiation."""
    return re.compile(
        rb"(?s)(?:[^\xff" + ends + rb"]++|\xff(?:[\xec-\xf9\xff]|[\xfb-\xfe].|(?=[\0-\xeb])))*+"
    )


_UP_TO_LF, _UP_TO_ANY = _text_up_to(rb"\n"), _text_up_to(rb"\r\n")


class TelnetFramer(BufferedFramer):
    """Lines without the telnet commands in them and between them.

    The commands in a line count towards its size as they came. The data of a subnegotiation between
    lines may be as long as a line.

    Args:
        max_message: The most bytes that a line may have, without its end.
        any_ending: Do lines also end at CR, CR LF and CR NUL? If not, one CR before LF is dropped.
    """

    __slots__ = (
        *("_after_cr", "_answered", "_any_ending", "_answers", "_in_line", "_in_subnegotiation"),
        "_searched",
    )

    def __init__(self, max_message: int, *, any_ending: bool = False) -> None:
        super().__init__(max_message)
        self._any_ending = any_ending
        self._answered = set[bytes]()  # by request and option; there are 512 of them
        self._answers = b""
        self._after_cr = False  # is an LF or NUL that comes next part of the last line's end?
        self._in_line = False  # does the first byte that is kept belong to a line?
        self._in_subnegotiation = False
        self._searched = 0  # bytes of the line, or of what stands before it

    @property
    def late(self) -> tuple[bytes, ...]:
        return LATE_ENDS if self._after_cr and not self.buffered else ()

    def said(self) -> bytes:
        """Take the refusals that are still to be sent. See `SpeakingFramer`."""
        answers, self._answers = self._answers, b""
        return answers

    def receive_data(self, data: bytes) -> None:
        if self.late and data.startswith(LATE_ENDS):
            self._after_cr = False
            data = data[1:]
        if data:
            super().receive_data(data)

    def next_message(self) -> bytes | None:
        if not self._in_line and not self._begin_line():
            return None
        at = self._end_of_line()
        data, start = self._data, self._start
        end = len(data) if at is None else at
        size = end - start
        if not self._any_ending and end > start and data[end - 1] == _CR:
            size -= 1
        if size > self._max_message:
            raise MessageTooLong(self._max_message)
        if at is None:
            return None
        raw = bytes(data[start:at])
        self._pass(at)
        line = self._without_commands(raw)
        return line if self._any_ending else line.removesuffix(b"\r")

    def missing(self) -> str:
        if self._in_subnegotiation:
            return "no IAC SE yet, the end of a telnet subnegotiation"
        if not self._in_line:
            return "a telnet command is not complete"
        return f"no {'CR or LF' if self._any_ending else 'LF'} yet"

    def _begin_line(self) -> bool:
        """Remove the commands before the next line. Has its first byte come?"""
        while not self._in_subnegotiation or self._end_subnegotiation():
            data, start = self._data, self._start
            at = end_of(_COMMANDS, data, start)
            self._answer(bytes(data[start:at]))
            self._start = at
            self._forget()
            if self.empty:
                return False
            if data[at] == _IAC and at + 1 == len(data):
                return False
            if data[at] == _IAC and data[at + 1] == _SB:
                self._in_subnegotiation, self._searched = True, 2
            elif data[at] == _IAC and _SB < data[at + 1] < _IAC:
                return False  # its option is still to come
            elif self._after_cr and data[at : at + 1] in LATE_ENDS:
                self._after_cr = False
                self._start += 1
            else:
                self._after_cr = False
                self._in_line, self._searched = True, 0
                return True
        return False

    def _end_of_line(self) -> int | None:
        """Where the line ends; None: its end has not come."""
        pattern = _UP_TO_ANY if self._any_ending else _UP_TO_LF
        while not self._in_subnegotiation or self._end_subnegotiation():
            data, start = self._data, self._start
            at = end_of(pattern, data, start + self._searched)
            self._searched = at - start
            if at == len(data):
                return None
            if data[at] != _IAC:
                return at
            if data[at + 1 : at + 2] != bytes((_SB,)):
                return None  # of a command, the rest is still to come
            self._in_subnegotiation = True
            self._searched += 2
        return None

    def _end_subnegotiation(self) -> bool:
        """Go to the end of the subnegotiation. Has it come?"""
        data, start = self._data, self._start
        at = end_of(_SUBNEGOTIATION, data, start + self._searched)
        self._searched = at - start
        if not self._in_line and self._searched - 2 > self._max_message:
            raise MessageTooLong(self._max_message)
        if len(data) - at < 2:
            return False
        self._in_subnegotiation = False
        if data[at + 1] == _SE:  # any other command breaks it off
            self._searched += 2
        if not self._in_line:
            self._start += self._searched
            self._searched = 0
        return True

    def _pass(self, at: int) -> None:
        """Go on after the line's end, which begins there."""
        data, end = self._data, at + 1
        if data[at] == _CR:
            late = data[end : end + 1] in (b"\n", b"\0")
            self._after_cr = not late
            end += late
        self._start, self._in_line = end, False
        self._forget()

    def _without_commands(self, raw: bytes) -> bytes:
        """The text of a line, in which FF FF is FF."""
        if _IAC not in raw:
            return raw
        self._answer(raw)
        return _COMMAND.sub(rb"\1", raw)

    def _answer(self, raw: bytes) -> None:
        """Refuse the options in some whole commands, each the first time."""
        if not any(ask in raw for ask in _ASKS):
            return
        for command in _COMMAND.finditer(raw):
            asked = command[2]
            if asked and asked[0] in _REFUSALS and asked not in self._answered:
                self._answered.add(asked)
                self._answers += bytes((_IAC, _REFUSALS[asked[0]], asked[1]))
