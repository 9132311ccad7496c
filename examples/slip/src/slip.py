"""SLIP (RFC 1055), a framing that a distribution offers as an entry point.

Open Sound Control 1.1 uses it over TCP, and so does KISS, the protocol of packet radio modems.
"""

import re

from sockreply.errors import ConfigError, Malformed, MessageTooLong
from sockreply.framing import BufferedFramer, Framing

END, ESC = b"\xc0", b"\xdb"
ESCAPED_END, ESCAPED_ESC = ESC + b"\xdc", ESC + b"\xdd"
_NO_ESCAPE = re.compile(rb"\xdb(?![\xdc\xdd])")


class Slip(Framing):
    """A message ends at a byte that is escaped inside messages.

    Args:
        ends: Where that byte goes when a message is sent: "after" it, or before it too ("both"),
            as OSC demands and RFC 1055 recommends.
    """

    binary = True

    def __init__(self, ends: str = "both") -> None:
        if ends not in ("both", "after"):
            raise ConfigError(f"ends={ends}: known are both and after")
        self._before = END if ends == "both" else b""

    def framer(self, max_message: int) -> "SlipFramer":
        """A framer for a new connection."""
        return SlipFramer(max_message)

    def frame(self, message: bytes) -> bytes:
        """The message with its escapes, between its ends."""
        inside = message.replace(ESC, ESCAPED_ESC).replace(END, ESCAPED_END)
        return self._before + inside + END


class SlipFramer(BufferedFramer):
    """Looks for the end of a message. Empty ones are skipped: one's end may begin the next.

    Args:
        max_message: The most bytes that a message may have.
    """

    def __init__(self, max_message: int) -> None:
        super().__init__(max_message)
        self._searched = 0  # bytes from _start on, without an END

    def next_message(self) -> bytes | None:
        """The next message that is complete."""
        packet = b""
        while not packet:
            end = self._data.find(END, self._start + self._searched)
            if end < 0:
                self._searched = self.buffered
                self._check(self._searched // 2)  # all of it may be escapes, of two bytes each
                return None
            packet = bytes(self._data[self._start : end])
            self._start, self._searched = end + 1, 0
            self._forget()
        wrong = _NO_ESCAPE.search(packet)
        if wrong is not None:
            raise Malformed("0xDC or 0xDD after 0xDB", packet[wrong.start() :][:2])
        message = packet.replace(ESCAPED_END, END).replace(ESCAPED_ESC, ESC)
        self._check(len(message))
        return message

    def missing(self) -> str:
        """What `sockreply explain --wire` says about a message that has begun."""
        return "no END (0xC0) yet"

    def _check(self, size: int) -> None:
        if size > self._max_message:
            raise MessageTooLong(self._max_message)
