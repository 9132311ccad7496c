"""Accepts the connections that wait at a port, exactly as many as there are places for.

Twisted's port does this in layers that every connection passes through, and Python's socket looks
up its own family and type each time. This is one loop. It is the only module that names what is
private in `socket.socket`.
"""

from __future__ import annotations

import errno
import socket
from typing import Any, Protocol

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.python import log

from sockreply.server.hub import Hub

# What accept(2) fails with: for one client, and for want of descriptors or memory.
_ONE_CLIENTS_TROUBLE = {errno.ECONNABORTED, errno.EPERM}
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

MORE = 20
"""How many more a port tries to accept next time, after it found as many as it tried."""

MOST = 64
"""How many it ever tries in a turn, which they make some 10 ms longer for everybody else."""


class Gate(Protocol):
    """Knows whether a connection may be accepted, and hears how that went."""

    def is_full(self) -> bool:
        """Are all places taken? Then accepting pauses until one is free."""

    def accepted(self) -> None:
        """There was enough of everything."""

    def rest(self, error: OSError) -> None:
        """The process or the system has run out of something: try again in a while."""

    def nobody_waits(self) -> None:
        """The kernel's queue is empty."""


class Accepting:
    """Makes the connections of a Twisted port, in place of the port itself.

    Args:
        port: It listens. Its transport and its factory are used, even if they change.
        hub: Where the connections wait, except for one in the port's reactor: for a single event,
            one more poll costs more than the hub saves. None: all wait in the reactor.
        gate: Is asked before each connection.
    """

    def __init__(self, port: Any, hub: Hub | None, gate: Gate) -> None:
        self._port = port
        self._hub = hub
        self._gate = gate
        self._next = port.socket._accept
        self._alone: Any = None  # the connection that waits in the reactor
        self._kind = port.socket.family, port.socket.type
        self._host = ""  # that of the last connection, in one copy for all that follow it

    def accept(self) -> None:
        """Accept the connections that wait: all, or as many as leave others their turn."""
        port, gate = self._port, self._gate
        most, taken = min(port.numberAccepts, MOST), 0
        if self._hub is not None and not self._open(self._hub):
            return
        try:
            for _ in range(most):
                if gate.is_full():
                    break
                try:
                    number, address = self._next()
                except OSError as error:
                    if error.errno in _ONE_CLIENTS_TROUBLE:
                        continue
                    if error.errno in _EXHAUSTED:
                        gate.rest(error)
                        break
                    gate.nobody_waits()
                    if isinstance(error, BlockingIOError):
                        break
                    raise
                gate.accepted()
                taken += 1
                self._connect(socket.socket(*self._kind, fileno=number), address)
        except BaseException:  # as in Twisted, the port goes on with the next
            log.err()
        # One try more than there are connections costs a call that finds nobody.
        port.numberAccepts = most + MORE if taken == most else max(1, taken)

    def _open(self, hub: Hub) -> bool:
        """Is there a descriptor for the hub? Without one, we could only reset what we accept."""
        try:
            hub.open()
        except OSError as error:
            self._gate.rest(error)
            return False
        return True

    def _connect(self, accepted: socket.socket, client: Any) -> None:
        port = self._port
        peer: IAddress
        if not isinstance(client, tuple):
            peer = UNIXAddress(client)
        elif len(client) == 2:
            host, number = client
            if host == self._host:
                client = self._host, number
            else:
                self._host = host
            peer = IPv4Address("TCP", *client)
        else:  # the scope becomes part of the name, such as fe80::1%eth0
            flags = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
            client = (socket.getnameinfo(client, flags)[0], *client[1:])
            peer = IPv6Address("TCP", *client)
        try:
            protocol = port.factory.buildProtocol(peer)
        except BaseException:  # it costs only this connection
            log.err()
            protocol = None
        if protocol is None:
            accepted.close()
            return
        session = port.sessionno
        port.sessionno = session + 1
        hub, alone = self._hub, self._alone
        waits_in = hub if hub is not None and alone and alone.connected else port.reactor
        transport = port.transport(accepted, protocol, client, port, session, waits_in)
        if waits_in is not hub:
            self._alone = transport
        protocol.makeConnection(transport)
