"""Version 1 of the PROXY header: a line of text."""

from __future__ import annotations

import re
import socket
from typing import TypeAlias

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress

from sockreply.errors import Malformed

BEGIN = b"PROXY "

LINE_BYTES = 107
"""Most bytes of a line with its end: that of two IPv6 addresses in full, as the specification
counts."""

Line: TypeAlias = tuple[IAddress | None, IAddress | None, int]
"""The source, the destination and the size; without addresses, those of the connection hold."""

_UNKNOWN = b"PROXY UNKNOWN "
_PORT = rb"(0|[1-9][0-9]{0,4})"
_ADDRESS = rb"([0-9A-Fa-f:.]+)"  # without the %eth0 that some parsers of IPv6 would take
_LINE = re.compile(rb"PROXY TCP([46]) " + b" ".join([_ADDRESS, _ADDRESS, _PORT, _PORT]) + rb"\r\n")
_MOST_PORT = 65535


def read_line(data: bytes | bytearray) -> Line | None:
    """Read the line that `data` begins with; None: it is not complete.

    Raises:
        Malformed: It is wrong.
    """
    unknown = data.startswith(_UNKNOWN)
    end = b"\r\n" if unknown else b"\n"  # before the end of an unknown one, anything may stand
    at = data.find(end, 0, LINE_BYTES)
    if at < 0:
        if len(data) < LINE_BYTES:
            return None
        raise Malformed(f"CR LF within {LINE_BYTES} bytes", bytes(data[:LINE_BYTES]))
    size = at + len(end)
    line = bytes(data[:size])
    if unknown or line == b"PROXY UNKNOWN\r\n":
        return None, None, size
    found = _LINE.fullmatch(line)
    if found is None:
        raise Malformed("PROXY TCP4 or TCP6, two addresses, two ports and CR LF", line)
    version, source, destination, *ports = found.groups()
    return _address(version, source, ports[0]), _address(version, destination, ports[1]), size


def _address(version: bytes, host: bytes, port: bytes) -> IPv4Address | IPv6Address:
    """An address in the one way in which we write it.

    Raises:
        Malformed: It is none.
    """
    family = socket.AF_INET if version == b"4" else socket.AF_INET6
    try:  # it wants four numbers without leading zeros, as the specification does
        plain = socket.inet_ntop(family, socket.inet_pton(family, host.decode("ascii")))
    except OSError:
        raise Malformed(f"an IPv{version.decode()} address", host) from None
    if int(port) > _MOST_PORT:
        raise Malformed(f"a port from 0 to {_MOST_PORT}", port)
    return (IPv4Address if version == b"4" else IPv6Address)("TCP", plain, int(port))
