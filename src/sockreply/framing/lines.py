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
        ending: What ends a line that we send.
    """

    ending: Annotated[bytes, Key(one_of(lf=b"\n", crlf=b"\r\n"))] = b"\n"

    @property
    def affixes(self) -> tuple[bytes, bytes]:
        return b"", self.ending

    def framer(self, max_message: int) -> DelimitedFramer:
        return DelimitedFramer(max_message, b"\n", drop_cr=True)

    def never_in(self, data: bytes) -> bytes | None:
        return b"\n" if b"\n" in data else None
