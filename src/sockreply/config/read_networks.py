"""Networks of peers: addresses, with or without a mask."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

from sockreply.config.reading import Reading
from sockreply.config.wording import excerpt
from sockreply.errors import ConfigError


def read_networks(
    written: str | list[str], reading: Reading
) -> tuple[IPv4Network | IPv6Network, ...]:
    """The networks that a text or a list names, as far as they are right."""
    networks: list[IPv4Network | IPv6Network] = []
    for at, text in reading.problems.each(written):
        with at:
            networks.append(read_network(text))
    return tuple(networks)


def read_network(text: str) -> IPv4Network | IPv6Network:
    """The network that a text names.

    Raises:
        ConfigError: It names none.
    """
    try:
        return ip_network(text)
    except ValueError:
        try:
            right = ip_network(text, strict=False)
        except ValueError:
            raise ConfigError(
                f"{excerpt(text)} is not a network; for example 192.0.2.0/24, ::1"
            ) from None
    raise ConfigError(f"{excerpt(text)} has bits set after its mask; the network is {right}")
