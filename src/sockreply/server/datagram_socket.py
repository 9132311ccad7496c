"""Reads and writes datagrams, and knows which peers they are from.

A key stands for a peer in what is sent and received: its address as the socket module has it and,
on a port that listens on all addresses of the machine, the one of these that it sends to. The reply
has to come from that one, or the peer does not accept it.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress

Key: TypeAlias = Any

_WHY_UNSENT = {
    errno.EMSGSIZE: "too_long",
    errno.EAGAIN: "full",
    errno.ENOBUFS: "full",
    errno.ENOMEM: "full",
}

# IP_PKTINFO, for which Python has no name; 0: the system has none, or we do not know it.
_PKTINFO = {"linux": 8, "darwin": 26}.get(sys.platform, 0)
_INFO4 = struct.Struct("=i4s4s")  # in_pktinfo: interface, our address, the destination's
_INFO6 = struct.Struct("=16si")  # in6_pktinfo: the destination's address, interface
_ROOM = 64  # for what comes beside a datagram, which is one of these and its header
_LINK_LOCAL, _MULTICAST = b"\xfe\x80", b"\xff"


class DatagramSocket:
    """A socket that is bound to one address.

    Args:
        sock: The socket.
        most: The most bytes that are read of a datagram.
    """

    receive: Callable[[], tuple[bytes, Key]]
    """Reads a datagram; raises what recvfrom(2) does."""

    def __init__(self, sock: socket.socket, most: int) -> None:
        self._socket = sock
        self.receive = partial(sock.recvfrom, most)

    def send(self, data: bytes, key: Key) -> str | None:
        """Send a datagram.

        Returns:
            Why not, as a reason of `Counters.unsent`; None: it is sent.
        """
        try:
            self._send(data, key)
        except ConnectionError:  # of an earlier datagram, by ICMP; the kernel tells it once
            try:
                self._send(data, key)
            except OSError:
                return "unreachable"
        except OSError as error:
            return _WHY_UNSENT.get(error.errno or 0, "unreachable")
        return None

    def is_loopback(self, key: Key) -> bool:
        """Is the peer on this machine?"""
        host: str = key[0]
        return host.startswith(("127.", "::ffff:127.")) or host == "::1"

    def peer(self, key: Key) -> IAddress:
        """The address of the peer."""
        host, port, *scope = key
        if not scope:
            return IPv4Address("UDP", host, port)
        if scope[1]:  # becomes part of the name, such as fe80::1%eth0
            host = socket.getnameinfo(key, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0]
        return IPv6Address("UDP", host, port, *scope)

    def host(self, key: Key) -> IAddress:  # noqa: ARG002 - it is the same for all
        """The address that the peer sends to."""
        return _address(*self._socket.getsockname()[:2])

    def _send(self, data: bytes, key: Key) -> None:
        self._socket.sendto(data, key)


class SocketOnAll(DatagramSocket):
    """A socket that is bound to all addresses of the machine.

    Args:
        sock: The socket.
        most: The most bytes that are read of a datagram.
    """

    def __init__(self, sock: socket.socket, most: int) -> None:
        super().__init__(sock, most)
        self._most = most
        self._is_6 = sock.family == socket.AF_INET6
        if self._is_6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _PKTINFO, 1)
        self.receive = self._receive

    def is_loopback(self, key: Key) -> bool:
        return super().is_loopback(key[0])

    def peer(self, key: Key) -> IAddress:
        return super().peer(key[0])

    def host(self, key: Key) -> IAddress:
        port = self._socket.getsockname()[1]
        if key[1] is None:
            return super().host(key)
        if self._is_6:
            return _address(socket.inet_ntop(socket.AF_INET6, key[1][:16]), port)
        return _address(socket.inet_ntoa(_INFO4.unpack(key[1])[1]), port)

    def _receive(self) -> tuple[bytes, Key]:
        data, beside, _, address = self._socket.recvmsg(self._most, _ROOM)
        return data, (address, self._ours(beside[0][2]) if beside else None)

    def _ours(self, info: bytes) -> bytes | None:
        """What makes a reply come from the address that a datagram was sent to; None: nothing."""
        if not self._is_6:
            return _INFO4.pack(0, _INFO4.unpack(info)[1], bytes(4))
        address, interface = _INFO6.unpack(info)
        if address.startswith(_MULTICAST):
            return None
        return _INFO6.pack(address, interface if address.startswith(_LINK_LOCAL) else 0)

    def _send(self, data: bytes, key: Key) -> None:
        address, ours = key
        if ours is None:
            self._socket.sendto(data, address)
        elif self._is_6:
            beside = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, ours)
            self._socket.sendmsg([data], [beside], 0, address)
        else:
            self._socket.sendmsg([data], [(socket.IPPROTO_IP, _PKTINFO, ours)], 0, address)


def datagram_socket(sock: socket.socket, most: int) -> DatagramSocket:
    """What reads and writes over a socket that is bound.

    Args:
        sock: The socket.
        most: The most bytes that are read of a datagram.
    """
    on_all = sock.getsockname()[0] in ("0.0.0.0", "::")  # noqa: S104 - it is only compared with
    known = sock.family == socket.AF_INET6 or _PKTINFO > 0
    return SocketOnAll(sock, most) if on_all and known else DatagramSocket(sock, most)


def _address(host: str, port: int) -> IAddress:
    return IPv6Address("UDP", host, port) if ":" in host else IPv4Address("UDP", host, port)
