"""The other fields of a version 2 header: type, length, value."""

from __future__ import annotations

from functools import cache

from sockreply.errors import Malformed
from sockreply.replies.proxy import TLV

CRC32C, NOOP, UNIQUE_ID, SSL = 0x03, 0x04, 0x05, 0x20
"""The types that mean something to us; all others are only kept."""

UNIQUE_ID_BYTES = 128
"""Most bytes of a unique ID, as the specification has it."""

_HEAD = 3  # bytes of a type and a length
_SSL_HEAD = 5  # bytes of what the client showed, and of the result of verifying it
_CHECKSUM = 4  # bytes
_SHOWN = 16  # bytes of a wrong value, in an error


def split_tlvs(data: bytes) -> list[tuple[int, int, bytes]]:
    """Where the value of each field begins, its type, and its value.

    Raises:
        Malformed: The last field is cut off.
    """
    fields: list[tuple[int, int, bytes]] = []
    at = 0
    while at < len(data):
        start = at + _HEAD
        end = start + int.from_bytes(data[at + 1 : start])
        if start > len(data) or end > len(data):
            raise Malformed("a whole field", data[at:start])
        fields.append((start, data[at], data[start:end]))
        at = end
    return fields


def check_tlvs(block: bytes, at: int) -> tuple[TLV, ...]:
    """The fields of a header, without padding and checksum.

    Args:
        block: The whole header, which the checksum is of.
        at: Where they begin.

    Raises:
        Malformed: One of them is wrong, or the checksum is that of another header.
    """
    tlvs: list[TLV] = []
    checksums: list[int] = []
    for start, kind, value in split_tlvs(block[at:]):
        if kind == CRC32C:
            if checksums or len(value) != _CHECKSUM:
                raise Malformed(f"one checksum of {_CHECKSUM} bytes", value[:_SHOWN])
            checksums.append(at + start)
        elif kind == UNIQUE_ID and len(value) > UNIQUE_ID_BYTES:
            raise Malformed(f"a unique ID of {UNIQUE_ID_BYTES} bytes", value[:_SHOWN])
        elif kind == SSL:
            if len(value) < _SSL_HEAD:
                raise Malformed(f"at least {_SSL_HEAD} bytes about TLS", value)
            parts = tuple(TLV(*part[1:]) for part in split_tlvs(value[_SSL_HEAD:]))
            tlvs.append(TLV(kind, value, parts))
        elif kind != NOOP:
            tlvs.append(TLV(kind, value))
    for start in checksums:
        _verify(block, start)
    return tuple(tlvs)


def crc32c(data: bytes) -> int:
    """The checksum of RFC 4960, appendix B."""
    table, sum_ = _table(), 0xFFFFFFFF
    for byte in data:
        sum_ = table[(sum_ ^ byte) & 0xFF] ^ (sum_ >> 8)
    return sum_ ^ 0xFFFFFFFF


def _verify(block: bytes, at: int) -> None:
    found = block[at : at + _CHECKSUM]
    expected = crc32c(block[:at] + bytes(_CHECKSUM) + block[at + _CHECKSUM :])
    if int.from_bytes(found) != expected:
        raise Malformed(f"the checksum {expected:08x}", found)


@cache
def _table() -> list[int]:
    """What eight steps make of each byte."""
    table = []
    for byte in range(256):
        rest = byte
        for _ in range(8):
            rest = (rest >> 1) ^ (0x82F63B78 if rest & 1 else 0)  # the polynomial, reversed
        table.append(rest)
    return table
