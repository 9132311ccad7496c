"""What endpoint strings name: whether they can be, and which of them are one address."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from twisted.internet.endpoints import quoteStringArgument
from twisted.internet.protocol import ServerFactory

from sockreply.errors import ConfigError
from sockreply.server.activation import wanted_by
from sockreply.server.endpoints import endpoint_from

_ASK_TO_LISTEN = {"tcp", "tcp6", "ssl", "tls", "unix"}
"""Types of endpoints that do nothing but ask the reactor to listen."""

_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - they are only compared with
_MOST_PORT = 65535
_LONGEST_PATH = 107  # unix(7): sun_path has 108, and a NUL ends it


@dataclass(frozen=True)
class Address:
    """What an endpoint takes for itself.

    Args:
        name: How an error names it.
        port: The TCP port; None: it has none.
        interface: The IP address that the port is on.
    """

    name: str
    port: int | None = None
    interface: str = ""

    def collides(self, other: Address) -> bool:
        """Can only one of the two be listened on?"""
        if self.port is None or other.port is None:
            return self == other
        if self.port == 0 or self.port != other.port:  # 0: the kernel finds one that is free
            return False
        return self._takes(other) or other._takes(self)

    def _takes(self, other: Address) -> bool:
        if self.interface == "::":  # takes the ports of IPv4, too
            return True
        if self.interface in _EVERYWHERE:
            return ":" not in other.interface
        return self.interface == other.interface


class _StandIn:
    """Stands in for the reactor: whoever listens on it tells the address."""

    port: int | None = None
    interface = ""
    path: str | None = None

    def listenTCP(self, port: int, *_: object, interface: str = "", **__: object) -> None:  # noqa: N802 - Twisted's name
        self.port, self.interface = port, interface

    listenSSL = listenTCP  # noqa: N815 - Twisted's name

    def listenUNIX(self, address: str, *_: object, **__: object) -> None:  # noqa: N802 - Twisted's name
        self.path = address


def address_of(description: str) -> Address:
    """The address on which an endpoint listens.

    Args:
        description: An endpoint string, for example `tcp:12345:interface=127.0.0.1`.

    Returns:
        Of endpoints that are not known, which do not tell, one that only the same string has.

    Raises:
        ConfigError: The string describes no endpoint; says why.
    """
    told = _told(description)
    if told.port is not None:
        return Address(f"tcp port {told.port}", told.port, _plain(told.interface))
    if told.path is not None:
        return Address(f"unix socket {told.path}", interface=str(Path(told.path).absolute()))
    return Address(f"endpoint {description}")


def on_loopback(description: str) -> str:
    """The same endpoint, on the loopback interface if none is said.

    Raises:
        ConfigError: The string describes no endpoint; says why.
    """
    told = _told(description)
    if told.port is None or "interface=" in description or told.interface not in ("", "::"):
        return description
    loopback = "::1" if told.interface else "127.0.0.1"
    return f"{description}:interface={quoteStringArgument(loopback)}"


def _told(description: str) -> _StandIn:
    told = _StandIn()
    kind = description
    while kind.startswith("haproxy:"):  # wraps another one
        kind = kind.removeprefix("haproxy:")
    if kind.startswith("systemd:"):
        wanted_by(kind)  # no more, for the socket is handed over when the daemon starts
        return told
    try:
        endpoint = endpoint_from(told, description)
    except ConfigError as error:
        known = isinstance(error.__cause__, OSError)  # such as a certificate that is not there
        raise error if known else ConfigError(f"{error}; {_hint(description)}") from None
    if kind.partition(":")[0].lower() in _ASK_TO_LISTEN:
        endpoint.listen(ServerFactory())
    if told.port is not None and not 0 <= told.port <= _MOST_PORT:
        raise ConfigError(f"endpoint {description}: {told.port} is no port from 0 to {_MOST_PORT}")
    if told.path is not None and not 0 < len(os.fsencode(told.path)) <= _LONGEST_PATH:
        raise ConfigError(f"endpoint {description}: a socket's path has 1 to {_LONGEST_PATH} bytes")
    return told


def _hint(description: str) -> str:
    """How it may have been meant."""
    if "::" in description:
        return r"a colon that is part of a value is written \:, as in tcp6:80:interface=\:\:1"
    return "for example tcp:12345:interface=127.0.0.1 or unix:/run/NAME.sock"


def _plain(interface: str) -> str:
    """An interface in one of the ways to write it."""
    if interface in ("", "localhost"):
        return "127.0.0.1" if interface else "0.0.0.0"  # noqa: S104 - it is only compared
    try:
        return str(ip_address(interface))
    except ValueError:  # a name, of which only the system knows the address
        return interface
