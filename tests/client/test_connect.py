"""Connecting, and the line that says why it failed."""

from __future__ import annotations

import importlib
import sys

import pytest
from twisted.internet import error as twisted_error
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectingCancelledError, DNSLookupError
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from sockreply.client import RequestProtocol, connect
from sockreply.errors import CannotConnect, ConfigError
from sockreply.framing import Line
from tests.client.stand_ins import FakeEndpoint, FakeTransport, watch

ENDPOINT = "tcp:127.0.0.1:12345"


def accept(reactor: MemoryReactorClock) -> FakeTransport:
    """Let the one attempt to connect succeed."""
    [(_, _, factory, _, _)] = reactor.tcpClients
    wrapped = factory.buildProtocol(None)
    assert IHalfCloseableProtocol.providedBy(wrapped)
    transport = FakeTransport(wrapped)
    wrapped.makeConnection(transport)
    return transport


def test_a_connection_to_an_endpoint_string() -> None:
    """The string is Twisted's, and the framing a spec."""
    reactor = MemoryReactorClock()
    connected = watch(connect(ENDPOINT, "line", reactor=reactor))
    assert connected == []
    transport = accept(reactor)
    [protocol] = connected
    assert reactor.tcpClients[0][:2] == ("127.0.0.1", 12345)
    assert isinstance(protocol, RequestProtocol)
    reply = watch(protocol.request(b"a"))
    assert transport.take_sent() == b"a\n"
    transport.protocol.dataReceived(b"A\n")
    assert reply == [b"A"]


def test_a_connection_to_an_endpoint() -> None:
    """Endpoints and framings may be given as themselves."""
    reactor = MemoryReactorClock()
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", 12345)
    connected = watch(connect(endpoint, Line(ending=b"\r\n"), reactor=reactor))
    transport = accept(reactor)
    connected[0].request(b"a")
    assert transport.take_sent() == b"a\r\n"


def test_the_default_is_the_textbooks() -> None:
    """Without a framing what is written is a message, and what is read is one."""
    reactor = MemoryReactorClock()
    connected = watch(connect(ENDPOINT, reactor=reactor))
    transport = accept(reactor)
    reply = watch(connected[0].request(b"hello"))
    assert transport.take_sent() == b"hello"
    transport.protocol.dataReceived(b"hello yourself")
    assert reply == [b"hello yourself"]


def test_what_the_protocol_is_told() -> None:
    """The limit, the listener and the greeting are passed on, and the clock is the reactor's."""
    reactor = MemoryReactorClock()
    unasked: list[bytes] = []
    connected = watch(
        connect(
            ENDPOINT, "line", reactor=reactor, max_message=8, unasked=unasked.append, greeting=True
        )
    )
    transport = accept(reactor)
    reply = watch(connected[0].request(b"a", timeout=1))
    transport.protocol.dataReceived(b"READY\n")
    assert unasked == [b"READY"]
    reactor.advance(1)
    assert str(reply[0]) == "no reply within 1 s"
    transport.protocol.dataReceived(b"123456789")
    assert connected[0].ended == "a reply broke the format: message longer than 8 bytes"


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (twisted_error.ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (twisted_error.ConnectionRefusedError(), "Connection was refused by other side"),
        (twisted_error.TimeoutError(), "no answer in time"),
        (DNSLookupError("nowhere.invalid"), "DNS lookup failed: nowhere.invalid"),
        (OverflowError("port must be 0-65535."), "port must be 0-65535"),
        (AssertionError(), "AssertionError"),
    ],
)
def test_the_reason_is_told_in_a_line(cause: Exception, reason: str) -> None:
    """Who cannot connect learns where to and why not, and finds the cause behind it."""
    reactor = MemoryReactorClock()
    failed = watch(connect(ENDPOINT, reactor=reactor))
    reactor.tcpClients[0][2].clientConnectionFailed(reactor.connectors[0], Failure(cause))
    [error] = failed
    assert isinstance(error, CannotConnect)
    assert (error.endpoint, error.reason) == (ENDPOINT, reason)
    assert str(error) == f"cannot connect to tcp:127.0.0.1:12345: {reason}"
    assert error.__cause__ is cause


def test_connecting_may_take_too_long() -> None:
    """The time that is allowed for it is told, and the attempt given up."""
    reactor = MemoryReactorClock()
    failed = watch(connect(ENDPOINT, reactor=reactor, timeout=2))
    reactor.advance(2)
    [error] = failed
    assert isinstance(error, CannotConnect)
    assert error.reason == "no answer within 2 s"
    assert reactor.connectors[0].stoppedConnecting


def test_a_connection_in_time_stops_the_clock() -> None:
    """No timer is left behind by an attempt that succeeded."""
    reactor = MemoryReactorClock()
    connected = watch(connect(ENDPOINT, reactor=reactor, timeout=2))
    accept(reactor)
    assert reactor.getDelayedCalls() == []
    assert connected[0].ended is None


def test_connecting_may_be_cancelled() -> None:
    """Who cancels gets what Twisted gives, not a reason why it failed."""
    reactor = MemoryReactorClock()
    connecting = connect(ENDPOINT, reactor=reactor)
    failed = watch(connecting)
    connecting.cancel()
    assert isinstance(failed[0], ConnectingCancelledError)
    assert reactor.connectors[0].stoppedConnecting


def test_any_endpoint_may_be_cancelled() -> None:
    """Also one that knows nothing of Twisted's own error for it."""
    connecting: Deferred[RequestProtocol] = connect(FakeEndpoint(), reactor=MemoryReactorClock())
    failed = watch(connecting)
    connecting.cancel()
    assert isinstance(failed[0], CancelledError)


@pytest.mark.parametrize("endpoint", ["", "nonsense", "tcp:127.0.0.1", "tcp:127.0.0.1:http"])
def test_a_string_that_is_no_endpoint(endpoint: str) -> None:
    """It is told at once, in a line that shows the string."""
    with pytest.raises(ConfigError) as caught:
        connect(endpoint, reactor=MemoryReactorClock())
    assert str(caught.value).startswith(f"{endpoint!r} is not an endpoint to connect to: ")
    assert "\n" not in str(caught.value)


def test_a_spec_that_is_no_framing() -> None:
    """It is told at once, and nothing is connected."""
    reactor = MemoryReactorClock()
    with pytest.raises(ConfigError, match="unknown framing 'lines'"):
        connect(ENDPOINT, "lines", reactor=reactor)
    with pytest.raises(ConfigError):
        connect(ENDPOINT, "fixed:size=100", reactor=reactor, max_message=10)
    assert reactor.tcpClients == []


def test_the_reactor_is_the_global_one_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for when a connection is made."""
    reactor = MemoryReactorClock()
    monkeypatch.setitem(sys.modules, "twisted.internet.reactor", reactor)
    monkeypatch.setattr("twisted.internet.reactor", reactor, raising=False)
    connect(ENDPOINT).addErrback(lambda _: None)
    assert len(reactor.tcpClients) == 1


def test_importing_the_client_installs_no_reactor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who imports it may still choose one."""
    for name in [name for name in sys.modules if name.startswith("sockreply.client")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("sockreply.client", None)  # put back at the end, as the modules are
    monkeypatch.delitem(sys.modules, "twisted.internet.reactor", raising=False)
    importlib.import_module("sockreply.client")
    assert "twisted.internet.reactor" not in sys.modules


def test_the_peer_may_half_close() -> None:
    """Through Twisted's wrapper the protocol still hears of it."""
    reactor = MemoryReactorClock()
    connected = watch(connect(ENDPOINT, "eof", reactor=reactor))
    transport = accept(reactor)
    reply = watch(connected[0].request(b"who?"))
    wrapped = transport.protocol
    wrapped.dataReceived(b"me")
    assert IHalfCloseableProtocol.providedBy(wrapped)
    wrapped.readConnectionLost()
    assert reply == [b"me"]
    assert not transport.connected
