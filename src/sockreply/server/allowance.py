"""How much a peer may be sent that nobody has seen: anybody can send datagrams in its name.

A server that answers much to little is used to flood others with its replies. As in QUIC (RFC 9000,
section 8), a peer gets no more than a few times what it sent.
"""

from __future__ import annotations

HEADERS = 28
"""Bytes of the headers of a datagram (IPv4: 20, UDP: 8), in which a flood of empty ones consists.
Those of IPv6 are longer, in both directions."""


class Allowance:
    """What the peer of a session may be sent."""

    __slots__ = ("_came", "_datagrams_came", "_datagrams_went", "_went")

    def __init__(self) -> None:
        self._came = self._went = self._datagrams_came = self._datagrams_went = 0

    def received(self, size: int) -> None:
        """A datagram of so many bytes has come."""
        self._came += size
        self._datagrams_came += 1

    def sent(self, size: int) -> None:
        """A datagram of so many bytes was sent."""
        self._went += size
        self._datagrams_went += 1

    def covers(self, size: int, times: float) -> bool:
        """Whether a datagram may be sent.

        Args:
            size: Its bytes.
            times: How much the peer may be sent for each byte that it has sent; this holds without
                and with the headers.
        """
        went = self._went + size
        headers_went = (self._datagrams_went + 1) * HEADERS
        most = times * self._came
        return went <= most and went + headers_went <= most + times * self._datagrams_came * HEADERS
