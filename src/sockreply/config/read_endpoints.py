"""Endpoint strings are checked, and the addresses that they take are noted."""

from __future__ import annotations

from sockreply.config.read_data import warn_of_template
from sockreply.config.reading import Reading
from sockreply.server.endpoint_address import address_of


def read_endpoint(written: str, reading: Reading) -> str:
    """An endpoint string that can be listened on."""
    warn_of_template(written, reading)
    reading.listening.append((reading.problems.keys(), address_of(written)))
    return written
