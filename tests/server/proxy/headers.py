"""PROXY headers for tests: what balancers send, and what nobody should."""

from __future__ import annotations

import socket
import struct

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from sockreply.replies.proxy import TLV
from sockreply.server.proxy.header import Header
from sockreply.server.proxy.tlvs import crc32c

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")  # as the specification writes it

CLIENT, FRONT = IPv4Address("TCP", "192.0.2.7", 56324), IPv4Address("TCP", "198.51.100.9", 443)
CLIENT6, FRONT6 = IPv6Address("TCP", "2001:db8::7", 56324), IPv6Address("TCP", "::1", 443)

LINE = b"PROXY TCP4 192.0.2.7 198.51.100.9 56324 443\r\n"


def tlv(kind: int, value: bytes) -> bytes:
    """A field."""
    return struct.pack("!BH", kind, len(value)) + value


def block(rest: bytes, kind: int = 0x11, command: int = 0x21) -> bytes:
    """A header of version 2."""
    return SIGNATURE + struct.pack("!BBH", command, kind, len(rest)) + rest


def inet(source: IPv4Address = CLIENT, destination: IPv4Address = FRONT) -> bytes:
    """The addresses of a header for IPv4."""
    hosts = socket.inet_aton(source.host) + socket.inet_aton(destination.host)
    return hosts + struct.pack("!HH", source.port, destination.port)


def inet6(source: IPv6Address = CLIENT6, destination: IPv6Address = FRONT6) -> bytes:
    """The addresses of a header for IPv6."""
    hosts = (socket.inet_pton(socket.AF_INET6, each.host) for each in (source, destination))
    return b"".join(hosts) + struct.pack("!HH", source.port, destination.port)


def unix(source: bytes, destination: bytes) -> bytes:
    """The addresses of a header for a UNIX socket."""
    return source.ljust(108, b"\0") + destination.ljust(108, b"\0")


def summed(rest: bytes, kind: int = 0x11, command: int = 0x21) -> bytes:
    """A header with a checksum that is right."""
    whole = block(rest + tlv(0x03, bytes(4)), kind, command)
    return whole[:-4] + struct.pack("!I", crc32c(whole))


TLS = bytes([1, 0, 0, 0, 0]) + tlv(0x21, b"TLSv1.3") + tlv(0x22, b"client.example")
FIELDS = (
    (tlv(0x01, b"h2"), TLV(0x01, b"h2")),
    (tlv(0x02, b"example.com"), TLV(0x02, b"example.com")),
    (tlv(0x04, bytes(7)), None),
    (tlv(0x05, bytes(range(128))), TLV(0x05, bytes(range(128)))),
    (tlv(0x20, TLS), TLV(0x20, TLS, (TLV(0x21, b"TLSv1.3"), TLV(0x22, b"client.example")))),
    (tlv(0x30, b"blue"), TLV(0x30, b"blue")),
    (tlv(0xE0, b"\x1b[2J\n"), TLV(0xE0, b"\x1b[2J\n")),
)
"""Each field, and what is kept of it."""

ALL = b"".join(wire for wire, _ in FIELDS)
KEPT = tuple(kept for _, kept in FIELDS if kept is not None)

RIGHT = {
    "v1, TCP4": (LINE, Header(1, source=CLIENT, destination=FRONT)),
    "v1, TCP6": (
        b"PROXY TCP6 2001:DB8:0:0:0:0:0:7 ::1 56324 443\r\n",
        Header(1, source=CLIENT6, destination=FRONT6),
    ),
    "v1, TCP6 with dots": (
        b"PROXY TCP6 ::ffff:192.0.2.7 ::1 0 65535\r\n",
        Header(
            1,
            source=IPv6Address("TCP", "::ffff:192.0.2.7", 0),
            destination=IPv6Address("TCP", "::1", 65535),
        ),
    ),
    "v1, UNKNOWN": (b"PROXY UNKNOWN\r\n", Header(1)),
    "v1, UNKNOWN with words": (b"PROXY UNKNOWN what \r\r ever\n it \xff is\r\n", Header(1)),
    "v1, longest": (
        b"PROXY UNKNOWN " + b" ".join([b"ffff:" * 7 + b"ffff"] * 2) + b" 65535 65535\r\n",
        Header(1),
    ),
    "v2, LOCAL": (block(b"", 0x00, 0x20), Header(2, own=True)),
    "v2, LOCAL with addresses": (block(inet(), 0x11, 0x20), Header(2, own=True)),
    "v2, LOCAL of no family": (block(b"ever", 0xFF, 0x20), Header(2, own=True)),
    "v2, LOCAL with fields": (
        summed(ALL, 0x00, 0x20),
        Header(2, own=True, tlvs=KEPT),
    ),
    "v2, UNSPEC": (block(b"", 0x00), Header(2)),
    "v2, UNSPEC with fields": (summed(ALL, 0x00), Header(2, tlvs=KEPT)),
    "v2, UNSPEC with anything": (block(b"any", 0x01), Header(2)),
    "v2, TCP4": (block(inet()), Header(2, source=CLIENT, destination=FRONT)),
    "v2, TCP6": (block(inet6(), 0x21), Header(2, source=CLIENT6, destination=FRONT6)),
    "v2, UDP": (block(inet(), 0x12), Header(2)),
    "v2, UDP with fields": (block(inet() + ALL, 0x12), Header(2, tlvs=KEPT)),
    "v2, no protocol": (block(inet6(), 0x20), Header(2)),
    "v2, UNIX": (
        block(unix(b"/run/a\x1b\n", b"\0abstract"), 0x31),
        Header(2, source=UNIXAddress(b"/run/a\x1b\n"), destination=UNIXAddress(b"\0abstract")),
    ),
    "v2, UNIX without a name": (
        block(unix(b"", b"x" * 108), 0x31),
        Header(2, source=UNIXAddress(None), destination=UNIXAddress(b"x" * 108)),
    ),
    "v2, fields": (
        block(inet() + ALL),
        Header(2, source=CLIENT, destination=FRONT, tlvs=KEPT),
    ),
    "v2, checksum": (
        summed(inet() + ALL),
        Header(2, source=CLIENT, destination=FRONT, tlvs=KEPT),
    ),
    "v2, longest": (
        block(inet() + tlv(0xE0, bytes(16384 - 16 - 12 - 3))),
        Header(
            2,
            source=CLIENT,
            destination=FRONT,
            tlvs=(TLV(0xE0, bytes(16384 - 16 - 12 - 3)),),
        ),
    ),
}
"""Headers, and what they say."""

WRONG = {
    "no header": (b"GET / HTTP/1.1\r\n", "expected a PROXY header, found b'G'"),
    "almost v1": (b"PROXy TCP4", "expected a PROXY header, found b'PROXy'"),
    "almost v2": (SIGNATURE[:-1] + b"\r", "expected a PROXY header"),
    "v1, other word": (b"PROXY UDP4 192.0.2.7 198.51.100.9 1 2\r\n", "PROXY TCP4 or TCP6"),
    "v1, unknown word": (b"PROXY UNKNOWNS\r\n", "PROXY TCP4 or TCP6"),
    "v1, small letters": (b"PROXY tcp4 192.0.2.7 198.51.100.9 1 2\r\n", "PROXY TCP4 or TCP6"),
    "v1, LF alone": (LINE.replace(b"\r\n", b"\n"), "and CR LF, found"),
    "v1, UNKNOWN with LF alone": (b"PROXY UNKNOWN\n", "and CR LF, found"),
    "v1, CR alone": (LINE.replace(b"\n", b"x") + b"\n", "and CR LF, found"),
    "v1, too long": (b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n", "expected CR LF within 107 bytes"),
    "v1, endless": (b"PROXY TCP4 " + b"1" * 96, "expected CR LF within 107 bytes"),
    "v1, two spaces": (b"PROXY TCP4  192.0.2.7 198.51.100.9 1 2\r\n", "PROXY TCP4 or TCP6"),
    "v1, space at the end": (b"PROXY TCP4 192.0.2.7 198.51.100.9 1 2 \r\n", "PROXY TCP4 or TCP6"),
    "v1, no ports": (b"PROXY TCP4 192.0.2.7 198.51.100.9\r\n", "PROXY TCP4 or TCP6"),
    "v1, port of letters": (b"PROXY TCP4 192.0.2.7 198.51.100.9 x y\r\n", "two ports"),
    "v1, port too high": (
        b"PROXY TCP4 192.0.2.7 198.51.100.9 65536 2\r\n",
        "expected a port from 0 to 65535, found b'65536'",
    ),
    "v1, port with zero": (b"PROXY TCP4 192.0.2.7 198.51.100.9 01 2\r\n", "two ports"),
    "v1, port with sign": (b"PROXY TCP4 192.0.2.7 198.51.100.9 +1 2\r\n", "two ports"),
    "v1, address with zero": (
        b"PROXY TCP4 192.0.02.7 198.51.100.9 1 2\r\n",
        "expected an IPv4 address, found b'192.0.02.7'",
    ),
    "v1, short address": (b"PROXY TCP4 192.0.7 198.51.100.9 1 2\r\n", "an IPv4 address"),
    "v1, address too high": (b"PROXY TCP4 192.0.2.256 198.51.100.9 1 2\r\n", "an IPv4 address"),
    "v1, other family": (b"PROXY TCP4 ::1 198.51.100.9 1 2\r\n", "an IPv4 address, found b'::1'"),
    "v1, other family, too": (b"PROXY TCP6 ::1 198.51.100.9 1 2\r\n", "an IPv6 address"),
    "v1, two double colons": (b"PROXY TCP6 1::2::3 ::1 1 2\r\n", "an IPv6 address"),
    "v1, zone": (b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "PROXY TCP4 or TCP6"),
    "v1, not ASCII": (b"PROXY TCP4 \xff 198.51.100.9 1 2\r\n", "PROXY TCP4 or TCP6"),
    "v1, NUL": (b"PROXY TCP4 192.0.2.7\0 198.51.100.9 1 2\r\n", "PROXY TCP4 or TCP6"),
    "v2, version 1": (block(inet(), command=0x11), r"0x21 (PROXY), found b'\x11'"),
    "v2, version 3": (block(inet(), command=0x31), r"0x21 (PROXY), found b'1'"),
    "v2, command 2": (block(inet(), command=0x22), r"""0x21 (PROXY), found b'"'"""),
    "v2, family 4": (block(inet(), 0x41), "expected a family and a protocol, found b'A'"),
    "v2, protocol 3": (block(inet(), 0x13), "expected a family and a protocol"),
    "v2, short addresses": (block(inet()[:-1]), "expected 12 bytes of addresses"),
    "v2, short addresses 6": (block(inet6()[:-1], 0x21), "expected 36 bytes of addresses"),
    "v2, short addresses UNIX": (block(bytes(215), 0x31), "expected 216 bytes of addresses"),
    "v2, too long": (block(bytes(16384 - 15)), "expected a header of at most 16384 bytes"),
    "v2, field without length": (block(inet() + b"\x04\0"), "expected a whole field"),
    "v2, field cut off": (block(inet() + tlv(0x04, b"four")[:-1]), "expected a whole field"),
    "v2, checksum wrong": (
        summed(inet() + ALL).replace(b"example.com", b"example.org"),
        "expected the checksum",
    ),
    "v2, checksum wrong, LOCAL": (
        summed(ALL, 0x00, 0x20).replace(b"example.com", b"example.org"),
        "expected the checksum",
    ),
    "v2, short checksum": (block(inet() + tlv(0x03, b"abc")), "one checksum of 4 bytes"),
    "v2, two checksums": (block(inet() + tlv(0x03, bytes(4)) * 2), "one checksum of 4 bytes"),
    "v2, long unique ID": (block(inet() + tlv(0x05, bytes(129))), "a unique ID of 128 bytes"),
    "v2, short TLS": (block(inet() + tlv(0x20, bytes(4))), "at least 5 bytes about TLS"),
    "v2, TLS cut off": (block(inet() + tlv(0x20, TLS[:-1])), "expected a whole field"),
}
"""What begins a connection and is no header, and what is said of it."""
