"""Each peer goes only so fast."""

from __future__ import annotations

import gc
import weakref
from ipaddress import ip_address
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from sockreply.conversation.arrival import Arrival
from sockreply.conversation.pacing import key_of
from sockreply.framing import parse_framing
from sockreply.replies import Reply, Session, Wait, as_responder
from sockreply.server import Counters, Limits, ReplyFactory
from sockreply.settings import Over, PeerLimits, Rate
from tests.server.stand_ins import Answer, FakeTransport, NotingLog, echo, texts, watch

HOME = IPv4Address("TCP", "192.0.2.1", 40000)
OTHER = IPv4Address("TCP", "192.0.2.2", 40000)
SLOW = Rate(1, 1)
MANY = Rate(1000, 1000)


class Peer:
    """One connection from somewhere."""

    def __init__(self, place: Place, address: IAddress) -> None:
        self.protocol: Any = place.factory.buildProtocol(None)
        self.transport = FakeTransport()
        self.transport.peerAddr = address
        self.protocol.makeConnection(self.transport)

    def say(self, *reads: bytes) -> Peer:
        """Let the service read."""
        for read in reads:
            self.protocol.dataReceived(read)
        return self

    def hear(self) -> bytes:
        """What was sent since this was last asked."""
        sent: bytes = self.transport.value()
        self.transport.clear()
        return sent

    def finish_sending(self) -> None:
        """Half-close."""
        self.protocol.readConnectionLost()

    def leave(self) -> None:
        """Be gone."""
        self.protocol.connectionLost(Failure(ConnectionDone()))

    @property
    def paused(self) -> bool:
        """Is it not read?"""
        return self.transport.paused

    @property
    def closed(self) -> bool:
        """Has the service closed it?"""
        return bool(self.transport.disconnecting or self.transport.aborted)


class Place:
    """A service whose peers have limits."""

    def __init__(
        self,
        answer: Answer = echo,
        framing: str = "line",
        *,
        greeting: bytes | None = None,
        exchanges: Any = None,
        keep_alive: bool = True,
        limits: dict[str, Any] | None = None,
        **per_peer: Any,
    ) -> None:
        self.clock = Clock()
        self.others = limits or {}
        self.factory = ReplyFactory(
            parse_framing(framing),
            as_responder(answer),
            self.clock,
            keep_alive=keep_alive,
            greeting=greeting,
            exchanges=exchanges,
            limits=self.limits(**per_peer),
        )

    def limits(self, **per_peer: Any) -> Limits:
        """These limits per peer, and the others as they were."""
        return Limits(per_peer=PeerLimits(**per_peer) if per_peer else None, **self.others)

    def change(self, **per_peer: Any) -> None:
        """Reload."""
        self.factory.roster.change_limits(self.limits(**per_peer))

    @property
    def counters(self) -> Counters:
        """The service's counts."""
        return self.factory.shared.counters

    def peer(self, address: IAddress = HOME) -> Peer:
        """One more connection."""
        return Peer(self, address)

    def heard_over_time(self, peer: Peer, seconds: int) -> list[bytes]:
        """What a peer hears now, and in each second from then on."""
        heard = [peer.hear()]
        for _ in range(seconds):
            self.clock.advance(1)
            heard.append(peer.hear())
        return heard


# Messages.


def test_pipelined_messages_are_answered_at_their_pace() -> None:
    """A burst is answered at once, the others in order, one for each token."""
    place = Place(messages=Rate(1, 2))
    peer = place.peer().say(b"a\nb\nc\nd\n")
    assert place.heard_over_time(peer, 3) == [b"a\nb\n", b"c\n", b"d\n", b""]
    assert place.counters.messages == place.counters.replies == 4


@pytest.mark.parametrize(
    "framing", ["line", "delimited:end=;", "length:bytes=2", "netstring", "fixed:size=2"]
)
def test_wherever_the_bytes_are_cut(framing: str) -> None:
    """The pace and the order are the same, however the messages are split into reads."""
    messages = [b"a1", b"b2", b"c3"]
    frame = parse_framing(framing).frame
    wire = b"".join(map(frame, messages))
    for cut in range(1, len(wire)):
        place = Place(framing=framing, messages=SLOW)
        peer = place.peer().say(wire[:cut], wire[cut:])
        assert place.heard_over_time(peer, 2) == list(map(frame, messages)), cut
        assert not peer.paused
    place = Place(framing=framing, messages=SLOW)
    peer = place.peer()
    for at in range(len(wire)):
        peer.say(wire[at : at + 1])
    assert place.heard_over_time(peer, 2) == list(map(frame, messages))


def test_reading_stops_meanwhile() -> None:
    """One read is kept; then nothing is read until all of it is answered."""
    place = Place(messages=SLOW)
    peer = place.peer().say(b"a\nb\n")
    assert not peer.paused
    peer.say(b"c\n")
    assert peer.paused
    place.clock.advance(1)
    assert peer.paused
    place.clock.advance(1)
    assert not peer.paused
    assert peer.hear() == b"a\nb\nc\n"


def test_connections_of_a_peer_share_its_limit_and_take_turns() -> None:
    """Whoever waits longest is next; another peer has its own limit."""
    place = Place(messages=SLOW)
    one, two = place.peer().say(b"a\nb\nc\n"), place.peer().say(b"A\nB\n")
    other = place.peer(OTHER).say(b"x\n")
    heard = [one.hear() + two.hear()]
    for _ in range(4):
        place.clock.advance(1)
        heard.append(one.hear() + two.hear())
    assert heard == [b"a\n", b"b\n", b"A\n", b"c\n", b"B\n"]
    assert other.hear() == b"x\n"


def test_who_is_held_back_is_not_idle() -> None:
    """Neither `idle_timeout` nor `message_timeout` ends a peer that waits for us."""
    place = Place(limits={"idle_timeout": 2, "message_timeout": 1}, messages=Rate(0.1, 1))
    peer = place.peer().say(b"a\nb\nhalf")
    place.clock.pump([0.5] * 19)
    assert not peer.closed
    place.clock.advance(0.5)
    assert peer.hear() == b"a\nb\n"
    place.clock.advance(1)
    assert peer.transport.aborted  # the rest of `half` is the peer's own affair


def test_who_is_answered_is_idle_again() -> None:
    """From the reply on, the time runs."""
    place = Place(limits={"idle_timeout": 2}, messages=Rate(0.1, 1))
    peer = place.peer().say(b"a\nb\n")
    place.clock.pump([1] * 11)
    assert not peer.closed
    place.clock.advance(1)
    assert peer.closed


def test_a_message_that_drips_gets_no_more_time() -> None:
    """A peer without a token left cannot stretch the time of a message that is not complete."""
    place = Place(limits={"message_timeout": 5}, messages=Rate(0.5, 1))
    busy, slow = place.peer(), place.peer()
    for at in range(5):
        assert not slow.closed, at
        busy.say(b"x\n")
        slow.say(b"y")
        place.clock.advance(1)
    assert slow.transport.aborted


def test_half_close() -> None:
    """All that was sent before is answered at its pace, and then the connection ends."""
    place = Place(messages=SLOW)
    peer = place.peer().say(b"a\nb\nc\n")
    peer.finish_sending()
    assert place.heard_over_time(peer, 1) == [b"a\n", b"b\n"]
    assert not peer.closed
    assert place.heard_over_time(peer, 1)[1] == b"c\n"
    assert peer.closed


def test_the_message_that_the_half_close_ends() -> None:
    """It waits for its token like any other."""
    place = Place(framing="eof", messages=SLOW)
    first, second = place.peer().say(b"a"), place.peer().say(b"b")
    first.finish_sending()
    second.finish_sending()
    assert first.hear() == b"a"
    assert place.heard_over_time(second, 1) == [b"", b"b"]
    assert second.closed


def test_without_keep_alive() -> None:
    """Messages count wherever they come: on many connections, one each."""
    place = Place(keep_alive=False, messages=SLOW)
    peers = [place.peer().say(b"a\n") for _ in range(3)]
    for number in range(3):
        assert [each.closed for each in peers] == [each <= number for each in range(3)]
        place.clock.advance(1)


def test_a_broken_format_need_not_wait() -> None:
    """There is nothing to answer."""
    place = Place(framing="netstring", messages=SLOW)
    peer = place.peer()
    with capturedLogs():
        peer.say(b"1:a,rubbish")
    assert peer.hear() == b"1:a,"
    assert peer.closed


def test_who_is_gone_leaves_nothing() -> None:
    """A connection that waits and goes takes no token, and leaves no timer and no cycle."""
    place = Place(messages=SLOW)
    place.peer().say(b"x\n").leave()
    gone, stays = place.peer().say(b"a\nb\n"), place.peer().say(b"A\n")
    gone.leave()
    place.clock.advance(1)
    assert stays.hear() == b"A\n"
    assert place.counters.dropped_bytes == 4
    stays.leave()
    alive = weakref.ref(gone.protocol)
    gone.transport.unregisterProducer()  # the circle that a transport of tests is
    gc.disable()
    try:
        del gone
        assert alive() is None
    finally:
        gc.enable()
    assert not place.clock.calls


@pytest.mark.parametrize("framing", ["line", "netstring", "fixed:size=2"])
def test_what_waits_is_counted_as_dropped_when_it_is_gone(framing: str) -> None:
    """To the byte."""
    frame = parse_framing(framing).frame
    place = Place(framing=framing, messages=SLOW)
    peer = place.peer().say(frame(b"aa") + frame(b"bb") + frame(b"cc")[:-1])
    peer.leave()
    assert place.counters.dropped_bytes == len(frame(b"bb")) + len(frame(b"cc")) - 1


def test_what_is_outside_of_messages_is_dropped_once() -> None:
    """It is counted when a message is found after it, however long that one waits."""
    place = Place(framing="enclosed:start=<,end=>", messages=SLOW)
    place.peer().say(b"..<a>....<b>.").leave()
    assert place.counters.dropped_bytes == len("......<b>.")


def test_what_is_sent_unasked_goes_out_in_its_turn() -> None:
    """It comes after what is owed."""
    place = Place(messages=SLOW)
    peer = place.peer().say(b"a\nb\n")
    peer.protocol.session.send(b"news")
    assert place.heard_over_time(peer, 1) == [b"a\n", b"news\nb\n"]


def test_long_replies_go_on() -> None:
    """A reply of several steps is not held up by bytes that come meanwhile, nor by its backlog."""
    place = Place(lambda *_: Reply(b"1", Wait(1), b"2"), bytes=Rate(0.1, 2))
    peer = place.peer().say(b"a\n")
    assert peer.hear() == b"1\n"
    peer.say(b"b\n")
    assert peer.paused
    peer.protocol.pauseProducing()
    place.clock.advance(1)
    assert peer.hear() == b""
    peer.protocol.resumeProducing()
    assert peer.hear() == b"2\n"
    place.clock.advance(9)
    assert peer.hear() == b"1\n"


def test_refused() -> None:
    """The connection gets the replies before that message, and is closed; the bytes are counted."""
    place = Place(messages=Rate(1, 2), over="refuse")
    with capturedLogs() as events:
        peer = place.peer().say(b"a\nb\ncc\ndd\n")
    assert peer.hear() == b"a\nb\n"
    assert peer.closed
    assert not peer.transport.aborted
    peer.say(b"e\n")
    peer.leave()
    assert texts(events) == ["192.0.2.1:40000 closed: too many messages a second from its address"]
    counters = place.counters
    assert counters.closed == {"per_peer_rate": 1}
    assert counters.limited == {"messages": 1}
    assert (counters.messages, counters.replies) == (2, 2)
    assert counters.received_bytes == 12
    assert counters.dropped_bytes == 8


def test_refusals_are_capped_in_the_log() -> None:
    """A flood fills no disk."""
    place = Place(messages=Rate(0.001, 1), over="refuse")
    with capturedLogs() as events:
        for _ in range(50):
            place.peer().say(b"a\n")
        assert len(events) == 20
        place.clock.advance(1)
    assert texts(events)[20:] == ["29 more complaints about peers in this second"]
    assert place.counters.limited == {"messages": 49}


def test_refused_again_and_again_costs_nothing_more() -> None:
    """What was refused is not taken: the next token comes in time, however often it was tried."""
    place = Place(messages=SLOW, over="refuse")
    with capturedLogs():
        for _ in range(50):
            place.peer().say(b"a\n")
    place.clock.advance(1)
    assert place.peer().say(b"a\n").hear() == b"a\n"


# Bytes.


def test_bytes_wait() -> None:
    """A read is answered if any token is left; then nothing more is until it is paid for."""
    place = Place(bytes=Rate(10, 10))
    peer = place.peer().say(b"x" * 29 + b"\n")
    assert peer.hear() == b"x" * 29 + b"\n"
    peer.say(b"b\n", b"c\n")
    assert peer.paused
    assert place.heard_over_time(peer, 3) == [b"", b"", b"", b"b\nc\n"]
    assert not peer.paused
    assert place.counters.limited == {"bytes": 1}


def test_bytes_at_their_pace() -> None:
    """In the long run it is that many a second, whatever the reads, of which two are kept."""
    place = Place(bytes=Rate(100, 100))
    peer, answered = place.peer(), 0
    for _ in range(1000):
        if not peer.paused:
            peer.say(b"x" * 6 + b"\n")
        place.clock.advance(0.01)
        answered += len(peer.hear())
    assert 1000 <= answered <= 1000 + 100 + 14


def test_bytes_and_messages() -> None:
    """Who is over both waits for both."""
    place = Place(messages=Rate(0.5, 1), bytes=Rate(1, 2))
    peer = place.peer().say(b"a\n", b"b\n", b"c\n")
    assert [at for at, heard in enumerate(place.heard_over_time(peer, 9)) if heard] == [0, 2, 4]
    assert not peer.paused
    place.clock.advance(100)
    peer.say(b"d\ne\n", b"f\n")
    peer.leave()
    assert not place.clock.calls


@pytest.mark.parametrize("size", [1, 2, 7, 30])
def test_bytes_refused(size: int) -> None:
    """More than a burst at once ends the connection, in however many reads it comes."""
    place = Place(bytes=Rate(10, 20), over="refuse")
    peer, wire = place.peer(), b"x" * 19 + b"\n" + b"y" * 9 + b"\n"
    with capturedLogs() as events:
        for at in range(0, len(wire), size):
            peer.say(wire[at : at + size])
    assert peer.closed
    answered = 20 if 20 % size == 0 else 0  # else the read with its end is over the limit
    assert peer.hear() == wire[:answered]
    assert texts(events) == ["192.0.2.1:40000 closed: too many bytes a second from its address"]
    peer.leave()
    assert place.counters.closed == {"per_peer_rate": 1}
    assert place.counters.dropped_bytes == 30 - answered


def test_what_came_in_time_is_answered() -> None:
    """Bytes that wait hold up neither the messages before them nor what ends with them."""
    place = Place(lambda message, _: message * 100, bytes=Rate(1, 1))
    peer = place.peer().say(b"a" * 700 + b"\n" + b"b" * 700 + b"\n")
    peer.say(b"c\nd")
    assert len(peer.hear()) == 70_001  # a turn
    place.clock.advance(0)
    assert len(peer.hear()) == 70_001
    peer.finish_sending()
    place.clock.advance(1300)
    assert peer.hear() == b""
    assert not peer.closed
    with capturedLogs() as events:
        place.clock.advance(102)
    assert peer.hear() == b"c" * 100 + b"\n"
    assert peer.closed
    assert texts(events) == ["192.0.2.1:40000 ended inside a message: 1 bytes lost: 'd'"]


def test_a_gap_in_what_waits() -> None:
    """A silence that ends a message is told to the framer in its turn."""
    place = Place(lambda message, _: b"<%b>" % message, "gap:seconds=0.5", bytes=Rate(1, 1))
    peer = place.peer().say(b"aa")
    place.clock.advance(0.5)
    peer.say(b"b")
    place.clock.advance(0.5)
    peer.say(b"c")
    assert peer.hear() == b"<aa>"
    place.clock.pump([0.5] * 9)
    assert peer.hear() == b"<b><c>"


def test_bytes_that_wait_when_the_connection_goes() -> None:
    """They are dropped, and told as what they were."""
    log = ExactLog()
    place = Place(exchanges=log, bytes=SLOW)
    peer = place.peer().say(b"a\nb")
    peer.say(b"c\nd")
    peer.leave()
    assert ("unfinished", b"bc\nd", 2, "peer", False) in log.told
    assert place.counters.dropped_bytes == 4
    assert not place.clock.calls


# Connections.


def test_a_new_connection_waits() -> None:
    """It is not greeted, not read and not answered until it is its turn; then all of it is."""
    place = Place(greeting=b"hi", connections=SLOW)
    place.peer()
    peer = place.peer()
    assert peer.paused
    assert peer.hear() == b""
    peer.say(b"a\n")  # what the transport had read already
    place.clock.advance(0.9)
    assert peer.hear() == b""
    place.clock.advance(0.1)
    assert peer.hear() == b"hi\na\n"
    assert not peer.paused
    assert place.counters.connections == 2
    assert place.counters.limited == {"connections": 1}


def test_as_many_wait_as_a_burst() -> None:
    """Others are refused: who waits has a place that someone else may need."""
    place = Place(greeting=b"hi", connections=Rate(1, 3))
    with capturedLogs() as events:
        peers = [place.peer() for _ in range(8)]
    assert [each.hear() for each in peers] == [b"hi\n"] * 3 + [b""] * 5
    assert [each.closed for each in peers] == [False] * 6 + [True] * 2
    assert place.counters.refused == {"per_peer_rate": 2}
    assert place.counters.limited == {"connections": 5}
    assert len(texts(events, "warn")) == 2
    place.clock.pump([1, 1, 1])
    assert [each.hear() for each in peers] == [b""] * 3 + [b"hi\n"] * 3 + [b""] * 2


def test_a_new_connection_that_waits_is_not_idle() -> None:
    """Its time begins when it is its turn."""
    place = Place(limits={"idle_timeout": 2}, connections=Rate(0.1, 1))
    place.peer()
    peer = place.peer()
    place.clock.pump([1] * 11)
    assert not peer.closed
    place.clock.advance(1)
    assert peer.closed


def test_new_connections_are_refused() -> None:
    """At once, with a line in the log, counted as refused and never as taken."""
    place = Place(greeting=b"hi", connections=Rate(1, 2), over="refuse")
    with capturedLogs() as events:
        peers = [place.peer() for _ in range(3)]
    assert [each.closed for each in peers] == [False, False, True]
    assert peers[2].hear() == b""
    assert texts(events) == [
        "192.0.2.1:40000 refused: too many new connections a second from its address"
    ]
    counters = place.counters
    assert (counters.connections, counters.refused) == (2, {"per_peer_rate": 1})
    assert not place.peer(OTHER).closed
    place.clock.advance(1)
    assert not place.peer().closed


def test_a_connection_refused_for_its_pace_is_not_counted_as_there() -> None:
    """`max_connections_per_peer` counts those who were let in."""
    place = Place(limits={"max_connections_per_peer": 2}, connections=Rate(1, 1), over="refuse")
    with capturedLogs():
        place.peer()
        for _ in range(5):
            place.peer()
        place.clock.advance(1)
        assert not place.peer().closed
        place.clock.advance(1)
        assert place.peer().closed
    assert place.counters.refused == {"per_peer_rate": 5, "per_peer": 1}


# Who is a peer.


@pytest.mark.parametrize(
    ("one", "two", "prefix", "same"),
    [
        ("192.0.2.1", "192.0.2.1", 64, True),
        ("192.0.2.1", "192.0.2.2", 64, False),
        ("192.0.2.1", "::ffff:192.0.2.1", 64, True),
        ("2001:db8::1", "2001:db8::2", 64, True),
        ("2001:db8::1", "2001:db8::2", 128, False),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", 64, False),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", 56, True),
        ("0.0.0.1", "::1", 128, False),
    ],
)
def test_who_is_a_peer(one: str, two: str, prefix: int, same: bool) -> None:
    """An IPv4 address, or the network of an IPv6 address."""
    kinds = {True: IPv6Address, False: IPv4Address}
    place = Place(messages=SLOW, ipv6_prefix=prefix)
    for address, answer in ((one, b"a\n"), (two, b"" if same else b"a\n")):
        peer = place.peer(kinds[":" in address]("TCP", address, 1)).say(b"a\n")
        assert peer.hear() == answer


def test_no_two_addresses_have_the_same_number() -> None:
    """Not even an IPv4 and an IPv6 address with the same bits."""
    texts_of_them = ["0.0.0.0", "0.0.0.1", "255.255.255.255", "::", "::1", "::ffff:ffff"]
    keys = [key_of(ip_address(each), 128) for each in texts_of_them]
    assert len(set(keys)) == len(keys)


def test_max_connections_per_peer_counts_the_same_peers() -> None:
    """Where there are limits per peer, it counts by their prefix."""
    there = [IPv6Address("TCP", f"2001:db8::{number}", 1) for number in range(3)]
    cases: list[tuple[dict[str, Any], list[bool]]] = [
        ({}, [False, False]),
        ({"messages": MANY}, [False, True]),
    ]
    for per_peer, closed in cases:
        place = Place(limits={"max_connections_per_peer": 1}, **per_peer)
        with capturedLogs():
            assert [place.peer(each).closed for each in there[:2]] == closed


def test_peers_without_an_address() -> None:
    """Those on UNIX sockets are not limited."""
    place = Place(connections=SLOW, messages=SLOW, bytes=SLOW, over="refuse")
    for _ in range(3):
        peer = place.peer(UNIXAddress(None)).say(b"a\nb\nc\n")
        assert peer.hear() == b"a\nb\nc\n"


# Reload and drain.


def test_limits_that_come_later() -> None:
    """They hold for connections that are there already."""
    place = Place()
    peer = place.peer().say(b"a\nb\n")
    place.change(messages=SLOW)
    peer.say(b"c\nd\ne\n")
    assert place.heard_over_time(peer, 2) == [b"a\nb\nc\n", b"d\n", b"e\n"]


def test_limits_that_go() -> None:
    """Whoever waits goes on at once, and nobody is limited any more."""
    place = Place(messages=SLOW, bytes=Rate(1, 1), connections=SLOW)
    peer = place.peer().say(b"a\nb\nc\n")
    waits = place.peer().say(b"x\n")
    peer.say(b"d\n")
    place.change()
    assert peer.hear() == b"a\nb\nc\nd\n"
    assert waits.hear() == b"x\n"
    assert not peer.paused
    assert not waits.paused
    assert peer.say(b"e\n" * 50).hear() == b"e\n" * 50
    assert not place.peer().paused


@pytest.mark.parametrize("gone", ["messages", "connections"])
def test_one_limit_goes_and_another_stays(gone: str) -> None:
    """Whoever waits for the one that stays goes on waiting."""
    limits: dict[str, Any] = {"messages": SLOW, "connections": SLOW}
    place = Place(**limits)
    first, second = place.peer().say(b"a\nb\n"), place.peer().say(b"c\n")
    del limits[gone]
    place.change(**limits)
    assert first.hear() == (b"a\nb\n" if gone == "messages" else b"a\n")
    assert second.hear() == b""
    place.clock.pump([1, 1, 1])
    assert second.hear() == b"c\n"


def test_a_reload_frees_nobody() -> None:
    """What a peer has used up stays so, with the same limits and with others."""
    place = Place(messages=Rate(1, 5), over="refuse")
    place.peer().say(b"a\n" * 5)
    place.change(messages=Rate(1, 5), over="refuse")
    with capturedLogs():
        assert place.peer().say(b"a\n").closed
        place.change(messages=Rate(2, 10), over="refuse")
        assert place.peer().say(b"a\n" * 6).closed


@pytest.mark.parametrize("over", ["wait", "refuse"])
def test_another_pace_for_those_who_wait(over: Over) -> None:
    """The next token comes at the new pace; who waited already is not cut off."""
    place = Place(messages=Rate(0.01, 1))
    peer = place.peer().say(b"a\nb\n")
    place.clock.advance(1)
    place.change(messages=Rate(1000, 1), over=over)
    place.clock.advance(0.001)
    assert peer.hear() == b"a\nb\n"
    assert not peer.closed


def test_another_prefix() -> None:
    """Peers are others then: whoever waits is counted anew, and is not lost."""
    address = IPv6Address("TCP", "2001:db8::1", 1)
    place = Place(messages=SLOW)
    peer = place.peer(address).say(b"a\nb\nc\nd\n")
    place.change(messages=SLOW, ipv6_prefix=56)
    assert peer.hear() == b"a\nb\nc\n"
    waits = place.peer(address).say(b"x\n")
    waits.leave()
    assert place.heard_over_time(peer, 2)[1:] == [b"d\n", b""]
    peer.leave()
    assert not place.clock.calls


def test_drain_answers_what_has_arrived() -> None:
    """When the service stops, nobody is held back any longer."""
    place = Place(messages=Rate(0.01, 1), bytes=Rate(0.01, 9), connections=Rate(0.01, 2))
    peer = place.peer().say(b"a\nb\nc\n")
    also = place.peer().say(b"A\n")
    waits = place.peer().say(b"x\n")
    done = watch(place.factory.roster.drain(30))
    place.clock.advance(1)
    assert (peer.hear(), also.hear(), waits.hear()) == (b"a\nb\nc\n", b"A\n", b"x\n")
    assert all(each.closed for each in (peer, also, waits))
    late = place.peer().say(b"y\n")
    assert late.hear() == b"y\n"
    for each in (peer, also, waits, late):
        each.leave()
    assert done == [None]


def test_who_has_waited_may_still_ask_at_a_drain() -> None:
    """A new connection that waits gets the time that a newcomer has: its first message may come."""
    place = Place(connections=Rate(0.01, 2))
    place.peer(), place.peer()
    asks, silent = place.peer(), place.peer()
    place.clock.advance(50)
    place.factory.roster.drain(30)
    assert not asks.closed
    assert asks.say(b"a\n").hear() == b"a\n"
    assert asks.closed
    place.clock.advance(0.9)
    assert not silent.closed
    place.clock.advance(0.2)
    assert silent.closed


def test_a_service_that_starts_again() -> None:
    """After a drain, limits hold again."""
    place = Place(messages=SLOW)
    place.factory.roster.drain(30)
    assert place.peer().say(b"a\nb\n").hear() == b"a\nb\n"
    place.factory.roster.draining = False
    assert place.peer().say(b"c\nd\n").hear() == b"c\n"


def test_drain_still_refuses() -> None:
    """A flood is none the better for coming at the end."""
    place = Place(messages=SLOW, over="refuse")
    peer = place.peer().say(b"a\n")
    place.factory.roster.drain(30)
    with capturedLogs():
        assert place.peer().say(b"b\n").hear() == b""
    assert peer.closed


def test_abort_at_the_end_of_a_drain() -> None:
    """Who waits is ended like everybody else."""
    place = Place(lambda *_: Reply(Wait(99), b"late"), messages=SLOW)
    peer = place.peer().say(b"a\nb\n")
    place.factory.roster.drain(5)
    place.clock.advance(5)
    assert peer.transport.aborted


# What others see.


class TimingLog(NotingLog):
    """Notes when each message arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.arrivals: list[Arrival] = []

    def received(self, session: Session, message: bytes, arrival: Arrival) -> bool:
        self.arrivals.append(arrival)
        return super().received(session, message, arrival)


class ExactLog(TimingLog):
    """Wants to know as which bytes, too."""

    def __init__(self) -> None:
        super().__init__()
        self.exact = True


def test_the_record_is_exact() -> None:
    """Each message has its time, its place and its bytes, however long it waited."""
    log = ExactLog()
    place = Place(exchanges=log, messages=Rate(0.25, 1))
    peer = place.peer()
    for read in (b"a\nbb", b"b\ncc", b"c\n"):
        peer.say(read)
        place.clock.advance(1)
    place.clock.pump([1] * 10)
    assert log.arrivals == [Arrival(0, 0, b"a\n"), Arrival(1, 2, b"bbb\n"), Arrival(2, 6, b"ccc\n")]
    assert peer.hear() == b"a\nbbb\nccc\n"


def test_the_record_of_what_waited_in_vain() -> None:
    """It is told as the bytes that it was, and where they stood."""
    log = ExactLog()
    place = Place(exchanges=log, messages=SLOW)
    place.peer().say(b"a\nbbb\nc").leave()
    assert ("unfinished", b"bbb\nc", 2, "peer", False) in log.told


def test_times_of_what_waited() -> None:
    """A log that shows messages knows when one arrived that waited."""
    log = TimingLog()
    place = Place(exchanges=log, messages=SLOW)
    peer = place.peer().say(b"a\nb\n")
    place.clock.advance(0.25)
    peer.say(b"c\n")
    place.clock.pump([1, 1])
    assert [time for time, _, _ in log.arrivals] == [None, 0.0, 0.25]


def test_a_framing_that_does_not_know_its_rest() -> None:
    """A framing of somebody's own may have framers without `rest`; messages wait all the same."""
    place = Place(messages=SLOW)
    peer = place.peer()
    framer = peer.protocol._framer._framer

    class Bare:
        """Has what a framer must have."""

        silence, ready, empty = None, (), False
        receive_data, receive_eof = framer.receive_data, framer.receive_eof
        receive_silence, next_message = framer.receive_silence, framer.next_message
        buffered = property(lambda _: framer.buffered)
        dropped = property(lambda _: framer.dropped)

    peer.protocol._framer._framer = Bare()
    peer.say(b"a\nb\nc")
    assert place.heard_over_time(peer, 1) == [b"a\n", b"b\n"]
    peer.say(b"\n" * 3)
    peer.leave()
    assert place.counters.dropped_bytes == 4


def test_no_two_paces_for_one_connection() -> None:
    """However often limits change, a framer is wrapped once."""
    place = Place(messages=SLOW)
    peer = place.peer()
    framers = []
    for _ in range(3):
        place.change(messages=SLOW)
        framers.append(peer.protocol._framer)
    assert all(one is two for one, two in pairwise(framers))
    assert peer.protocol._answering.framer is framers[0]


RATES = [None, Rate(0.5, 1), Rate(3, 2), Rate(50, 10)]


def some_limits(random: Random) -> dict[str, Any]:
    """Any limits that make peers wait."""
    limits: dict[str, Any] = {each: random.choice(RATES) for each in ("connections", "messages")}
    limits["bytes"] = random.choice([None, Rate(5, 5), Rate(500, 500)])
    return {**limits, "ipv6_prefix": random.choice([64, 64, 48])}


class Story:
    """Something happens on a connection, again and again, in any order.

    Args:
        place: The service.
        random: Chooses.
        peer: The connection.
    """

    def __init__(self, place: Place, random: Random, peer: Peer) -> None:
        self.place, self.random, self.peer = place, random, peer
        self.wire, self.heard = b"", b""
        self.unread = b""  # what the peer has sent and the service would not read
        self.open = True

    def go_on(self) -> None:
        """Let one thing happen."""
        if not self.open:
            return
        match self.random.randrange(12):
            case 0 | 1 | 2 | 3 | 4:
                more = b"".join(b"%d\n" % self.random.randrange(99) for _ in range(3))
                self.wire += more
                self.unread += more
            case 5:
                self.peer.protocol.pauseProducing()
                self.peer.protocol.resumeProducing()
            case 6 if self.random.random() < 0.1:
                self.open = False
                self.peer.leave()
                return
        self.read()

    def read(self) -> None:
        """Read what there is, in pieces, as long as the service reads; and hear what it answers."""
        while self.unread and not self.peer.paused:
            size = self.random.randint(1, len(self.unread))
            piece, self.unread = self.unread[:size], self.unread[size:]
            self.peer.say(piece)
        self.heard += self.peer.hear()


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_all_is_answered_in_order(seed: int) -> None:
    """Limits that come, change and go hold replies back, and neither lose nor reorder any."""
    random = Random(seed)
    place = Place(limits={"idle_timeout": 0, "message_timeout": 0}, **some_limits(random))
    addresses = [HOME, HOME, OTHER, IPv6Address("TCP", "2001:db8::1", 1), UNIXAddress(None)]
    with capturedLogs() as events:
        stories: list[Story] = []
        for _ in range(200):
            if len(stories) < 8 and random.random() < 0.1:
                peer = place.peer(random.choice(addresses))
                if not peer.closed:  # too many wait already
                    stories.append(Story(place, random, peer))
            if stories:
                random.choice(stories).go_on()
            if random.random() < 0.3:
                place.clock.advance(random.choice([0, 0.01, 0.1, 1, 3]))
            if random.random() < 0.03:
                place.change(**random.choice([some_limits(random), {}]))
        for _ in range(1500):
            place.clock.advance(2)
            for story in stories:
                if story.open:
                    story.read()
    for story in stories:
        assert story.wire.startswith(story.heard)
        if story.open:
            assert story.heard == story.wire
            assert not story.peer.closed
            story.peer.leave()
    left_early = "ended inside a message"  # that one did so is no fault of ours
    assert not [each for each in texts(events) if "refused" not in each and left_early not in each]
    assert not place.factory.roster.connections
    place.clock.advance(1)
    assert not place.clock.calls
