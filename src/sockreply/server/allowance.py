"""How much may be sent to a peer over UDP, where anybody can send datagrams in its name.

A server whose replies are much longer than the requests can be used to flood others with them. As
in QUIC (RFC 9000, section 8), a peer gets no more than a few times what it has sent.
"""

from __future__ import annotations

HEADERS = 28
"""Bytes of the headers of a datagram (IPv4: 20, UDP: 8); a flood of empty ones is nothing else.
Those of IPv6 are longer, in both directions."""


class Allowance:
    """How much the peer of a session may be sent."""

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
            times: How many bytes the peer may be sent for each that it has sent; this applies both
                without and with the headers.
        """
        went = self._went + size
        headers_went = (self._datagrams_went + 1) * HEADERS
        most = times * self._came
        return went <= most and went + headers_went <= most + times * self._datagrams_came * HEADERS
