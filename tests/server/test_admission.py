"""Who may connect."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from sockreply.framing import Line
from sockreply.replies import as_responder
from sockreply.server import Counters, Limits, ReplyFactory
from sockreply.server.admission import Admission
from tests.server.stand_ins import FakeTransport, echo, texts

HOME = IPv4Address("TCP", "127.0.0.1", 40000)
ABROAD = IPv4Address("TCP", "192.0.2.1", 40000)
MAPPED = IPv6Address("TCP", "::ffff:127.0.0.1", 40000)


def limits(*allow: str, per_peer: int = 0) -> Limits:
    """Limits of who may connect."""
    networks = tuple(map(ip_network, allow)) if allow else None
    return Limits(allow=networks, max_connections_per_peer=per_peer)


class Door:
    """A service that peers of any address come to."""

    def __init__(self, allowed: Limits) -> None:
        self.clock = Clock()
        self.counters = Counters()
        self.factory = ReplyFactory(
            Line(),
            as_responder(echo),
            self.clock,
            keep_alive=True,
            greeting=b"hello",
            limits=allowed,
            counters=self.counters,
        )

    def enter(self, peer: IAddress = HOME) -> tuple[Any, FakeTransport]:
        """Connect."""
        protocol, transport = self.factory.buildProtocol(None), FakeTransport()
        transport.peerAddr = peer
        protocol.makeConnection(transport)
        return protocol, transport


@pytest.mark.parametrize(
    ("peer", "allow", "admitted"),
    [
        (HOME, ["127.0.0.0/8"], True),
        (ABROAD, ["127.0.0.0/8"], False),
        (ABROAD, ["127.0.0.0/8", "192.0.2.1/32"], True),
        (MAPPED, ["127.0.0.0/8"], True),
        (IPv6Address("TCP", "::1", 1), ["::1/128"], True),
        (IPv6Address("TCP", "::1", 1), ["127.0.0.0/8"], False),
        (IPv6Address("TCP", "fe80::1%eth0", 1), ["fe80::/10"], True),
        (UNIXAddress("/run/x"), ["127.0.0.0/8"], True),
    ],
)
def test_allow(peer: IAddress, allow: list[str], admitted: bool) -> None:
    """A peer is let in from the networks that are allowed; one on a UNIX socket always is."""
    door = Door(limits(*allow))
    with capturedLogs() as events:
        _, transport = door.enter(peer)
    assert transport.disconnecting is not admitted
    assert transport.value() == (b"hello\n" if admitted else b"")
    assert len(texts(events, "warn")) == (not admitted)


def test_what_is_no_address() -> None:
    """A transport may name what is none: it is not limited, and a reload is not in its way."""
    door = Door(limits(per_peer=1))
    junk = IPv4Address("TCP", "junk", 1)
    protocol, transport = door.enter(junk)
    assert not transport.disconnecting
    assert not door.enter(junk)[1].disconnecting
    door.factory.roster.change_limits(limits("127.0.0.0/8", per_peer=1))
    assert not door.enter()[1].disconnecting
    protocol.connectionLost()
    assert door.counters.open_connections == 2


def test_an_address_that_changes() -> None:
    """A connection counts under the address that it had first, and is counted down under it."""
    door = Door(limits(per_peer=1))
    protocol, transport = door.enter()
    transport.peerAddr = ABROAD
    protocol.connectionLost()
    assert not door.enter()[1].disconnecting
    with capturedLogs():
        assert door.enter()[1].disconnecting


def test_nobody_is_allowed() -> None:
    """No network at all lets nobody in over TCP."""
    door = Door(Limits(allow=()))
    with capturedLogs():
        assert door.enter()[1].disconnecting


def test_who_is_refused_is_counted_and_no_connection() -> None:
    """A refused peer is counted as that: neither taken, nor open, nor closed, nor answered."""
    door = Door(limits("10.0.0.0/8"))
    with capturedLogs() as events:
        protocol, transport = door.enter()
        protocol.dataReceived(b"hello?\n")
        protocol.connectionLost()
    counters = door.counters
    assert counters.refused == {"not_allowed": 1}
    assert (counters.connections, counters.open_connections, counters.messages) == (0, 0, 0)
    assert not counters.closed
    assert transport.value() == b""
    assert texts(events) == ["127.0.0.1:40000 refused: its address is not in an allowed network"]
    assert not door.factory.roster.connections


def test_per_peer() -> None:
    """So many connections from one address are let in, and another one when one of them is gone."""
    door = Door(limits(per_peer=2))
    with capturedLogs():
        first, _ = door.enter()
        door.enter(MAPPED)
        third, transport = door.enter()
        assert transport.disconnecting
        assert not door.enter(ABROAD)[1].disconnecting
        third.connectionLost()
        assert door.enter()[1].disconnecting
        first.connectionLost()
        assert not door.enter()[1].disconnecting
        assert door.enter()[1].disconnecting
    assert door.counters.refused == {"per_peer": 3}


def test_per_peer_over_unix() -> None:
    """Peers without an address are not limited by it."""
    door = Door(limits(per_peer=1))
    for _ in range(3):
        assert not door.enter(UNIXAddress(None))[1].disconnecting


def test_a_limit_that_comes_later_counts_who_is_there() -> None:
    """Connections from before the limit count, and may stay."""
    door = Door(limits())
    (_, one), (_, two), (_, three) = door.enter(), door.enter(), door.enter()
    door.factory.roster.change_limits(limits(per_peer=2))
    with capturedLogs():
        assert door.enter()[1].disconnecting
    assert not any(each.disconnecting for each in (one, two, three))


def test_connections_from_before_a_limit_are_counted_down() -> None:
    """More of them than may be: each that goes is one less, and below the limit there is room."""
    door = Door(limits())
    there = [door.enter()[0] for _ in range(3)]
    door.factory.roster.change_limits(limits(per_peer=2))
    with capturedLogs():
        for protocol in there[:2]:
            protocol.connectionLost()
        assert not door.enter()[1].disconnecting
        assert door.enter()[1].disconnecting


def test_nothing_is_kept_of_who_is_gone() -> None:
    """The count of an address goes with its last connection."""
    admission = Admission(Clock(), Counters())
    admission.limit(limits(per_peer=2), ())
    for number in range(9):
        peer = IPv4Address("TCP", f"192.0.2.{number}", 1)
        assert admission.refuses(number, peer) is None
        admission.left(number)
    assert not admission._by_host
    assert not admission._hosts
