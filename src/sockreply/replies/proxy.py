"""The proxy that a connection came through, and the fields of its PROXY header."""

from __future__ import annotations

from typing import NamedTuple

from twisted.internet.interfaces import IAddress


class TLV(NamedTuple):
    """A field of a PROXY header: a type, a length and a value.

    Args:
        type: As in section 2.2 of the specification; 0x05 is a unique ID, for example.
        value: The bytes.
        parts: The fields within it; only one of type 0x20 (TLS at the proxy) has any.
    """

    type: int
    value: bytes
    parts: tuple[TLV, ...] = ()


class Proxy(NamedTuple):
    """The proxy that a connection came through.

    Args:
        address: Its own address, from which it connected to us.
        version: Of its header: 1 or 2.
        own: Did it connect on its own behalf, as for a health check? Then it is the peer.
        tlvs: The fields of its header, without padding and checksum.
    """

    address: IAddress
    version: int
    own: bool
    tlvs: tuple[TLV, ...] = ()
