"""How a connection ends, and what those are told who wait."""

from __future__ import annotations

import pytest
from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from sockreply.client import CLOSE_TIMEOUT, MAX_REPLY, RequestProtocol
from sockreply.errors import ConnectionEnded
from tests.client.stand_ins import FakeTransport, talk, watch
from tests.framing.stand_ins import Failing


def why(seen: list[object]) -> str:
    """Why the connection ended, as a request was told that failed so."""
    [error] = seen
    assert isinstance(error, ConnectionEnded)
    assert str(error) == f"connection ended before the reply: {error.why}"
    return error.why


def test_the_peer_closes() -> None:
    """All who wait fail with it, and so does at once who asks later; nothing is left behind."""
    protocol, transport, clock = talk("gap")
    replies = [watch(protocol.request(b"a", timeout=9)) for _ in range(3)]
    transport.lose(ConnectionDone())
    replies.append(watch(protocol.request(b"b")))
    replies.append(watch(protocol.receive()))
    assert [why(reply) for reply in replies] == ["the peer closed it"] * 5
    assert protocol.ended == "the peer closed it"
    assert clock.getDelayedCalls() == []


def test_the_peer_closes_in_the_middle_of_a_reply() -> None:
    """How much of the reply there was is told."""
    protocol, transport, _ = talk()
    reply, second = watch(protocol.request(b"a")), watch(protocol.request(b"b"))
    protocol.dataReceived(b"A\nhal")
    transport.lose(ConnectionDone())
    assert reply == [b"A"]
    assert why(second) == "the peer closed it, 3 bytes into a reply"


def test_the_peer_half_closes() -> None:
    """No reply can come any more: who waits is told, and our side is closed too."""
    protocol, transport, clock = talk(stuck=True)
    reply, second = watch(protocol.request(b"a")), watch(protocol.request(b"b"))
    protocol.dataReceived(b"A\n")
    protocol.readConnectionLost()
    assert reply == [b"A"]
    assert why(second) == "the peer closed it"
    assert transport.disconnecting
    assert why(watch(protocol.request(b"c"))) == "the peer closed it"
    clock.advance(CLOSE_TIMEOUT)
    assert transport.aborted


def test_the_peer_half_closes_when_nothing_is_owed() -> None:
    """Then the connection is closed as well."""
    protocol, transport, clock = talk()
    protocol.readConnectionLost()
    assert not transport.connected
    assert clock.getDelayedCalls() == []


def test_the_peer_resets() -> None:
    """A reset is not called a close."""
    protocol, transport, _ = talk()
    reply = watch(protocol.request(b"a"))
    transport.reset()
    assert why(reply) == "reset or lost"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("no such thing"), "ValueError: no such thing"),
        (
            SSL.Error([("SSL routines", "", "certificate verify failed")]),
            "TLS: certificate verify failed",
        ),
        (SSL.Error(), "Error: "),
        (SSL.SysCallError(-1, "Unexpected EOF"), "SysCallError: (-1, 'Unexpected EOF')"),
        (VerificationError(errors=[]), "TLS: the certificate is another host's"),
    ],
)
def test_another_error_is_named(error: Exception, reason: str) -> None:
    """In plain words, where it is what TLS has to complain of."""
    protocol, transport, _ = talk()
    reply = watch(protocol.request(b"a"))
    transport.lose(error)
    assert why(reply) == reason


@pytest.mark.parametrize(
    ("spec", "wire", "reason"),
    [
        ("line", b"123456789", "message longer than 8 bytes"),
        ("length:bytes=2", b"\0\x09", "message longer than 8 bytes"),
        ("netstring", b"1:a;", "expected a comma, found b';'"),
        ("gap", b"123456789", "message longer than 8 bytes"),
        ("eof", b"123456789", "message longer than 8 bytes"),
    ],
)
def test_a_reply_that_breaks_the_format(spec: str, wire: bytes, reason: str) -> None:
    """The connection is aborted, and who waits is told what was wrong."""
    protocol, transport, clock = talk(spec, max_message=8)
    reply = watch(protocol.request(b"a", timeout=9))
    with capturedLogs() as logged:
        protocol.dataReceived(wire)
    assert why(reply) == f"a reply broke the format: {reason}"
    assert transport.aborted
    assert why(watch(protocol.request(b"b"))) == f"a reply broke the format: {reason}"
    assert clock.getDelayedCalls() == []
    assert list(logged) == []


def test_good_replies_before_a_broken_one_arrive() -> None:
    """What came whole is handed out, whatever follows it in the same read."""
    protocol, transport, _ = talk("netstring")
    reply, second = watch(protocol.request(b"a")), watch(protocol.request(b"b"))
    protocol.dataReceived(b"1:A,junk")
    assert reply == [b"A"]
    assert why(second).startswith("a reply broke the format: ")
    assert transport.aborted


def test_a_broken_format_is_logged_when_nobody_waits() -> None:
    """It is not passed over, when there is no request to fail with it."""
    protocol, transport, _ = talk("netstring")
    with capturedLogs() as logged:
        protocol.dataReceived(b"junk")
    assert transport.aborted
    assert [str(event["error"]) for event in logged] == [
        "expected a length and a colon, found b'junk'"
    ]


def test_replies_may_have_the_default_limit() -> None:
    """The longest reply is handed out, and one byte more ends the connection."""
    protocol, transport, _ = talk()
    reply, second = watch(protocol.request(b"a")), watch(protocol.request(b"b"))
    protocol.dataReceived(bytes(MAX_REPLY) + b"\n")
    assert reply == [bytes(MAX_REPLY)]
    protocol.dataReceived(bytes(MAX_REPLY + 1))
    assert why(second) == f"a reply broke the format: message longer than {MAX_REPLY} bytes"
    assert transport.aborted


@pytest.mark.parametrize("spec", ["chunk", "gap", "eof"])
@pytest.mark.parametrize("half", [True, False])
def test_the_end_of_the_stream_ends_a_reply(spec: str, half: bool) -> None:
    """With framings for which it does, the reply is handed out before anything fails."""
    protocol, transport, clock = talk(spec)
    reply = watch(protocol.request(b"a"))
    protocol.dataReceived(b"A")
    if half:
        protocol.readConnectionLost()
    else:
        transport.lose(ConnectionDone())  # over TLS, which has no half-close
    assert reply == [b"A"]
    assert protocol.ended == "the peer closed it"
    assert not transport.connected
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize("spec", ["gap", "eof"])
def test_a_reset_ends_no_reply(spec: str) -> None:
    """A reply that was cut off by a reset is not taken for a whole one."""
    protocol, transport, clock = talk(spec)
    reply = watch(protocol.request(b"a"))
    protocol.dataReceived(b"half")
    transport.reset()
    assert why(reply) == "reset or lost, 4 bytes into a reply"
    assert clock.getDelayedCalls() == []


def test_eof_without_a_reply() -> None:
    """A server that closes without a byte gave no reply."""
    protocol, _, _ = talk("eof")
    reply = watch(protocol.request(b"a"))
    protocol.readConnectionLost()
    assert why(reply) == "the peer closed it"


def test_we_close() -> None:
    """Who waits fails at once; the Deferred fires when the connection is gone."""
    protocol, transport, clock = talk(stuck=True)
    reply = watch(protocol.request(b"a"))
    closed = watch(protocol.close())
    assert why(reply) == "we closed it"
    assert why(watch(protocol.request(b"b"))) == "we closed it"
    assert transport.disconnecting
    assert closed == []
    transport.lose(ConnectionDone())
    assert closed == [None]
    assert protocol.ended == "we closed it"
    assert clock.getDelayedCalls() == []


def test_a_peer_that_does_not_read_is_aborted() -> None:
    """Closing takes no longer than a few seconds."""
    protocol, transport, clock = talk(stuck=True)
    closed = watch(protocol.close())
    clock.advance(CLOSE_TIMEOUT - 0.1)
    assert not transport.aborted
    clock.advance(0.1)
    assert transport.aborted
    assert closed == [None]


def test_closing_twice_is_closing_once() -> None:
    """Both who close are told when the connection is gone, and a third one at once."""
    protocol, transport, clock = talk(stuck=True)
    closed = [watch(protocol.close()), watch(protocol.close())]
    assert len(clock.getDelayedCalls()) == 1
    transport.lose(ConnectionDone())
    closed.append(watch(protocol.close()))
    assert closed == [[None]] * 3


def test_what_comes_after_we_closed_is_dropped() -> None:
    """It is neither a reply nor an unasked message."""
    unasked: list[bytes] = []
    protocol, _, _ = talk(stuck=True, unasked=unasked.append)
    reply = watch(protocol.request(b"a"))
    protocol.close()
    protocol.dataReceived(b"A\nalarm\n")
    assert why(reply) == "we closed it"
    assert unasked == []


def test_a_callback_may_close() -> None:
    """What came behind the reply that made us close is not handed out, however it was read."""
    unasked: list[bytes] = []
    protocol, transport, _ = talk(unasked=unasked.append)
    protocol.request(b"a").addCallback(lambda _: protocol.close())
    second = watch(protocol.request(b"b"))
    protocol.dataReceived(b"A\nB\nalarm\n")
    assert why(second) == "we closed it"
    assert unasked == []
    assert not transport.connected


def test_who_is_told_of_the_end_may_ask_and_close() -> None:
    """A request made when another one fails fails too, and closing what is gone does nothing."""
    protocol, transport, _ = talk()
    asked = protocol.request(b"a")
    again = watch(asked.addErrback(lambda _: protocol.request(b"b")))
    closed = watch(protocol.request(b"c").addErrback(lambda _: protocol.close()))
    transport.reset()
    assert why(again) == "reset or lost"
    assert closed == [None]


def test_a_request_made_when_the_last_reply_comes_fails() -> None:
    """What is asked while the end of the stream is dealt with is told of it, and not forgotten."""
    protocol, transport, _ = talk("gap")
    again = watch(protocol.request(b"a").addCallback(lambda _: protocol.request(b"b")))
    protocol.dataReceived(b"A")
    transport.lose(ConnectionDone())
    assert why(again) == "the peer closed it"


def test_the_end_can_be_waited_for() -> None:
    """Who wants to know when the connection is gone is told, whoever ends it."""
    protocol, transport, _ = talk()
    closed = watch(protocol.when_closed())
    assert closed == []
    transport.reset()
    assert closed == [None]
    assert watch(protocol.when_closed()) == [None]


def test_a_framing_of_somebody_elses_that_fails() -> None:
    """Who waits is told what and where, and the connection is aborted."""
    clock = Clock()
    protocol = RequestProtocol(Failing("next_message"), clock)
    transport = FakeTransport(protocol)
    protocol.makeConnection(transport)
    reply = watch(protocol.request(b"a"))
    protocol.dataReceived(b"A")
    assert why(reply).startswith("framing failing: LookupError: no message (tests/framing/")
    assert transport.aborted
