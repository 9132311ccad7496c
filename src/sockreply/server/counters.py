"""What a service has done, in plain integers."""

from __future__ import annotations

from collections import Counter


class Counters:
    """The counts of one service; hot paths only add to them.

    A connection is either open or closed for one reason; a message is answered by a reply or by
    silence, is an error, or is still being answered.
    """

    __slots__ = (
        "closed",
        "connections",
        "dropped_bytes",
        "errors",
        "messages",
        "received_bytes",
        "replies",
        "sent_bytes",
        "silences",
    )

    connections: int
    """Connections taken, ever."""

    closed: Counter[str]
    """Connections that are gone, by the reason for which they went."""

    messages: int
    """Messages received whole."""

    replies: int
    """Messages that were answered with at least one write."""

    silences: int
    """Messages that were answered with nothing."""

    errors: Counter[str]
    """What went wrong, by kind: `reply`, `reply_timeout` and `abandoned` (the peer left while it
    was worked on) are messages without an answer; `too_long`, `malformed` and `truncated` are
    bytes that became no message; `tls` is a handshake or a record
    that made no sense; `unasked` is what could not be sent without a message."""

    received_bytes: int
    """Bytes received."""

    sent_bytes: int
    """Bytes handed to the transport."""

    dropped_bytes: int
    """Bytes received that stood outside of any message, or came when nobody listened any more."""

    def __init__(self) -> None:
        self.connections = self.messages = self.replies = self.silences = 0
        self.received_bytes = self.sent_bytes = self.dropped_bytes = 0
        self.closed = Counter()
        self.errors = Counter()

    @property
    def open_connections(self) -> int:
        """Connections that are there now."""
        return self.connections - self.closed.total()
