"""Requests and replies on a connection that lasts."""

from __future__ import annotations

import pytest
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IAddress, ISSLTransport, ITCPTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from zope.interface import directlyProvides, implementer

from sockreply.client import RequestProtocol
from sockreply.errors import (
    CannotFrame,
    ConfigError,
    ConnectionEnded,
    RequestError,
    RequestTimeout,
)
from sockreply.framing import parse_framing
from tests.client.stand_ins import FakeTransport, talk, watch

# a framing, what the client sends in it for `ask`, and what the server sends for `yes` and `no`
FRAMED = [
    ("line", b"ask\n", b"yes\nno\r\n"),
    ("line:ending=crlf", b"ask\r\n", b"yes\r\nno\r\n"),
    (r"delimited:end=\r\n.\r\n", b"ask\r\n.\r\n", b"yes\r\n.\r\nno\r\n.\r\n"),
    ("delimited:end=?,reply_end=!", b"ask?", b"yes!no!"),
    ("length:bytes=2", b"\0\3ask", b"\0\3yes\0\2no"),
    ("length:digits=4,inclusive=yes", b"0007ask", b"0007yes0006no"),
    ("netstring", b"3:ask,", b"3:yes,2:no,"),
    (r"enclosed:start=\x02,end=\x03", b"\x02ask\x03", b"\x02yes\x03\x02no\x03"),
]


@pytest.mark.parametrize(("spec", "request_wire", "reply_wire"), FRAMED)
def test_the_framing_is_the_servers(spec: str, request_wire: bytes, reply_wire: bytes) -> None:
    """A spec means the same on both sides: what it says of the server is mirrored."""
    protocol, transport, _ = talk(spec)
    replies = [watch(protocol.request(b"ask")) for _ in range(2)]
    assert transport.take_sent() == request_wire * 2
    protocol.dataReceived(reply_wire)
    assert replies == [[b"yes"], [b"no"]]


@pytest.mark.parametrize(("spec", "request_wire", "reply_wire"), FRAMED)
def test_replies_may_be_cut_anywhere(spec: str, request_wire: bytes, reply_wire: bytes) -> None:
    """Where the reads end makes no difference, at whichever byte."""
    for place in range(len(reply_wire) + 1):
        protocol, _, _ = talk(spec)
        replies = [watch(protocol.request(b"ask")) for _ in range(2)]
        protocol.dataReceived(reply_wire[:place])
        protocol.dataReceived(reply_wire[place:])
        assert replies == [[b"yes"], [b"no"]]


@pytest.mark.parametrize(("spec", "request_wire", "reply_wire"), FRAMED)
def test_replies_may_come_byte_by_byte(spec: str, request_wire: bytes, reply_wire: bytes) -> None:
    """A slow server's replies are put together."""
    protocol, _, _ = talk(spec)
    replies = [watch(protocol.request(b"ask")) for _ in range(2)]
    for place in range(len(reply_wire)):
        protocol.dataReceived(reply_wire[place : place + 1])
    assert replies == [[b"yes"], [b"no"]]


def test_fixed_records() -> None:
    """With records of one size both sides send them as they are."""
    protocol, transport, _ = talk("fixed:size=4")
    reply = watch(protocol.request(b"ask?"))
    assert transport.take_sent() == b"ask?"
    protocol.dataReceived(b"yes")
    protocol.dataReceived(b".")
    assert reply == [b"yes."]


def test_requests_are_pipelined_and_answered_in_order() -> None:
    """Many requests leave without waiting, and each gets the reply that belongs to it."""
    protocol, transport, _ = talk()
    replies = [watch(protocol.request(b"%d" % number)) for number in range(1000)]
    wire = transport.take_sent()
    assert wire == b"".join(b"%d\n" % number for number in range(1000))
    protocol.dataReceived(wire)
    assert replies == [[b"%d" % number] for number in range(1000)]


def test_empty_messages_are_messages() -> None:
    """An empty request asks, and an empty reply answers."""
    protocol, transport, _ = talk()
    reply = watch(protocol.request(b""))
    assert transport.take_sent() == b"\n"
    protocol.dataReceived(b"\n")
    assert reply == [b""]


@pytest.mark.parametrize("spec", ["chunk", "gap:seconds=0.1"])
def test_without_boundaries_requests_go_one_by_one(spec: str) -> None:
    """A request that could run into the one before it waits for that one's reply."""
    protocol, transport, clock = talk(spec)
    replies = [watch(protocol.request(message)) for message in (b"a", b"b")]
    assert transport.take_sent() == b"a"
    protocol.dataReceived(b"A")
    clock.advance(0.1)
    assert transport.take_sent() == b"b"
    protocol.dataReceived(b"B")
    clock.advance(0.1)
    assert replies == [[b"A"], [b"B"]]


def test_a_chunk_is_a_reply() -> None:
    """Without a framing what one read gives is the reply, as with the textbook client."""
    protocol, _, _ = talk("chunk")
    reply = watch(protocol.request(b"hello"))
    protocol.dataReceived("서버로부터 응답 메시지입니다.".encode())
    assert reply == ["서버로부터 응답 메시지입니다.".encode()]


def test_a_gap_ends_a_reply() -> None:
    """The reply of a device without terminator is whole when it has been silent long enough."""
    protocol, _, clock = talk("gap:seconds=0.1")
    reply = watch(protocol.request(b"read"))
    protocol.dataReceived(b"12")
    clock.advance(0.09)
    protocol.dataReceived(b"34")
    clock.advance(0.09)
    assert reply == []
    clock.advance(0.01)
    assert reply == [b"1234"]
    assert clock.getDelayedCalls() == []


def test_after_a_gap_the_next_reply_begins() -> None:
    """Silence is waited for again after each reply."""
    protocol, _, clock = talk("gap:seconds=0.1")
    for message in (b"a", b"b"):
        reply = watch(protocol.request(message))
        clock.advance(5)
        protocol.dataReceived(message)
        clock.advance(0.1)
        assert reply == [message]


def test_a_request_that_takes_too_long_fails() -> None:
    """No reply in time is an error that tells the time."""
    protocol, _, clock = talk()
    reply = watch(protocol.request(b"a", timeout=2.5))
    clock.advance(2.4)
    assert reply == []
    clock.advance(0.1)
    [error] = reply
    assert isinstance(error, RequestTimeout)
    assert error.seconds == 2.5
    assert str(error) == "no reply within 2.5 s"


def test_a_late_reply_is_not_the_next_ones() -> None:
    """A request that timed out keeps its place: its reply is swallowed when it comes."""
    unasked: list[bytes] = []
    protocol, _, clock = talk(unasked=unasked.append)
    late = watch(protocol.request(b"a", timeout=1))
    second = watch(protocol.request(b"b"))
    clock.advance(1)
    protocol.dataReceived(b"A\n")
    assert second == []
    protocol.dataReceived(b"B\n")
    assert second == [b"B"]
    assert len(late) == 1
    assert unasked == []


def test_a_reply_in_time_stops_the_clock() -> None:
    """No timer is left behind by a request that was answered."""
    protocol, _, clock = talk()
    reply = watch(protocol.request(b"a", timeout=1))
    protocol.dataReceived(b"A\n")
    assert reply == [b"A"]
    assert clock.getDelayedCalls() == []


def test_a_request_may_be_cancelled() -> None:
    """Who cancels is told at once, and the reply is swallowed when it comes."""
    protocol, _, clock = talk()
    asked = protocol.request(b"a", timeout=1)
    seen, second = watch(asked), watch(protocol.request(b"b"))
    asked.cancel()
    assert isinstance(seen[0], CancelledError)
    assert clock.getDelayedCalls() == []
    protocol.dataReceived(b"A\nB\n")
    assert second == [b"B"]


def test_a_request_that_waits_for_its_turn_may_time_out() -> None:
    """The time counts from the asking; what was not sent by then never is."""
    protocol, transport, clock = talk("chunk")
    protocol.request(b"a")
    second = watch(protocol.request(b"b", timeout=1))
    clock.advance(1)
    assert isinstance(second[0], RequestTimeout)
    protocol.dataReceived(b"A")
    assert transport.take_sent() == b"a"


def test_what_cannot_be_framed_is_not_sent() -> None:
    """A message that is too long for the header fails alone, and disturbs nobody."""
    protocol, transport, _ = talk("length:bytes=1")
    [error] = watch(protocol.request(bytes(256)))
    assert isinstance(error, CannotFrame)
    assert transport.take_sent() == b""
    reply = watch(protocol.request(b"a"))
    protocol.dataReceived(b"\1A")
    assert reply == [b"A"]


def test_unasked_messages_are_told() -> None:
    """What comes when nothing was asked goes to the one who listens for it."""
    unasked: list[bytes] = []
    protocol, _, _ = talk(unasked=unasked.append)
    protocol.dataReceived(b"hello\n")
    reply = watch(protocol.request(b"a"))
    protocol.dataReceived(b"A\nalarm\n")
    assert reply == [b"A"]
    assert unasked == [b"hello", b"alarm"]


def test_unasked_messages_are_dropped_when_nobody_listens() -> None:
    """They do no harm to the replies behind them."""
    protocol, _, _ = talk()
    protocol.dataReceived(b"hello\n")
    reply = watch(protocol.request(b"a"))
    protocol.dataReceived(b"A\n")
    assert reply == [b"A"]


def test_a_greeting_is_no_reply() -> None:
    """The first message is the greeting, even when a request was sent before it came."""
    unasked: list[bytes] = []
    protocol, transport, _ = talk(greeting=True, unasked=unasked.append)
    reply = watch(protocol.request(b"a"))
    assert transport.take_sent() == b"a\n"
    protocol.dataReceived(b"READY\nA\n")
    assert unasked == [b"READY"]
    assert reply == [b"A"]


def test_a_listener_that_raises_harms_nobody() -> None:
    """It is logged, and the messages behind it arrive."""

    def unasked(message: bytes) -> None:
        raise ZeroDivisionError

    protocol, _, _ = talk(greeting=True, unasked=unasked)
    reply = watch(protocol.request(b"a"))
    with capturedLogs() as logged:
        protocol.dataReceived(b"READY\nA\nalarm\n")
    assert reply == [b"A"]
    assert [event["log_failure"].type for event in logged] == [ZeroDivisionError] * 2
    assert {event["log_namespace"] for event in logged} == {
        "sockreply.client.protocol.RequestProtocol"
    }


def test_a_message_may_be_waited_for() -> None:
    """Who knows that the server speaks unasked takes a place in the line for it."""
    protocol, _, clock = talk()
    greeting = watch(protocol.receive(timeout=1))
    protocol.dataReceived(b"READY\n")
    reply = watch(protocol.request(b"a"))
    rest = watch(protocol.receive())
    protocol.dataReceived(b"first line\nsecond line\n")
    assert (greeting, reply, rest) == ([b"READY"], [b"first line"], [b"second line"])
    late = watch(protocol.receive(timeout=1))
    clock.advance(1)
    assert isinstance(late[0], RequestTimeout)


def test_a_callback_that_raises_harms_nobody() -> None:
    """What is done with one reply is no concern of the others."""
    protocol, _, _ = talk()
    first = protocol.request(b"a").addCallback(lambda _: 1 // 0)
    second = watch(protocol.request(b"b"))
    protocol.dataReceived(b"A\nB\n")
    assert second == [b"B"]
    assert isinstance(watch(first)[0], ZeroDivisionError)


def test_a_callback_may_ask_again() -> None:
    """A request made while replies are handed out is sent, and answered after them."""
    protocol, transport, _ = talk()
    third = protocol.request(b"a").addCallback(lambda _: protocol.request(b"c"))
    seen, second = watch(third), watch(protocol.request(b"b"))
    protocol.dataReceived(b"A\nB\n")
    assert transport.take_sent() == b"a\nb\nc\n"
    assert (second, seen) == ([b"B"], [])
    protocol.dataReceived(b"C\n")
    assert seen == [b"C"]


def test_a_server_may_answer_within_the_write() -> None:
    """Over a transport that answers at once the replies still come in order."""

    class Echo(StringTransport):
        def write(self, data: bytes) -> None:
            protocol.dataReceived(data)

    protocol, _, _ = talk()
    protocol.transport = Echo()
    seen: list[bytes] = []
    protocol.request(b"a").addCallback(seen.append)
    again = protocol.request(b"b").addCallback(lambda _: protocol.request(b"c"))
    again.addCallback(seen.append)
    assert seen == [b"a", b"c"]


def test_eof_ends_the_request_with_a_half_close() -> None:
    """The server sees the end of the message, and can still answer."""
    protocol, transport, _ = talk("eof")
    assert not transport.half_closed
    reply = watch(protocol.request(b"who?"))
    assert transport.take_sent() == b"who?"
    assert transport.half_closed
    protocol.writeConnectionLost()
    protocol.dataReceived(b"every")
    protocol.dataReceived(b"body")
    assert reply == []
    protocol.readConnectionLost()
    assert reply == [b"everybody"]


def test_eof_has_one_request_a_connection() -> None:
    """A second one fails clearly, and leaves the first alone."""
    protocol, transport, _ = talk("eof")
    reply = watch(protocol.request(b"who?"))
    [error] = watch(protocol.request(b"where?"))
    assert type(error) is RequestError
    assert str(error) == "the connection had its one request, which ended the stream"
    assert transport.take_sent() == b"who?"
    protocol.dataReceived(b"me")
    protocol.readConnectionLost()
    assert reply == [b"me"]


def test_eof_needs_a_half_close() -> None:
    """Over TLS, which has none, the request fails before anything is sent."""
    protocol, transport, _ = talk("eof")
    directlyProvides(transport, ISSLTransport)
    [error] = watch(protocol.request(b"who?"))
    assert type(error) is RequestError
    assert str(error) == "a half-close ends the request, and TLS has none"
    with pytest.raises(RequestError, match="TLS has none"):
        protocol.send(b"me!")
    assert transport.take_sent() == b""
    assert not transport.half_closed


@pytest.mark.parametrize(
    ("peer", "options"),
    [(IPv4Address("TCP", "127.0.0.1", 12345), [True]), (UNIXAddress("/run/scale.sock"), [])],
)
def test_requests_do_not_wait_for_acknowledgements(peer: IAddress, options: list[bool]) -> None:
    """TCP is told to send each at once; other transports have no such option."""

    @implementer(ITCPTransport)
    class Socket(FakeTransport):  # type: ignore[misc]  # only what is asked of it
        peerAddr = peer  # noqa: N815 - Twisted's

        def setTcpNoDelay(self, enabled: bool) -> None:  # noqa: N802 - Twisted's
            told.append(enabled)

    told: list[bool] = []
    protocol = RequestProtocol(parse_framing("line"), Clock())
    protocol.makeConnection(Socket(protocol))
    assert told == options


def test_a_connection_that_is_not_made_carries_nothing() -> None:
    """A request before there is a connection fails at once."""
    unmade = RequestProtocol(parse_framing("line"), Clock())
    for attempt in (unmade.request(b"a"), unmade.receive()):
        [error] = watch(attempt)
        assert isinstance(error, ConnectionEnded)
        assert error.why == "not made yet"
    assert watch(unmade.close()) == [None]


def test_a_limit_that_no_message_fits_is_an_error() -> None:
    """It is told where the protocol is made."""
    with pytest.raises(ConfigError):
        talk("fixed:size=100", max_message=10)


def test_a_message_without_a_reply() -> None:
    """It goes out at once, and what comes next is unasked."""
    unasked: list[bytes] = []
    protocol, transport, _ = talk(unasked=unasked.append)
    protocol.send(b"a")
    assert transport.take_sent() == b"a\n"
    protocol.dataReceived(b"A\n")
    assert unasked == [b"A"]
    protocol.close()
    with pytest.raises(ConnectionEnded):
        protocol.send(b"b")


def test_what_the_framing_says_is_sent() -> None:
    """A server's telnet options are refused without being asked, and requests are telnet too."""
    protocol, transport, _ = talk("line:telnet=strip")
    reply = watch(protocol.request(b"a\xff"))
    assert transport.take_sent() == b"a\xff\xff\n"
    protocol.dataReceived(b"\xff\xfb\x01\xff\xfd\x18")
    assert (transport.take_sent(), reply) == (b"\xff\xfe\x01\xff\xfc\x18", [])
    protocol.dataReceived(b"\xff\xffb\xff\xfb\x01\n")
    assert (transport.take_sent(), reply) == (b"", [b"\xffb"])
