"""Endpoint strings are checked, and the addresses that they take are noted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sockreply.config.read_data import warn_of_template
from sockreply.config.reading import Reading
from sockreply.errors import BadEndpoint
from sockreply.server.endpoint_address import EndpointAddress, address_of
from sockreply.server.port_ranges import expanded
from sockreply.settings import ListenerSettings


def read_endpoint(written: str, reading: Reading) -> str:
    """An endpoint string that can be listened on."""
    warn_of_template(written, reading)
    reading.listening.append((reading.problems.keys(), address_of(written)))
    return written


def read_endpoints(written: str, reading: Reading) -> tuple[ListenerSettings, ...]:
    """The listeners that an endpoint string stands for: one, or one for each port of a range."""
    warn_of_template(written, reading)
    listeners = expanded(ListenerSettings(written))
    try:
        addresses = list(_addresses(each.endpoint for each in listeners))
    except BadEndpoint as error:
        raise BadEndpoint(written, error.reason) from None
    keys = reading.problems.keys()
    reading.listening.extend((keys, address) for address in addresses)
    return listeners


def _addresses(endpoints: Iterable[str]) -> Iterator[EndpointAddress]:
    """The addresses of endpoints on ports in a row; only the first string is taken apart."""
    first = None
    for place, endpoint in enumerate(endpoints):
        if first is None or first.port is None:  # of what kind nobody knows
            first = address_of(endpoint)
            yield first
        else:
            yield first.on(first.port + place)
