"""Endpoint strings are checked, and the addresses that they take are noted."""

from __future__ import annotations

from sockreply.config.reading import Reading
from sockreply.server.endpoint_address import address_of


def read_endpoint(written: str, reading: Reading) -> str:
    """An endpoint string that can be listened on."""
    reading.listening.append((reading.problems.keys(), address_of(written)))
    return written
