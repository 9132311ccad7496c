"""The responders that need no code: one fixed reply, and echo."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from sockreply.replies.reply import Reply
from sockreply.replies.responder import SHORT
from sockreply.replies.session import Session

TEXTBOOK_REPLY = "서버로부터 응답 메시지입니다."
"""What the textbook server says; UTF-8 on the wire."""


class FixedReply:
    """Answers every message with the same reply.

    Args:
        reply: The answer.
    """

    def __init__(self, reply: bytes | Reply) -> None:
        self._reply = reply
        self._together = [reply] if isinstance(reply, bytes) and len(reply) <= SHORT else []

    def respond(self, message: bytes, session: Session) -> bytes | Reply:  # noqa: ARG002 - fixed
        return self._reply

    def respond_all(
        self,
        messages: Sequence[bytes],
        session: Session,  # noqa: ARG002 - fixed
    ) -> list[bytes]:
        return self._together * len(messages)


class Echo:
    """Answers every message with itself."""

    def respond(self, message: bytes, session: Session) -> bytes:  # noqa: ARG002 - needs no more
        return message

    def respond_all(self, messages: Sequence[bytes], session: Session) -> list[bytes]:  # noqa: ARG002 - needs no more
        return list(takewhile(lambda message: len(message) <= SHORT, messages))
