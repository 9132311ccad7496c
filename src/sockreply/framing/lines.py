"""Messages that are lines: `line`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sockreply.errors import ConfigError
from sockreply.framing.delimited import DelimitedFramer
from sockreply.framing.interfaces import Framer, Framing
from sockreply.notation import Key, one_of, yes_or_no


@dataclass(frozen=True)
class Line(Framing):
    """LF ends a message, and one CR before it is dropped.

    Args:
        ending: What ends a line that we send; None: CR LF, and what is received may end in any way.
        telnet: Are telnet commands removed from what is received, and options refused?
        blocks: May a line contain blocks of any bytes, as instruments send them?
    """

    ending: Annotated[bytes | None, Key(one_of(lf=b"\n", crlf=b"\r\n", any=None))] = b"\n"
    telnet: Annotated[bool, Key(one_of(no=False, strip=True))] = False
    blocks: Annotated[bool, Key(yes_or_no)] = False

    def __post_init__(self) -> None:
        if self.blocks and (self.telnet or self.ending is None):
            other = "telnet=strip" if self.telnet else "ending=any"
            raise ConfigError(
                f"blocks=yes cannot be combined with {other}, because IEEE 488.2 ends lines in LF"
                " and sends the bytes of a block as they are"
            )

    @property
    def affixes(self) -> tuple[bytes, bytes] | None:
        return None if self.telnet else (b"", self._end)

    def mark_after(self, message: bytes) -> bytes:  # noqa: ARG002 - the same for all
        return b"\r\n"  # the CR is not always there, but part of the mark if it is

    @property
    def speaks(self) -> bool:
        return self.telnet

    def frame(self, message: bytes) -> bytes:
        if self.telnet:
            message = message.replace(b"\xff", b"\xff\xff")
        return message + self._end

    def framer(self, max_message: int) -> Framer:
        # The others are loaded here, because few want them.
        if self.blocks:
            from sockreply.framing.blocks import BlockFramer

            return BlockFramer(max_message)
        if self.telnet:
            from sockreply.framing.telnet import TelnetFramer

            return TelnetFramer(max_message, any_ending=self.ending is None)
        if self.ending is None:
            from sockreply.framing.any_ending import AnyEndingFramer

            return AnyEndingFramer(max_message)
        return DelimitedFramer(max_message, b"\n", drop_cr=True)

    def never_in(self, data: bytes) -> bytes | None:
        if self.blocks:
            return None
        ends = (b"\n", b"\r") if self.ending is None else (b"\n",)
        return next((end for end in ends if end in data), None)

    @property
    def _end(self) -> bytes:
        return b"\r\n" if self.ending is None else self.ending
