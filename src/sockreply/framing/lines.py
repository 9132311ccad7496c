"""Messages that are lines: `line`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sockreply.framing.affixed import Affixed
from sockreply.framing.delimited import DelimitedFramer
from sockreply.notation import Key, one_of


@dataclass(frozen=True)
class Line(Affixed):
    """LF ends a message, and one CR before it is dropped.

    Args:
        ending: What ends a line that we send; None: CR LF, and what is received may end in any way.
    """

    ending: Annotated[bytes | None, Key(one_of(lf=b"\n", crlf=b"\r\n", any=None))] = b"\n"

    @property
    def affixes(self) -> tuple[bytes, bytes]:
        return b"", self.ending or b"\r\n"

    def framer(self, max_message: int) -> DelimitedFramer:
        if self.ending is None:
            from sockreply.framing.any_ending import AnyEndingFramer  # now, because few want it

            return AnyEndingFramer(max_message)
        return DelimitedFramer(max_message, b"\n", drop_cr=True)

    def never_in(self, data: bytes) -> bytes | None:
        ends = (b"\n", b"\r") if self.ending is None else (b"\n",)
        return next((end for end in ends if end in data), None)
