"""Version 2 of the PROXY header: a block of bytes."""

from __future__ import annotations

import socket
from typing import TypeAlias

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress

from sockreply.errors import Malformed
from sockreply.replies.proxy import TLV
from sockreply.server.proxy.tlvs import check_tlvs, split_tlvs

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"

MOST_BYTES = 16_384
"""Most bytes of a header: as many as HAProxy can make one of (tune.bufsize). The length field could
say four times as much; a client's certificate, which is the longest field, has some thousands."""

Block: TypeAlias = tuple[bool, IAddress | None, IAddress | None, tuple[TLV, ...], int]
"""Does the proxy speak for itself? The source, the destination, the other fields, and the size."""

_FIXED = 16  # bytes before the addresses
_VERSION = 2
_LOCAL, _PROXY = 0, 1
_UNSPECIFIED, _INET, _INET6, _UNIX = range(4)
_STREAM, _DATAGRAM = 1, 2
_PATH = 108  # bytes, as in sockaddr_un
_ADDRESS_BYTES = {_UNSPECIFIED: 0, _INET: 12, _INET6: 36, _UNIX: 2 * _PATH}


def read_block(data: bytes | bytearray) -> Block | None:
    """Read the block that `data` begins with; None: it is not complete.

    Raises:
        Malformed: It is wrong.
    """
    if len(data) < _FIXED:
        return None
    version, command = divmod(data[12], 16)
    if version != _VERSION or command not in (_LOCAL, _PROXY):
        raise Malformed("0x20 (LOCAL) or 0x21 (PROXY)", bytes(data[12:13]))
    family, protocol = divmod(data[13], 16)
    if command == _PROXY and (family > _UNIX or protocol > _DATAGRAM):
        raise Malformed("a family and a protocol", bytes(data[13:14]))
    size = _FIXED + int.from_bytes(data[14:16])
    if size > MOST_BYTES:
        raise Malformed(f"a header of at most {MOST_BYTES} bytes", bytes(data[14:16]))
    if len(data) < size:
        return None
    block = bytes(data[:size])
    if command == _LOCAL:
        return True, None, None, _loose_tlvs(block, _FIXED), size
    at = _FIXED + _ADDRESS_BYTES[family]
    if family == _UNSPECIFIED or protocol != _STREAM:  # nothing that we could name
        return False, None, None, _loose_tlvs(block, at), size
    if size < at:
        raise Malformed(f"{at - _FIXED} bytes of addresses", block[14:16])
    return False, *_addresses(family, block[_FIXED:at]), check_tlvs(block, at), size


def _loose_tlvs(block: bytes, at: int) -> tuple[TLV, ...]:
    """The fields of a block whose addresses have to be ignored, whatever stands in their place."""
    try:
        split_tlvs(block[at:])
    except Malformed:
        return ()
    return check_tlvs(block, at)


def _addresses(family: int, data: bytes) -> tuple[IAddress, IAddress]:
    """The source and the destination."""
    if family == _UNIX:
        return _path(data[:_PATH]), _path(data[_PATH:])
    size, kind, make = (
        (4, socket.AF_INET, IPv4Address) if family == _INET else (16, socket.AF_INET6, IPv6Address)
    )
    hosts = (socket.inet_ntop(kind, data[at : at + size]) for at in (0, size))
    ports = (int.from_bytes(data[at : at + 2]) for at in (2 * size, 2 * size + 2))
    source, destination = (make("TCP", *each) for each in zip(hosts, ports, strict=True))
    return source, destination


def _path(field: bytes) -> UNIXAddress:
    """The socket at the path in a field; one that begins with NUL is an abstract name."""
    name = field.rstrip(b"\0") if field.startswith(b"\0") else field.partition(b"\0")[0]
    return UNIXAddress(name or None)
