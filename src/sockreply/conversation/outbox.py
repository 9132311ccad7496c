"""The replies of a turn on their way to the transport, joined so that a turn is one write."""

from __future__ import annotations

from typing import Protocol

from sockreply.conversation.counters import Counters
from sockreply.conversation.shared import Dialect
from sockreply.framing.interfaces import Framing
from sockreply.replies.responder import SHORT

BYTES_A_TURN = 65_536
"""How many bytes of replies are made for one connection in a turn; as many as may be unsent."""

MESSAGES_A_TURN = 64
"""How many messages of one connection are answered before others get their turn."""

LEAST_PIECE = SHORT
"""The fewest bytes that a piece of a reply counts as, so that many small ones fill a turn too."""


class Wire(Protocol):
    """What sends."""

    def write(self, data: bytes) -> None:
        """Send, or keep it until it can be sent."""


class Outbox:
    """Gathers what one connection is to be sent, in order, and writes it.

    Args:
        dialect: Frames the plain replies.
        counters: Counts the bytes.
    """

    __slots__ = ("_counters", "_dialect", "_pieces", "framing", "own", "plain", "size", "wire")

    own: Framing
    """Frames what answers no message."""

    framing: Framing
    """Frames what is sent now; the answering side sets it where the framing varies."""

    plain: list[bytes] | None
    """Replies that are one message each, to be framed and sent after everything else in here."""

    size: int
    """How many bytes were made in this turn; the answering side counts them."""

    wire: Wire
    """Sends; to be set when the connection is made."""

    def __init__(self, dialect: Dialect, counters: Counters) -> None:
        self._dialect = dialect
        self._counters = counters
        self.framing = self.own = dialect.framing
        self._pieces: bytes | bytearray = b""
        self.plain = None
        self.size = 0

    @property
    def shown_as(self) -> str:
        """How logs show the messages: an encoding, or "hex"."""
        return self._dialect.shown_as

    def frame(self, message: bytes) -> bytes:
        """The message as it goes over the wire."""
        return self.framing.frame(message)

    def add(self, wire: bytes) -> bool:
        """Add a piece of a reply, as it goes over the wire.

        Returns:
            Was that enough for a turn? Then it is written.
        """
        self.size += max(len(wire), LEAST_PIECE)
        if self.plain:
            wire = self._dialect.join(self.plain) + wire
            self.plain.clear()
        if not self._pieces:
            self._pieces = wire
        else:
            if isinstance(self._pieces, bytes):
                self._pieces = bytearray(self._pieces)  # there may be many small ones
            self._pieces += wire
        if self.size < BYTES_A_TURN:
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Write everything in here, in one piece."""
        plain, wire = self.plain, b""
        if plain:
            wire = self._dialect.join(plain)
            plain.clear()
        if self._pieces:
            wire = bytes(self._pieces) + wire
            self._pieces = b""
        if wire:
            self._counters.sent_bytes += len(wire)
            self.wire.write(wire)

    def discard(self) -> None:
        """Forget everything in here: it can no longer be sent."""
        if self.plain:
            self.plain.clear()
        self._pieces = b""


class SeparateOutbox(Outbox):
    """Writes each message by itself, because each is to be one datagram."""

    __slots__ = ()

    def add(self, wire: bytes) -> bool:
        self.size += max(len(wire), LEAST_PIECE)
        self.flush()
        self._write(wire)
        return self.size >= BYTES_A_TURN

    def flush(self) -> None:
        """Write everything in here, each message by itself."""
        if plain := self.plain:
            for reply in plain:
                self._write(self._dialect.join([reply]))
            plain.clear()

    def _write(self, wire: bytes) -> None:
        self._counters.sent_bytes += len(wire)
        self.wire.write(wire)
