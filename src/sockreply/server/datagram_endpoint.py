"""Endpoint strings of UDP ports, such as `udp:53:interface=127.0.0.1`; Twisted has none."""

from __future__ import annotations

import re
from typing import Any

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred, execute
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.internet.protocol import ServerFactory
from zope.interface import implementer

from sockreply.endpoint_errors import why_bad
from sockreply.errors import BadEndpoint, ConfigError
from sockreply.server.datagram import Datagrams
from sockreply.server.factory import ReplyFactory
from sockreply.server.recording_reactor import Asked, RecordingReactor

MOST_BYTES = 65_536
"""The most that a read takes. No datagram is cut off by that: IPv4 carries 65,507 bytes at most,
and IPv6 65,527."""

_BACKLOG = re.compile(r":backlog=")


def asked_by(description: str) -> Asked:
    """What the string of a UDP port asks for.

    Raises:
        BadEndpoint: It does not describe one.
    """
    reactor = RecordingReactor()
    values = description.partition(":")[2]
    try:
        serverFromString(reactor, f"tcp:{values}").listen(ServerFactory())  # has the same parts
    except Exception as error:
        raise BadEndpoint(description, why_bad(error)) from error
    asked = reactor.asked
    if asked is None or _BACKLOG.search(values):
        raise BadEndpoint(description, "there is no parameter 'backlog'")
    where = asked.interface
    if where and not (isIPAddress(where) or isIPv6Address(where)):
        raise BadEndpoint(description, f"{where!r} is not an IP address")
    return asked


@implementer(IStreamServerEndpoint)
class DatagramEndpoint:
    """A UDP port. It listens like an endpoint for streams, but only with a `ReplyFactory`.

    Args:
        reactor: Listens.
        description: The string.

    Raises:
        BadEndpoint: It does not describe a UDP port.
    """

    asked: Asked
    """What the string asks for."""

    def __init__(self, reactor: Any, description: str) -> None:
        self._reactor = reactor
        self.asked = asked_by(description)
        self._description = description

    def listen(self, factory: IProtocolFactory) -> Deferred[IListeningPort]:
        if not isinstance(factory, ReplyFactory):
            raise ConfigError(
                f"{self._description}: over UDP, nothing can be wrapped around a service"
            )
        asked = self.asked
        return execute(
            self._reactor.listenUDP, asked.port, Datagrams(factory), asked.interface, MOST_BYTES
        )
