"""The machines that peers are on."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from twisted.internet import address
from twisted.internet.interfaces import IAddress


def ip_of(peer: IAddress) -> IPv4Address | IPv6Address | None:
    """The IP address of a peer; None: it has none, such as a peer on a UNIX socket. Never raises.

    An IPv6 socket names its IPv4 peers `::ffff:192.0.2.1`; that is the IPv4 address.
    """
    if not isinstance(peer, address.IPv4Address | address.IPv6Address):
        return None
    try:
        ip = ip_address(peer.host)
    except ValueError:  # whoever made it may have put anything there
        return None
    return (isinstance(ip, IPv6Address) and ip.ipv4_mapped) or ip
