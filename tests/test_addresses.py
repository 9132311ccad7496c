"""The machines that peers are on."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from twisted.internet.address import HostnameAddress, IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress

from sockreply.addresses import ip_of


@pytest.mark.parametrize(
    ("peer", "ip"),
    [
        (IPv4Address("TCP", "192.0.2.1", 7), "192.0.2.1"),
        (IPv6Address("TCP", "2001:db8::1", 7), "2001:db8::1"),
        (IPv6Address("TCP", "::ffff:192.0.2.1", 7), "192.0.2.1"),
        (IPv6Address("TCP", "fe80::1%eth0", 7), "fe80::1%eth0"),
    ],
)
def test_ip(peer: IAddress, ip: str) -> None:
    """A peer's IP address is that of its machine, whatever kind of socket tells it."""
    assert ip_of(peer) == ip_address(ip)


@pytest.mark.parametrize("peer", [UNIXAddress("/run/x"), HostnameAddress(b"example.org", 7)])
def test_no_ip(peer: IAddress) -> None:
    """Other peers have none."""
    assert ip_of(peer) is None
