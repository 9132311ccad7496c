"""The record: every exchange whole, each as a JSON object on a line of a file."""

from __future__ import annotations

import codecs
from binascii import b2a_base64
from collections.abc import Callable
from datetime import UTC, datetime
from json import JSONEncoder
from typing import Literal, NamedTuple

from twisted.internet.interfaces import IAddress

from sockreply.conversation.exchanges import Exchanges
from sockreply.observing.line_writer import LineWriter
from sockreply.replies.responder import Session
from sockreply.shown import show_address

RECORDED_BYTES = 1 << 20
"""How much of a message is recorded: more than the longest one by default, and little enough for
the longest line to fit into what may wait to be written."""


class _Exchange(NamedTuple):
    """A message that is being answered.

    Args:
        message: The message.
        received: When it was, in seconds as the clock tells.
        shown: Does the log show it too?
    """

    message: bytes
    received: float
    shown: bool


class RecordedExchanges:
    """An exchange log that also records every exchange, when it is over.

    Args:
        log: Is told what it would be told if there were no record.
        writer: Takes the lines; another may be put in its place at any time.
    """

    room = 1
    hidden = 0
    kept = RECORDED_BYTES

    def __init__(self, log: Exchanges, writer: LineWriter) -> None:
        self.writer = writer
        self._shown = log
        self._clock = writer.clock
        self._going_on: dict[Session, _Exchange] = {}

    def listening(self, address: IAddress) -> None:
        self._shown.listening(address)

    def connected(self, session: Session) -> None:
        self._shown.connected(session)

    def received(self, session: Session, message: bytes) -> bool:
        shown = False
        if self._shown.room:
            shown = self._shown.received(session, message)
        else:
            self._shown.hidden += 1
        self._going_on[session] = _Exchange(message, self._clock.seconds(), shown)
        return True

    def answered(self, session: Session, reply: bytes, size: int) -> None:
        if self._record(session, "reply", reply, size):
            self._shown.answered(session, reply, size)

    def silent(self, session: Session) -> None:
        if self._record(session, "silence"):
            self._shown.silent(session)

    def remarked(self, session: Session, say: Callable[[], str]) -> None:
        exchange = self._going_on.get(session)
        if exchange is None or exchange.shown:
            self._shown.remarked(session, say)

    def failed(self, session: Session, error: str) -> None:
        if self._record(session, "error", error=error):
            self._shown.failed(session, error)

    def abandoned(self, session: Session) -> None:
        if self._record(session, "abandoned"):
            self._shown.abandoned(session)

    def disconnected(self, session: Session, why: str) -> None:
        self._shown.disconnected(session, why)

    def _record(
        self,
        session: Session,
        outcome: Literal["reply", "silence", "error", "abandoned"],
        reply: bytes | None = None,
        size: int = 0,
        error: str | None = None,
    ) -> bool:
        """Record an exchange that is over. Does the log show it too?"""
        exchange = self._going_on.pop(session, None)
        if exchange is None:
            return True  # it began before there was a record, and was shown
        message, received, shown = exchange
        taken = max(0.0, self._clock.seconds() - received)  # the clock may be set back
        when = datetime.fromtimestamp(received, UTC).isoformat(timespec="microseconds")
        last = "" if error is None else f', "error": {_text(error)}'
        # Put together by hand, in half the time that a JSON encoder takes.
        line = (
            f'{{"time": "{when}", "service": {_text(session.service)}, '
            f'"connection": {session.number}, "peer": {_text(show_address(session.peer))}, '
            f'"rule": {"null" if session.rule is None else _text(session.rule)}, '
            f'"outcome": "{outcome}", "milliseconds": {taken * 1000:.3f}, '
            f"{_bytes('request', message, len(message))}, {_bytes('reply', reply, size)}{last}}}\n"
        )
        self.writer.write(line.encode())
        return shown


_as_it_is = JSONEncoder(ensure_ascii=False).encode
_escaped = JSONEncoder(ensure_ascii=True).encode


def _text(text: str) -> str:
    """A text in JSON; readable, but with nothing in it that drives a screen or ends a line."""
    encoded = _as_it_is(text)
    return encoded if encoded.isprintable() else _escaped(text)


def _bytes(name: str, data: bytes | None, size: int) -> str:
    """What is told of a message: its text if it is some, its size and its bytes."""
    if data is None:
        return f'"{name}": null, "{name}_bytes": 0, "{name}_base64": null'
    data = data[:RECORDED_BYTES]
    try:
        # A character that the cut goes through is left out.
        text = _text(codecs.utf_8_decode(data, "strict", size <= len(data))[0])
    except UnicodeDecodeError:
        text = "null"
    base64 = b2a_base64(data, newline=False).decode()
    return f'"{name}": {text}, "{name}_bytes": {size}, "{name}_base64": "{base64}"'
