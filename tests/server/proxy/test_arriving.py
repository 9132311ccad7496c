"""Connections that a proxy introduces: who their peer is, and what happens until that is known."""

from __future__ import annotations

import gc
import socket
import weakref
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.logger import capturedLogs
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory

from sockreply.errors import CannotStart
from sockreply.framing import Line, Switched, parse_framing
from sockreply.observing.exchange_log import ExchangeLog
from sockreply.replies import Echo
from sockreply.replies.proxy import Proxy
from sockreply.rules import Equals, Rule, RuleTable, reply, template
from sockreply.server import ReplyFactory, ReplyService
from sockreply.server.proxy.arriving import Arriving, replace_protocol
from sockreply.server.proxy.connection import ProxiedProtocol
from sockreply.server.stream import ReplyProtocol
from sockreply.server.transport import SendsAtOnce
from sockreply.settings import Limits, ListenerSettings
from tests.server.proxy.headers import (
    ALL,
    CLIENT,
    FRONT,
    KEPT,
    LINE,
    block,
    inet,
    inet6,
    summed,
    unix,
)
from tests.server.proxy.site import MakeSite, hear, proxies
from tests.server.stand_ins import FakeTransport, LoopingReactor, texts, watch

PROXY = "127.0.0.0/8"
LOCAL = block(b"", 0x00, 0x20)
ANSWER = b"192.0.2.7:56324\n"
"""What the client of `LINE` is answered."""


@pytest.mark.parametrize("header", [LINE, block(inet()), summed(inet() + ALL)])
def test_every_cut(make_site: MakeSite, header: bytes) -> None:
    """A header may come in any chunks, and the first message with it."""
    site = make_site(PROXY)
    wire = header + b"x\n"
    for at in range(1, len(wire)):
        assert hear(site.connect(wire[:at], wire[at:])) == ANSWER, at
    assert hear(site.connect(wire)) == ANSWER
    assert hear(site.connect(*(wire[at : at + 1] for at in range(len(wire))))) == ANSWER
    assert not site.counters.refused


@pytest.mark.parametrize("header", [LINE, block(inet())])
def test_framings_by_state(make_site: MakeSite, header: bytes) -> None:
    """A header, and messages in several framings, may come in any chunks."""
    line, counted = parse_framing("line"), parse_framing("length:bytes=1")
    table = RuleTable(
        [
            Rule("go", Equals(b"go"), reply(b"went"), next_state="counted"),
            Rule("all", None, reply(template("{{ peer.host }}")), next_state="start"),
        ],
        framings={"counted": counted},
    )
    site = make_site(PROXY, framing=Switched(line, line, (counted,)), answer=table.respond)
    wire = header + b"go\n\3a\nbgo\n\0"
    host = str(CLIENT.host).encode()
    said = (b"went\n" + bytes([len(host)]) + host) * 2
    for at in range(1, len(wire), 3):
        assert hear(site.connect(wire[:at], wire[at:])) == said, at


def test_nothing_is_left_of_it(make_site: MakeSite) -> None:
    """After the header, the transport has the connection's own protocol, and nothing between."""
    site = make_site(PROXY)
    site.connect()
    assert [type(each) for each in site.protocols] == [Arriving]
    assert not site.factory.roster.connections
    site.say(site.clients[0], LINE)
    (connection,) = site.factory.roster.connections
    assert site.protocols == [connection]
    assert isinstance(connection, ProxiedProtocol)
    assert type(connection.transport) is SendsAtOnce
    assert connection.transport.protocol is connection
    assert not site.factory.roster.newcomers
    soon = [each for each in site.reactor.getDelayedCalls() if each.getTime() < 20]
    assert ["Rounds._go" in str(each) for each in soon] == [True]


@pytest.mark.parametrize("rest", [LINE[9:], b"wrong\n"])
def test_it_is_freed_at_once(make_site: MakeSite, rest: bytes) -> None:
    """What waited for a header is freed when that has come, and does not wait for the collector."""
    site = make_site(PROXY)
    gc.disable()
    try:
        client = site.connect(LINE[:9])
        (arriving,) = map(weakref.ref, site.protocols)
        with capturedLogs():
            site.say(client, rest)
        assert arriving() is None
    finally:
        gc.enable()


def test_nothing_is_said_before_the_header(make_site: MakeSite) -> None:
    """The greeting, the count and the log wait until it is known who the client is."""
    site = make_site(PROXY, greeting=b"hello")
    client = site.connect(LINE[:-1])
    assert hear(client) == b""
    assert site.counters.connections == 0
    assert site.log.told == [("listening", site.service.addresses()[0])]
    site.say(client, LINE[-1:])
    assert hear(client) == b"hello\n"
    assert site.counters.connections == 1


def test_peer_everywhere(make_site: MakeSite) -> None:
    """A session knows the client, where that connected to, and the proxy."""
    site = make_site(PROXY)
    site.connect(summed(inet() + ALL) + b"x\n")
    (session,) = site.sessions
    assert (session.peer, session.host) == (CLIENT, FRONT)
    assert session.proxy == Proxy(IPv4Address("TCP", "127.0.0.1", 7), 2, False, KEPT)


@pytest.mark.parametrize("header", [LOCAL, b"PROXY UNKNOWN\r\n", block(b"", 0x00)])
def test_no_client_is_named(make_site: MakeSite, header: bytes) -> None:
    """Then the proxy is the peer."""
    site = make_site(PROXY)
    assert hear(site.connect(header + b"x\n")) == b"127.0.0.1:7\n"
    proxy = site.sessions[0].proxy
    assert proxy is not None
    assert proxy.own is (header == LOCAL)


def test_without_proxies(make_site: MakeSite) -> None:
    """A plain listener knows no proxy, and makes plain connections."""
    site = make_site()
    assert hear(site.connect(b"x\n")) == b"127.0.0.1:7\n"
    assert site.sessions[0].proxy is None
    assert type(site.protocols[0]) is ReplyProtocol


def test_half_close_behind_the_requests(make_site: MakeSite) -> None:
    """Who half-closes behind a header and requests gets all replies, also those that take time."""
    site = make_site(PROXY)
    client = site.connect()
    client.sendall(LINE + b"x\nslow\n" + b"x\n" * 200)
    client.shutdown(socket.SHUT_WR)
    site.reactor.turn(3)
    assert hear(client) == ANSWER
    site.pass_time(1)
    site.reactor.turn(9)
    assert hear(client) == b"late\n" + ANSWER * 200
    assert hear(client) is None
    assert site.counters.errors.total() == 0


def test_abort(make_site: MakeSite) -> None:
    """A connection that a proxy introduced can be aborted like any other."""
    site = make_site(PROXY)
    client = site.connect(LINE)
    site.factory.roster.abort()
    site.pass_time(0)
    assert hear(client) is None
    assert site.counters.open_connections == 0


def test_who_waits_has_a_place(make_site: MakeSite) -> None:
    """The limit holds for those without a header, too; who leaves, or is refused, makes place."""
    site = make_site(PROXY, allow=("192.0.2.0/24",), max_connections=2)
    first, second = site.connect(), site.connect()
    site.port.arrive(2)
    assert len(site.port.clients.waiting) == 2
    assert site.factory.roster.places == 0
    site.say(first, LINE)
    assert site.factory.roster.places == 0
    second.close()
    site.reactor.turn(2)
    site.port.doRead()
    assert len(site.port.clients.waiting) == 1
    with capturedLogs():
        site.port.clients.peers[0].sendall(block(inet(IPv4Address("TCP", "203.0.113.1", 1))))
        site.reactor.turn(3)
    assert site.counters.refused == {"no_header": 1, "not_allowed": 1}
    site.port.doRead()
    assert not site.port.clients.waiting


def test_limit_by_client(make_site: MakeSite) -> None:
    """Connections are limited by the client's address, and counted down under it."""
    site = make_site(PROXY, max_connections_per_peer=1)
    with capturedLogs() as events:
        for _ in range(5):
            client = site.connect(LINE + b"x\n")
            assert hear(client) == ANSWER
            other = block(inet6(), 0x21)
            assert hear(site.connect(other + b"x\n")) in (b"2001:db8::7:56324\n", None)
            assert hear(site.connect(LINE + b"x\n")) is None
            client.close()
            site.reactor.turn(2)
    assert site.counters.refused == {"per_peer": 5 + 4}
    assert texts(events)[0] == "192.0.2.7:56324 refused: too many connections from its address"


@pytest.mark.parametrize(
    ("header", "admitted"),
    [
        (LINE, True),
        (block(inet(IPv4Address("TCP", "203.0.113.1", 1))), False),
        (block(inet6(), 0x21), False),
        (block(unix(b"/run/x", b""), 0x31), True),
        (LOCAL, True),  # the specification has us accept it
        (b"PROXY UNKNOWN\r\n", False),  # anybody may be behind it
        (block(b"", 0x00), False),
    ],
)
def test_allow_is_of_clients(make_site: MakeSite, header: bytes, admitted: bool) -> None:
    """`allow` looks at the client that a proxy of `proxy_from` names."""
    site = make_site(PROXY, allow=("192.0.2.0/24",))
    with capturedLogs():
        client = site.connect(header + b"x\n")
    assert (hear(client) is not None) is admitted
    assert site.counters.refused.total() == (not admitted)


@pytest.mark.parametrize(
    ("allow", "believed"), [(None, True), (("127.0.0.1/32",), True), (("192.0.2.0/24",), False)]
)
def test_prefix(make_site: MakeSite, allow: tuple[str, ...] | None, believed: bool) -> None:
    """With `haproxy:`, `allow` says who the proxies are, and nothing of their clients.

    Without it, everybody is believed, which the log warns of.
    """
    with capturedLogs() as events:
        site = make_site(endpoint="haproxy:tcp:12345", allow=allow)
        client = site.connect(*([LINE + b"x\n"] if believed else []))
    assert hear(client) == (ANSWER if believed else None)
    assert site.counters.refused == ({} if believed else {"not_a_proxy": 1})
    warned = [
        text for text in texts(events, "warn") if "accepts PROXY headers from everybody" in text
    ]
    assert len(warned) == (allow is None)


def test_who_is_no_proxy(make_site: MakeSite) -> None:
    """Another peer is closed before it says anything, counted, and told up to a number of lines."""
    site = make_site("192.0.2.0/24", "unix")
    with capturedLogs() as events:
        for _ in range(50):
            assert hear(site.connect()) is None
        site.pass_time(1)
    assert site.counters.refused == {"not_a_proxy": 50}
    assert site.counters.connections == 0
    lines = texts(events)
    assert lines[0] == "127.0.0.1:7 refused: not one of the listener's proxies"
    assert len(lines) == 21


@pytest.mark.parametrize(
    ("peer", "names", "believed"),
    [
        (UNIXAddress(None), ("unix",), True),
        (UNIXAddress("/run/x"), ("unix",), True),
        (UNIXAddress(None), ("0.0.0.0/0",), False),
        (IPv4Address("TCP", "127.0.0.1", 1), ("unix",), False),
        (IPv4Address("TCP", "127.0.0.1", 1), ("unix", "127.0.0.1/32"), True),
        (IPv4Address("TCP", "junk", 1), ("0.0.0.0/0", "unix"), False),
        (None, ("0.0.0.0/0", "unix"), False),
    ],
)
def test_proxies(
    make_site: MakeSite, peer: IAddress | None, names: tuple[str, ...], believed: bool
) -> None:
    """A proxy is in one of the networks, or on a UNIX socket."""
    factory: Any = make_site(*names).port.factory
    with capturedLogs():
        assert (factory.buildProtocol(peer) is not None) is believed


@pytest.mark.parametrize("first", [b"x\n", LINE.replace(b"4 192", b"4 392"), block(inet()[:-1])])
def test_wrong_header(make_site: MakeSite, first: bytes) -> None:
    """It costs its connection, and one line, escaped; so many lines a second at most."""
    site = make_site(PROXY)
    with capturedLogs() as events:
        for _ in range(500):
            client = site.connect(first + b"more")
            assert hear(client) is None
            client.close()
        site.pass_time(1)
    assert site.counters.refused == {"bad_header": 500}
    assert site.counters.errors.total() == site.counters.connections == 0
    lines = texts(events)
    assert "127.0.0.1:7 refused: its PROXY header is wrong: expected " in lines[0]
    assert len(lines) == 21
    assert not site.factory.roster.newcomers


def test_nothing_reaches_the_log_raw(make_site: MakeSite) -> None:
    """What a header names is escaped, and so is what is wrong with it."""
    site = make_site(PROXY, exchanges=ExchangeLog)
    with capturedLogs() as events:
        site.connect(block(unix(b"/run/a\n<2>b\x1b[2J", b""), 0x31) + b"x\n")
        site.connect(b"PROXY TCP4 1.2.3.4:1\n<2>root\x1b[2J 1 2 3\r\n")
        site.connect(block(inet() + b"\n\x1b"))
        site.connect(b"\x1b[2J\n")
        site.connect(b"PROXY \x1b[2J\n").close()
        site.connect(b"PROXY \x1b[2J").close()
        site.reactor.turn(2)
    lines = texts(events)
    assert any(r"unix:/run/a\n<2>b\x1b[2J" in line for line in lines)
    assert len(lines) == 8
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(("message_timeout", "seconds"), [(5, 5), (1, 3), (0, 10)])
def test_header_in_time(make_site: MakeSite, message_timeout: float, seconds: float) -> None:
    """It has `message_timeout`, but never less than three seconds, nor for ever."""
    site = make_site(PROXY, message_timeout=message_timeout, idle_timeout=0)
    client = site.connect(LINE[:20])
    site.pass_time(seconds - 0.5)
    site.say(client, LINE[20:25])
    assert hear(client) == b""
    with capturedLogs() as events:
        site.pass_time(0.5)
    assert hear(client) is None
    assert texts(events) == [f"127.0.0.1:7 refused: no PROXY header within {seconds} s"]
    assert site.counters.refused == {"no_header": 1}
    assert not site.factory.roster.newcomers


def test_who_leaves_without_a_header(make_site: MakeSite) -> None:
    """One that says nothing, as a check does, is only counted; one inside its header is told."""
    site = make_site(PROXY)
    with capturedLogs() as events:
        site.connect().close()
        site.reactor.turn(2)
        assert texts(events) == []
        site.connect(LINE[:9]).close()
        site.reactor.turn(2)
    assert texts(events) == ["127.0.0.1:7 left inside its PROXY header: 'PROXY TCP'"]
    assert site.counters.refused == {"no_header": 2}
    assert not site.factory.roster.newcomers


def test_half_close_inside_the_header(make_site: MakeSite) -> None:
    """There will be no header: it is closed."""
    site = make_site(PROXY)
    client = site.connect(LINE[:9])
    client.shutdown(socket.SHUT_WR)
    with capturedLogs():
        site.reactor.turn(2)
    assert hear(client) is None


def test_drain(make_site: MakeSite) -> None:
    """A drain answers who has sent a header and a message; who has not gets another second."""
    site = make_site(PROXY)
    silent = site.connect()
    there = site.connect()
    there.sendall(LINE + b"x\n")
    late = site.connect()
    drained = watch(site.service.stopService())
    site.reactor.turn(2)
    assert hear(there) == ANSWER
    site.say(late, LINE + b"x\n")
    assert hear(late) == ANSWER
    assert hear(silent) == b""
    assert not drained
    site.pass_time(1)
    site.reactor.turn(3)
    assert hear(silent) is None
    site.pass_time(1)
    site.reactor.turn(3)
    assert drained == [None]


def test_accepted_while_draining(make_site: MakeSite) -> None:
    """Who is accepted last has its header read too, or is closed after a second."""
    site = make_site(PROXY)
    site.factory.roster.drain(9)
    client, silent = site.connect(), site.connect()
    site.say(client, LINE + b"x\n")
    assert hear(client) == ANSWER
    site.pass_time(0)
    site.pass_time(1)
    site.pass_time(1)
    assert hear(silent) is None
    assert site.factory.roster.is_empty


def test_abort_of_who_waits(make_site: MakeSite) -> None:
    """A second signal ends those too."""
    site = make_site(PROXY)
    client = site.connect(LINE[:9])
    drained = watch(site.service.stopService())
    site.service.abort()
    with capturedLogs():
        site.pass_time(0)
    assert hear(client) is None
    assert drained == [None]


class Broken(ServerFactory[Protocol]):
    """Makes no connection."""

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        raise ZeroDivisionError


def test_what_is_inside_raises(make_site: MakeSite) -> None:
    """What cannot be made of a header costs its connection, and is counted and told."""
    site = make_site(PROXY)
    outside: Any = site.port.factory
    outside.after_header = Broken()
    with capturedLogs() as events:
        client = site.connect(LINE)
        site.pass_time(0)
    assert hear(client) is None
    assert site.counters.errors == {"internal": 1}
    assert "ZeroDivisionError" in texts(events)[0]
    assert site.factory.roster.is_empty


@pytest.mark.parametrize("name", ["expect", "expect_no_more"])
def test_roster_raises(make_site: MakeSite, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does what raises before or after."""
    site = make_site(PROXY)

    def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(site.factory.roster, name, fail)
    with capturedLogs():
        client = site.connect(LINE)
        site.pass_time(0)
        assert hear(client) is None
        client.close()
        site.reactor.turn(2)
    assert site.counters.errors["internal"] >= 1
    assert site.counters.open_connections == 0


def test_reload(make_site: MakeSite) -> None:
    """Other proxies, none, or some at last: for those who connect from then on."""
    site = make_site(PROXY)
    early = site.connect()
    for names, header, answer in [
        (("192.0.2.0/24",), LINE, None),
        ((), b"", b"127.0.0.1:7\n"),
        ((PROXY, "unix"), LINE, ANSWER),
    ]:
        listener = ListenerSettings("tcp:12345", proxy_from=proxies(*names) or None)
        site.service.prepare(listener)()
        with capturedLogs():
            client = site.connect()
            if answer is not None:
                site.say(client, header + b"x\n")
        assert hear(client) == answer
        assert site.factory.numPorts == 1
    site.say(early, LINE + b"x\n")
    assert hear(early) == ANSWER


def test_allow_that_a_reload_changes(make_site: MakeSite) -> None:
    """With the prefix, the proxies are those that `allow` names now."""
    site = make_site(endpoint="haproxy:tcp:12345", allow=("127.0.0.1/32",))
    assert hear(site.connect(LINE + b"x\n")) == ANSWER
    site.factory.roster.change_limits(Limits(allow=()))
    with capturedLogs():
        assert hear(site.connect()) is None


def test_where_no_header_can_be_read() -> None:
    """A listener that makes no connections of its own, such as standard input, cannot have it."""
    reactor = LoopingReactor()  # whose ports know no factory
    settings = ListenerSettings("tcp:1", proxy_from=proxies(PROXY))
    site = ReplyService(reactor, ReplyFactory(Line(), Echo(), reactor), [settings])
    with pytest.raises(CannotStart, match="tcp:1: no PROXY header can be read there"):
        site.startService()


def test_transport_that_wraps_another(make_site: MakeSite) -> None:
    """It serves another protocol too, such as Twisted's TLS would."""
    factory: Any = make_site(PROXY).port.factory
    arriving, inside = factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 7)), Protocol()
    layer = ProtocolWrapper(WrappingFactory(factory), arriving)
    replace_protocol(layer, arriving, inside)
    assert layer.wrappedProtocol is inside
    with pytest.raises(TypeError, match="FakeTransport cannot change its protocol"):
        replace_protocol(FakeTransport(), arriving, inside)
