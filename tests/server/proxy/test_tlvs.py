"""The other fields of a header, and its checksum."""

from __future__ import annotations

import pytest

from sockreply.server.proxy.tlvs import crc32c


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),  # these from RFC 3720, appendix B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_checksum(data: bytes, checksum: int) -> None:
    """It is CRC-32C."""
    assert crc32c(data) == checksum
