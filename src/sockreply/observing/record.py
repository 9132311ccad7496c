"""The record: what every connection received and sent, each event a JSON object on a line."""

from __future__ import annotations

import codecs
from binascii import b2a_base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from twisted.internet.interfaces import IAddress

from sockreply.clocks import time_of_day
from sockreply.conversation.arrival import Arrival
from sockreply.conversation.exchanges import Exchanges, Piece, Said, Silence
from sockreply.observing.json_text import json_text
from sockreply.observing.line_writer import LineWriter
from sockreply.observing.proxies import proxy_json
from sockreply.replies.session import Session
from sockreply.shown import HEX, show_address

RECORDED_BYTES = 1 << 20
"""How much of a message is recorded: more than the longest one by default, and little enough for
the longest line to fit into what may wait to be written."""


class _Exchange(NamedTuple):
    """A message that is being answered.

    Args:
        message: The message.
        arrival: How it came.
        began: When its turn to be answered came, in seconds of the clock.
        shown: Does the log show it too?
    """

    message: bytes
    arrival: Arrival
    began: float
    shown: bool


class _Connection:
    """What is remembered of a connection until it is gone.

    Args:
        opened: When it was made, in seconds of the clock; None: before there was a record.
    """

    __slots__ = ("exchange", "opened", "received", "sent")

    def __init__(self, opened: float | None = None) -> None:
        self.opened = opened
        self.received = self.sent = 0  # bytes, over the wire
        self.exchange: _Exchange | None = None


class RecordedExchanges:
    """An exchange log that also records everything that happens on a connection.

    Args:
        log: Is told what it would be told if there were no record.
        writer: Takes the lines; another may be put in its place at any time.
    """

    room = 1
    hidden = 0
    kept = RECORDED_BYTES
    exact = True

    def __init__(self, log: Exchanges, writer: LineWriter) -> None:
        self.writer = writer
        self._shown = log
        self._clock = writer.clock
        self._connections: dict[Session, _Connection] = {}

    def unshown(self) -> set[Session]:
        """The connections with an exchange under way that the log does not show."""
        return {
            session
            for session, connection in self._connections.items()
            if connection.exchange is not None and not connection.exchange.shown
        }

    def listening(self, address: IAddress, *, ports: int = 1) -> None:
        self._shown.listening(address, ports=ports)

    def connected(self, session: Session, *, where: bool = False) -> None:
        now = self._clock.seconds()
        self._connections[session] = _Connection(now)
        text = f', "local": {json_text(show_address(session.host))}{proxy_json(session.proxy)}'
        self._write(session, "connected", now, text)
        self._shown.connected(session, where=where)

    def secured(self, session: Session) -> None:
        known = ", ".join(
            f'"{name}": {json_text(getattr(session.tls, name, ""))}'
            for name in ("version", "cipher", "sni", "subject")
        )
        self._write(session, "tls", self._clock.seconds(), f", {known}")
        self._shown.secured(session)

    def received(self, session: Session, message: bytes, arrival: Arrival) -> bool:
        shown = False
        if self._shown.room:
            shown = self._shown.received(session, message, arrival)
        else:
            self._shown.hidden += 1
        connection = self._of(session)
        connection.exchange = _Exchange(message, arrival, self._clock.seconds(), shown)
        connection.received += 0 if arrival.wire is None else len(arrival.wire)
        return True

    def answered(self, session: Session, said: Said) -> None:
        if self._record(session, "reply", said):
            self._shown.answered(session, said)

    def silent(self, session: Session, how: Silence) -> None:
        if self._record(session, "silence" if how == "unanswered" else how):
            self._shown.silent(session, how)

    def remarked(self, session: Session, say: Callable[[], str]) -> None:
        exchange = self._of(session).exchange
        if exchange is None or exchange.shown:
            self._shown.remarked(session, say)

    def failed(self, session: Session, error: str, said: Said | None) -> None:
        if self._record(session, "error", said, error=error):
            self._shown.failed(session, error, said)

    def abandoned(self, session: Session, said: Said | None) -> None:
        if self._record(session, "abandoned", said):
            self._shown.abandoned(session, said)

    def sent(self, session: Session, said: Said) -> None:
        self._of(session).sent += said.size
        self._write(session, "sent", self._clock.seconds(), self._said(session, said))
        if self._shown.room:
            self._shown.sent(session, said)
        else:
            self._shown.hidden += 1

    def dropped(self, session: Session, at: int, data: bytes) -> None:
        self._of(session).received += len(data)
        text = f', "at": {at}, "bytes": {len(data)}, "wire": "{_base64(data)}"'
        self._write(session, "dropped", self._clock.seconds(), text)
        self._shown.dropped(session, at, data)

    def unfinished(
        self, session: Session, rest: bytes, at: int | None, why: str, told: bool
    ) -> None:
        if at is not None:
            self._of(session).received += len(rest)
        what = _message(rest, len(rest), session.shown_as)
        text = f', "why": "{why}", "request": {{{what}{_place(at, rest)}}}'
        self._write(session, "unfinished", self._clock.seconds(), text)
        self._shown.unfinished(session, rest, at, why, told)

    def disconnected(self, session: Session, why: str) -> None:
        connection, now = self._of(session), self._clock.seconds()
        del self._connections[session]
        text = f', "why": "{why}"'
        if connection.opened is not None:
            text += (
                f', "seconds": {max(0.0, now - connection.opened):.6f}, '
                f'"received_bytes": {connection.received}, "sent_bytes": {connection.sent}'
            )
        self._write(session, "disconnected", now, text)
        self._shown.disconnected(session, why)

    def _of(self, session: Session) -> _Connection:
        """What is known of a connection, which may have been made before there was a record."""
        known = self._connections.get(session)
        if known is None:
            known = self._connections[session] = _Connection()
        return known

    def _record(
        self,
        session: Session,
        outcome: Silence | Literal["reply", "error", "abandoned"],
        said: Said | None = None,
        error: str | None = None,
    ) -> bool:
        """Record an exchange that is over. Does the log show it too?"""
        connection = self._of(session)
        exchange, connection.exchange = connection.exchange, None
        if exchange is None:
            return True  # it began before there was a record, and was shown
        message, (time, at, wire), began, shown = exchange
        came = began if time is None else time
        waited, taken = began - came, self._clock.seconds() - came
        if said is not None:
            connection.sent += said.size
        # Put together by hand, in half the time that a JSON encoder takes.
        text = (
            f', "rule": {"null" if session.rule is None else json_text(session.rule)}, '
            f'"outcome": "{outcome}", "waited_ms": {max(0.0, waited) * 1000:.3f}, '
            f'"milliseconds": {max(0.0, taken) * 1000:.3f}, '  # the clock may be set back
            f'"request": {{{_message(message, len(message), session.shown_as)}'
            f"{_place(at, wire)}}}{self._said(session, said)}"
        )
        if error is not None:
            text += f', "error": {json_text(error)}'
        self._write(session, "exchange", came, text)
        return shown

    def _said(self, session: Session, said: Said | None) -> str:
        """What was sent, piece by piece, and how many bytes went over the wire."""
        if said is None:
            return ', "replies": [], "sent_bytes": 0'
        pieces = ", ".join(_piece(piece, session.shown_as) for piece in said.pieces)
        return f', "replies": [{pieces}], "sent_bytes": {said.size}'

    def _write(self, session: Session, event: str, time: float, text: str) -> None:
        moment = datetime.fromtimestamp(time_of_day(self._clock, time), UTC)
        when = moment.isoformat(timespec="microseconds")
        line = (
            f'{{"event": "{event}", "time": "{when}", "service": {json_text(session.service)}, '
            f'"connection": {session.number}, '
            f'"peer": {json_text(show_address(session.peer))}{text}}}\n'
        )
        self.writer.write(line.encode())


def _base64(data: bytes | bytearray) -> str:
    return b2a_base64(data[:RECORDED_BYTES], newline=False).decode()


def _message(data: bytes | bytearray, size: int, shown_as: str) -> str:
    """Bytes as JSON: their text, or else their hex digits, and how many there are."""
    data = data[:RECORDED_BYTES]
    if shown_as != HEX:
        try:
            # A character that the cut goes through is left out.
            decoder = codecs.getincrementaldecoder(shown_as)()
            return f'"text": {json_text(decoder.decode(data, size <= len(data)))}, "bytes": {size}'
        except UnicodeDecodeError:
            pass
    return f'"hex": "{data.hex()}", "bytes": {size}'


def _place(at: int | None, wire: bytes | None) -> str:
    """Where bytes stood among all that their connection received, and what they were."""
    return "" if at is None or wire is None else f', "at": {at}, "wire": "{_base64(wire)}"'


def _piece(piece: Piece, shown_as: str) -> str:
    message, wire, size = piece
    if message is None:
        return f'{{"raw": true, {_message(wire, size, shown_as)}, "wire": "{_base64(wire)}"}}'
    return f'{{{_message(message, size, shown_as)}, "wire": "{_base64(wire)}"}}'
