"""The address that an endpoint string stands for, whether it can be one, and what else has it."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from twisted.internet.endpoints import quoteStringArgument
from twisted.internet.protocol import ServerFactory

from sockreply.errors import BadEndpoint
from sockreply.server.endpoints import asks_to_listen, endpoint_from, is_datagram
from sockreply.server.port_ranges import MOST_PORT
from sockreply.server.proxy.believed import without_prefix
from sockreply.server.recording_reactor import Asked, RecordingReactor

_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - they are only compared with
_LONGEST_PATH = 107  # unix(7): sun_path has 108, and a NUL ends it


class EndpointAddress(NamedTuple):
    """What an endpoint takes for itself.

    Args:
        name: How an error names it.
        port: The TCP or UDP port; None: it has none.
        interface: The IP address that the port is on.
        udp: Is it a UDP port?
    """

    name: str
    port: int | None = None
    interface: str = ""
    udp: bool = False

    @property
    def key(self) -> object:
        """The same for all addresses that collide; others may have it, too."""
        return self if self.port is None else self.port

    def on(self, port: int) -> EndpointAddress:
        """The same on another port."""
        name = f"{self.name.removesuffix(str(self.port))}{port}"
        return EndpointAddress(name, port, *self[2:])

    def collides(self, other: EndpointAddress) -> bool:
        """Can only one of the two be listened on?"""
        if self.port is None or other.port is None:
            return self == other
        if self.udp != other.udp:
            return False
        if self.port == 0 or self.port != other.port:  # 0: the kernel finds one that is free
            return False
        return self._takes(other) or other._takes(self)

    def _takes(self, other: EndpointAddress) -> bool:
        if self.interface == "::":  # takes the ports of IPv4, too
            return True
        if self.interface in _EVERYWHERE:
            return ":" not in other.interface
        return self.interface == other.interface


def address_of(description: str) -> EndpointAddress:
    """The address on which an endpoint listens.

    Args:
        description: An endpoint string, for example `tcp:12345:interface=127.0.0.1`.

    Returns:
        For an unknown kind of endpoint, an address that only the same string has.

    Raises:
        BadEndpoint: The string does not describe an endpoint.
    """
    asked = _asked_by(description)
    if asked is None:
        return EndpointAddress(f"endpoint {description}")
    if asked.port is not None:
        udp = is_datagram(description)
        name = f"{'udp' if udp else 'tcp'} port {asked.port}"
        return EndpointAddress(name, asked.port, _plain(asked.interface), udp)
    path = Path(str(asked.path)).absolute()
    return EndpointAddress(f"unix socket {asked.path}", interface=str(path))


def on_loopback(description: str) -> str:
    """The same endpoint, on the loopback interface unless the string names another one.

    Raises:
        BadEndpoint: The string does not describe an endpoint of streams.
    """
    if is_datagram(description):
        raise BadEndpoint(description, "UDP is for services")
    asked = _asked_by(description)
    if asked is None or asked.port is None:
        return description
    if "interface=" in description or asked.interface not in ("", "::"):
        return description
    loopback = "::1" if asked.interface else "127.0.0.1"
    return f"{description}:interface={quoteStringArgument(loopback)}"


def _asked_by(description: str) -> Asked | None:
    """What an endpoint would ask the reactor for; None: it cannot be known before it listens."""
    kind = without_prefix(description)
    if kind.startswith("systemd:"):
        from sockreply.server.activation import wanted_by  # now, because few want it

        wanted_by(kind)  # no more, because the socket is handed over when the daemon starts
        return None
    reactor = RecordingReactor()
    try:
        endpoint = endpoint_from(reactor, description)
    except BadEndpoint as error:
        known = isinstance(error.__cause__, OSError)  # such as a missing certificate
        hint = "" if known else f"; {_hint(description)}"
        raise BadEndpoint(description, f"{error.reason}{hint}") from None
    if asks_to_listen(kind):
        endpoint.listen(ServerFactory())
    asked = reactor.asked or getattr(endpoint, "asked", None)  # of a UDP port
    if asked is not None:
        _check(asked, description)
    return asked


def _check(asked: Asked, description: str) -> None:
    if asked.port is not None and not 0 <= asked.port <= MOST_PORT:
        raise BadEndpoint(description, f"{asked.port} is not a port from 0 to {MOST_PORT}")
    if asked.path is not None and not 0 < len(os.fsencode(asked.path)) <= _LONGEST_PATH:
        raise BadEndpoint(description, f"a socket's path has 1 to {_LONGEST_PATH} bytes")


def _hint(description: str) -> str:
    """How it may have been meant."""
    if "::" in description:
        return r"write a colon that is part of a value as \:, as in tcp6:80:interface=\:\:1"
    return "for example tcp:12345:interface=127.0.0.1 or unix:/run/NAME.sock"


def _plain(interface: str) -> str:
    """An interface in one of the ways to write it."""
    if interface in ("", "localhost"):
        return "127.0.0.1" if interface else "0.0.0.0"  # noqa: S104 - it is only compared
    try:
        return str(ip_address(interface))
    except ValueError:  # a name, of which only the system knows the address
        return interface
