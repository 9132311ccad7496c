"""Redis's protocol: `resp`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sockreply.framing.affixed import Affixed
from sockreply.framing.interfaces import Framer, Framing
from sockreply.framing.resp_commands import CommandFramer
from sockreply.framing.resp_words import words_to_send


@dataclass(frozen=True)
class Resp(Affixed):
    """Commands of Redis clients, as words with a space between them. Replies are sent as they are.

    The facts of a message are its `words`, a list.
    """

    def framer(self, max_message: int) -> CommandFramer:
        return CommandFramer(max_message)

    def mirrored(self) -> RespClient:
        return RespClient()

    def facts_of(self, message: bytes) -> Mapping[str, Any]:
        return {"words": message.split(b" ")}


@dataclass(frozen=True)
class RespClient(Framing):
    """The other side of `Resp`: sends the words of a message, and receives whole values.

    Words are told apart as in a line for Redis: they may be in quotes.
    """

    name = "resp"

    def framer(self, max_message: int) -> Framer:
        from sockreply.framing.resp_replies import ReplyFramer  # now, because no daemon wants it

        return ReplyFramer(max_message)

    def frame(self, message: bytes) -> bytes:
        words = words_to_send(message)
        parts = [b"*%d\r\n" % len(words), *(b"$%d\r\n%b\r\n" % (len(each), each) for each in words)]
        return b"".join(parts)

    def received_as(self, message: bytes) -> bytes:
        return b" ".join(words_to_send(message))

    def mirrored(self) -> Resp:
        return Resp()
