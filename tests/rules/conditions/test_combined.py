"""Lengths, peers, and conditions made of others."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network

import pytest
from twisted.internet.address import HostnameAddress, IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress

from sockreply.rules.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Contains,
    Equals,
    Length,
    Mask,
    Not,
    PeerIn,
    Regex,
    StartsWith,
)
from tests.rules.stand_ins import asked, session

A = Contains(Mask.of(b"a"))
B = Contains(Mask.of(b"b"))
NETWORKS = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    ("least", "most", "lengths"),
    [(2, 3, {2, 3}), (3, None, {3, 4}), (0, 0, {0}), (0, 1, {0, 1})],
)
def test_length(least: int, most: int | None, lengths: set[int]) -> None:
    """Both bounds are allowed."""
    condition = Length(least, most)
    assert {size for size in range(5) if condition.holds(asked(b"x" * size))} == lengths


@pytest.mark.parametrize(
    ("condition", "message", "reason", "closeness"),
    [
        (Length(5, 10), b"abc", "length is 3, not 5 to 10", 0.06),
        (Length(0, 2), b"abc", "length is 3, not 0 to 2", 0.2 / 3),
        (Length(4, None), b"abc", "length is 3, not 4 or more", 0.075),
        (Length(5, 5), b"", "length is 0, not 5", 0.0),
        (Not(A), b"a", "not: contains 'a' holds", 0.0),
        (AllOf([A, Length(4, 4), B]), b"a", "length is 1, not 4", 1.025 / 2.1),
        (AllOf([Length(4, 4), Length(1, 1)]), b"a", "length is 1, not 4", 0.125),
        (AllOf([Not(B), Equals(Mask.of(b"xy"))]), b"x", "equals: 1 byte too short", 0.6 / 1.1),
        (AllOf([PeerIn(NETWORKS), A]), b"a", "peer 192.0.2.1 is in none of ...", 1.0),
        (
            AnyOf([Equals(Mask.of(b"xy")), Equals(Mask.of(b"abc"))]),
            b"ab",
            "equals: 1 byte too short",
            2 / 3,
        ),
    ],
)
def test_reasons(condition: Condition, message: bytes, reason: str, closeness: float) -> None:
    """Of several that must hold the first that does not speaks; of alternatives the closest.

    What is not in the bytes counts little, and the peer not at all.
    """
    assert not condition.holds(asked(message))
    miss = condition.why_not(asked(message))
    assert miss.reason.startswith(reason.removesuffix("..."))
    assert miss.closeness == pytest.approx(closeness)


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        (Length(5, 5), "length 5"),
        (Not(A), "not (contains 'a')"),
        (AllOf([A, B]), "contains 'a' and contains 'b'"),
        (AnyOf([A, B]), "contains 'a' or contains 'b'"),
        (PeerIn(NETWORKS), "peer in 10.0.0.0/8 or 2001:db8::/32"),
    ],
)
def test_shown(condition: Condition, shown: str) -> None:
    """As text a condition says what it asks."""
    assert str(condition) == shown


@pytest.mark.parametrize(
    ("condition", "messages"),
    [
        (Not(A), {b"", b"b"}),
        (AllOf([A, B]), {b"ab"}),
        (AnyOf([A, B]), {b"a", b"b", b"ab"}),
        (AllOf([A, Not(B)]), {b"a"}),
        (AllOf([]), {b"", b"a", b"b", b"ab"}),
    ],
)
def test_made_of_others(condition: Condition, messages: set[bytes]) -> None:
    """All, any, or not."""
    each = (b"", b"a", b"b", b"ab")
    assert {message for message in each if condition.holds(asked(message))} == messages


def test_only_what_holds_leaves_a_match() -> None:
    """A regex beside a condition that fails, or under a `not`, leaves no groups behind."""
    regex = Regex(re.compile(b"(a)"))
    message = asked(b"ab")
    assert not AllOf([regex, Length(9, 9)]).holds(message)
    assert message.match is None
    assert not Not(regex).holds(message)
    assert message.match is None
    assert AnyOf([AllOf([regex, Length(9, 9)]), StartsWith(Mask.of(b"a"))]).holds(message)
    assert message.match is None
    assert AnyOf([Length(9, 9), AllOf([regex, B])]).holds(message)
    assert message.match is not None


@pytest.mark.parametrize(
    ("peer", "holds"),
    [
        (IPv4Address("TCP", "10.1.2.3", 4), True),
        (IPv4Address("TCP", "11.1.2.3", 4), False),
        (IPv6Address("TCP", "2001:db8::1", 4), True),
        (IPv6Address("TCP", "2001:db9::1", 4), False),
        (IPv6Address("TCP", "::ffff:10.1.2.3", 4), True),
        (IPv6Address("TCP", "::ffff:11.1.2.3", 4), False),
        (IPv6Address("TCP", "fe80::1%eth0", 4), False),
        (UNIXAddress(b""), False),
        (UNIXAddress(b"/run/x.sock"), False),
        (HostnameAddress(b"localhost", 4), False),
    ],
    ids=str,
)
def test_peers(peer: IAddress, holds: bool) -> None:
    """Peers are told by their IP address; who has none is in no network."""
    assert PeerIn(NETWORKS).holds(asked(of=session(peer))) is holds


@pytest.mark.parametrize(
    ("peer", "networks", "reason"),
    [
        (
            IPv4Address("TCP", "127.0.0.1", 4),
            NETWORKS,
            "peer 127.0.0.1 is in none of 10.0.0.0/8, 2001:db8::/32",
        ),
        (
            IPv6Address("TCP", "::ffff:11.1.2.3", 4),
            NETWORKS[:1],
            "peer 11.1.2.3 is not in 10.0.0.0/8",
        ),
        (UNIXAddress(b""), NETWORKS[:1], "peer unix is not in 10.0.0.0/8"),
    ],
    ids=str,
)
def test_why_not_that_peer(
    peer: IAddress, networks: tuple[IPv4Network | IPv6Network, ...], reason: str
) -> None:
    """The peer and the networks are named."""
    assert PeerIn(networks).why_not(asked(of=session(peer))) == (reason, 0.0)
