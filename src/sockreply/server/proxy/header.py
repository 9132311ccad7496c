"""A PROXY header of either version, read from the first bytes of a connection."""

from __future__ import annotations

from typing import NamedTuple

from twisted.internet.interfaces import IAddress

from sockreply.errors import Malformed
from sockreply.replies.proxy import TLV
from sockreply.server.proxy import version1, version2


class Header(NamedTuple):
    """What a header says.

    Args:
        version: 1 or 2.
        own: Does the proxy speak for itself, as in a health check?
        source: The client's address; None: the header names none, and that of the connection holds.
        destination: The address that the client connected to; None: the same.
        tlvs: What else it says.
    """

    version: int
    own: bool = False
    source: IAddress | None = None
    destination: IAddress | None = None
    tlvs: tuple[TLV, ...] = ()


def read_header(data: bytes | bytearray) -> tuple[Header, int] | None:
    """Read the header that a connection begins with, however it was cut.

    Args:
        data: All that has come so far.

    Returns:
        The header and its size in bytes; None: it is not complete.

    Raises:
        Malformed: There is no header, or a wrong one. More bytes would not change that.
    """
    if data.startswith(version2.SIGNATURE):
        block = version2.read_block(data)
        return None if block is None else (Header(2, *block[:-1]), block[-1])
    if data.startswith(version1.BEGIN):
        line = version1.read_line(data)
        return None if line is None else (Header(1, False, *line[:-1]), line[-1])
    starts, first = (version1.BEGIN, version2.SIGNATURE), bytes(data[: len(version2.SIGNATURE)])
    for size in range(1, len(first) + 1):
        if not any(start.startswith(first[:size]) for start in starts):
            raise Malformed("a PROXY header", first[:size])
    return None
