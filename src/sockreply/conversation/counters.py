"""What a service has done, in plain integers."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

REPLY_SECONDS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
"""The upper bounds, in seconds, of the ranges in which reply times are counted: from a reply that
is merely computed to the longest that a responder may take."""


class Histogram:
    """How many times fell into which range.

    Args:
        bounds: The upper ends of the ranges, in seconds, ascending; one more range is above them.
    """

    __slots__ = ("bounds", "counts", "sum")

    counts: list[int]
    """How many, range by range."""

    sum: float
    """Of all of them, in seconds."""

    def __init__(self, bounds: tuple[float, ...] = REPLY_SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, seconds: float, times: int = 1) -> None:
        """Count a time, which several things took."""
        self.counts[bisect_left(self.bounds, seconds)] += times
        self.sum += seconds * times


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
        "handshakes",
        "limited",
        "messages",
        "received_bytes",
        "refused",
        "replies",
        "reply_seconds",
        "sent_bytes",
        "silences",
        "unsent",
    )

    connections: int
    """Connections accepted so far."""

    refused: Counter[str]
    """Connections refused, which are closed at once and do not count as accepted, by reason."""

    limited: Counter[str]
    """How often a peer exceeded one of its limits, by what is limited: `connections`, `messages`,
    `bytes`. It then had to wait, or its connection was closed or refused."""

    closed: Counter[str]
    """Connections that have ended, by reason."""

    messages: int
    """Complete messages received."""

    replies: int
    """Messages answered with at least one write."""

    silences: int
    """Messages answered with silence."""

    errors: Counter[str]
    """What went wrong, by kind: `reply`, `reply_timeout` and `abandoned` (the peer left while it
    was worked on) are messages without an answer; `too_long`, `malformed` and `truncated` are
    bytes that became no message; `overrun` is a datagram that came while too many of its peer
    waited; `tls` is a handshake or a record that made no sense; `unasked` is what could not be sent
    without a message; `internal` is an error on our side that ended a connection."""

    handshakes: Counter[str]
    """TLS handshakes that succeeded, by the version of TLS, such as "TLSv1.3"."""

    received_bytes: int
    """Bytes received."""

    sent_bytes: int
    """Bytes handed to the transport."""

    reply_seconds: Histogram | None
    """From the read that completed a message to the write of its reply; None: not measured."""

    dropped_bytes: int
    """Bytes received outside any message, or once no more was answered."""

    unsent: Counter[str]
    """Datagrams that were not sent, by reason: `amplification` (too much for what their
    peer has sent), `too_long` (more than a datagram can hold), `full` (the system took no more)
    and `unreachable` (it knows no way to the peer)."""

    def __init__(self) -> None:
        self.connections = self.messages = self.replies = self.silences = 0
        self.received_bytes = self.sent_bytes = self.dropped_bytes = 0
        self.closed = Counter()
        self.refused = Counter()
        self.limited = Counter()
        self.reply_seconds = None
        self.errors = Counter()
        self.handshakes = Counter()
        self.unsent = Counter()

    @property
    def open_connections(self) -> int:
        """Connections that are open now."""
        return self.connections - self.closed.total()
