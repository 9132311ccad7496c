"""What a rule's replies come from."""

from __future__ import annotations

from typing import Protocol

from sockreply.replies.reply import Reply
from sockreply.rules.asked import Asked
from sockreply.rules.replies.data import Constant
from sockreply.rules.replies.parts import SendPart
from sockreply.rules.replies.recipes import Recipe


class ReplySource(Protocol):
    """Makes a rule's replies."""

    @property
    def fixed(self) -> bytes | Reply | None:
        """The reply, when it is the same for every message."""

    def make(self, asked: Asked) -> bytes | Reply:
        """The reply to one message."""

    def told(self, asked: Asked) -> list[str]:
        """What `make` would make, a line a step; nothing is sent, run or counted."""


def source_of(reply: ReplySource | bytes) -> ReplySource:
    """Makes a source of what a program gives as a reply; bytes are one message.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(reply, bytes):
        return Recipe([SendPart(Constant(reply))])
    if not callable(getattr(reply, "make", None)):
        raise TypeError(f"a rule's reply is bytes or reply(...), not {type(reply).__name__}")
    return reply
