"""The client that stays connected."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from twisted.application.service import IService, MultiService
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from sockreply.client import CLOSE_TIMEOUT, PersistentClient
from sockreply.errors import CannotFrame, ConfigError, ConnectionEnded, RequestTimeout
from tests.client.stand_ins import FakeEndpoint, FakeTransport, watch

REFUSED = ConnectError(111, "Connection refused")


class Site:
    """A client, its server and its clock; the delay before the n-th new attempt is n seconds."""

    def __init__(self, framing: str = "line", **options: Any) -> None:
        self.clock = Clock()
        self.endpoint = FakeEndpoint()
        self.client = PersistentClient(
            self.endpoint, framing, reactor=self.clock, retry_policy=float, **options
        )

    def start(self) -> None:
        """Start the client, which then connects."""
        self.client.startService()

    def accept(self, *, stuck: bool = False) -> FakeTransport:
        """Let the connection be made, and what waits for it be sent."""
        transport = self.endpoint.accept(stuck=stuck)
        self.clock.advance(0)
        return transport

    @property
    def attempts(self) -> int:
        """How many attempts to connect there were."""
        return len(self.endpoint.attempts)


def test_it_asks_when_it_is_connected() -> None:
    """A request on a connection that is there leaves at once."""
    site = Site()
    site.start()
    transport = site.accept()
    reply = watch(site.client.request(b"a"))
    assert transport.take_sent() == b"a\n"
    transport.protocol.dataReceived(b"A\n")
    assert reply == [b"A"]


def test_requests_wait_for_the_connection() -> None:
    """What was asked while there was none is sent in its order as soon as there is one."""
    site = Site()
    site.start()
    replies = [watch(site.client.request(message)) for message in (b"a", b"b")]
    site.endpoint.fail(REFUSED)
    replies.append(watch(site.client.request(b"c")))
    site.clock.advance(1)
    transport = site.endpoint.accept()
    replies.append(watch(site.client.request(b"d")))
    site.clock.advance(0)
    assert transport.take_sent() == b"a\nb\nc\nd\n"
    transport.protocol.dataReceived(b"A\nB\nC\nD\n")
    assert replies == [[b"A"], [b"B"], [b"C"], [b"D"]]


def test_the_delays_grow_and_start_anew() -> None:
    """Attempts that fail make the next delay longer, until one succeeds."""
    site = Site()
    site.start()
    for delay in (1, 2, 3):
        site.endpoint.fail(REFUSED)
        attempts = site.attempts
        site.clock.advance(delay - 0.1)
        assert site.attempts == attempts
        site.clock.advance(0.1)
        assert site.attempts == attempts + 1
    site.accept().lose(ConnectionDone())
    site.clock.advance(1)
    assert site.attempts == 5


def test_why_it_could_not_connect_is_logged() -> None:
    """In a line, which the service of Twisted's would keep to itself."""
    site = Site()
    site.start()
    with capturedLogs() as logged:
        site.endpoint.fail(REFUSED)
    warnings = [str(event["error"]) for event in logged if event["log_level"].name == "warn"]
    assert warnings == ["cannot connect to tcp:scale:12345: Connection refused"]
    assert [str(event["endpoint"]) for event in logged if "endpoint" in event] == [
        "tcp:scale:12345"
    ]


def test_it_connects_again_and_sends_nothing_twice() -> None:
    """What was under way when the connection broke fails, for the server may have acted on it."""
    site = Site()
    site.start()
    first = site.accept()
    lost = watch(site.client.request(b"pay"))
    first.reset()
    assert isinstance(lost[0], ConnectionEnded)
    waiting = watch(site.client.request(b"b"))
    site.clock.advance(1)
    second = site.accept()
    assert second.take_sent() == b"b\n"
    second.protocol.dataReceived(b"B\n")
    assert waiting == [b"B"]


def test_a_connection_about_to_end_is_not_used() -> None:
    """When no reply can come on it any more, a request waits for the next one."""
    site = Site()
    site.start()
    first = site.accept(stuck=True)
    watch(site.client.request(b"silence", timeout=1))
    site.clock.advance(1)
    assert first.take_sent() == b"silence\n"
    reply = watch(site.client.request(b"a"))
    first.lose(ConnectionDone())
    site.clock.advance(1)
    second = site.accept()
    assert (first.take_sent(), second.take_sent()) == (b"", b"a\n")
    second.protocol.dataReceived(b"A\n")
    assert reply == [b"A"]


def test_the_timeout_covers_the_waiting() -> None:
    """A request takes no longer than it may, connected or not; what is late is never sent."""
    site = Site()
    site.start()
    without = watch(site.client.request(b"a", timeout=3))
    split = watch(site.client.request(b"b", timeout=5))
    site.clock.advance(3)
    assert isinstance(without[0], RequestTimeout)
    transport = site.accept()
    assert transport.take_sent() == b"b\n"
    site.clock.advance(2)
    assert isinstance(split[0], RequestTimeout)
    assert split[0].seconds == 5


def test_a_request_that_is_never_answered_costs_no_other_its_reply() -> None:
    """The connection on which one timed out is closed, and the next ones go over a new one."""
    site = Site()
    site.start()
    first = site.accept()
    silent = watch(site.client.request(b"silence", timeout=2))
    behind = watch(site.client.request(b"a"))
    site.clock.advance(2)
    assert isinstance(silent[0], RequestTimeout)
    assert isinstance(behind[0], ConnectionEnded)
    assert behind[0].why == "a request on it was given up"
    assert not first.connected
    later = watch(site.client.request(b"b"))
    site.clock.advance(1)
    site.accept().protocol.dataReceived(b"B\n")
    assert later == [b"B"]


@pytest.mark.parametrize("framing", ["chunk", "gap"])
def test_what_is_given_up_before_it_is_sent_leaves_the_connection(framing: str) -> None:
    """Nothing comes for it, so the replies still belong to the requests."""
    site = Site(framing)
    site.start()
    transport = site.accept()
    first, unsent = watch(site.client.request(b"a")), site.client.request(b"b")
    last = watch(site.client.request(b"c"))
    given_up = watch(unsent)
    unsent.cancel()
    assert isinstance(given_up[0], CancelledError)
    for reply in (b"A", b"C"):
        transport.protocol.dataReceived(reply)
        site.clock.advance(1)
    assert (first, last) == ([b"A"], [b"C"])


def test_requests_that_gave_up_are_forgotten() -> None:
    """A server that is away for days costs no memory for what was asked in the meantime."""
    site = Site()
    site.start()
    for _ in range(100):
        watch(site.client.request(b"a", timeout=1))
        site.clock.advance(1)
    assert len(site.client._waiting) == 0


def test_a_request_may_be_cancelled() -> None:
    """Before there is a connection it is not sent; after that the connection is closed."""
    site = Site()
    site.start()
    unsent, sent = site.client.request(b"a"), site.client.request(b"b")
    seen = [watch(unsent), watch(sent)]
    unsent.cancel()
    transport = site.accept()
    assert transport.take_sent() == b"b\n"
    sent.cancel()
    assert not transport.connected
    for [error] in seen:
        assert isinstance(error, CancelledError)


def test_every_connection_has_a_greeting() -> None:
    """The first message of each is unasked, and replies stay what they are."""
    unasked: list[bytes] = []
    site = Site(greeting=True, unasked=unasked.append)
    site.start()
    for number in (b"1", b"2"):
        reply = watch(site.client.request(b"a"))
        transport = site.accept()
        transport.protocol.dataReceived(b"READY " + number + b"\nA" + number + b"\n")
        assert reply == [b"A" + number]
        transport.reset()
        site.clock.advance(1)
    assert unasked == [b"READY 1", b"READY 2"]


def test_it_is_a_service() -> None:
    """It goes under a MultiService, which starts and stops it."""
    site = Site()
    assert IService.providedBy(site.client)
    parent = MultiService()
    site.client.setServiceParent(parent)
    assert site.attempts == 0
    parent.startService()
    transport = site.accept()
    stopped = watch(parent.stopService())
    assert not transport.connected
    assert len(stopped) == 1
    assert site.clock.getDelayedCalls() == []


def test_a_client_that_does_not_run_fails_what_it_is_asked() -> None:
    """Neither before it starts nor after it stopped does a request wait for ever."""
    site = Site()
    early = watch(site.client.request(b"a"))
    site.start()
    site.accept()
    assert len(watch(site.client.stopService())) == 1
    late = watch(site.client.request(b"a"))
    for [error] in (early, late):
        assert isinstance(error, ConnectionEnded)
        assert error.why == "the client is not running"


def test_stopping_fails_what_is_under_way() -> None:
    """It is told that we closed the connection."""
    site = Site()
    site.start()
    transport = site.accept(stuck=True)
    reply = watch(site.client.request(b"a"))
    stopped = watch(site.client.stopService())
    assert reply[0].why == "we closed it"
    assert stopped == []
    transport.lose(ConnectionDone())
    assert stopped == [None]


def test_stopping_fails_what_waits() -> None:
    """What was to be sent when there is a connection is told that there will be none."""
    site = Site()
    site.start()
    again: list[list[Any]] = []
    waiting = site.client.request(b"a", timeout=9)
    waiting.addErrback(lambda _: again.append(watch(site.client.request(b"b"))))
    other = watch(site.client.request(b"c"))
    site.endpoint.fail(REFUSED)
    stopped = watch(site.client.stopService())
    assert stopped == [None]
    for [error] in (again[0], other):
        assert error.why == "the client is not running"
    assert site.clock.getDelayedCalls() == []


def test_stopping_while_it_connects_gives_the_attempt_up() -> None:
    """And says nothing of a failure that was none."""
    site = Site()
    site.start()
    with capturedLogs() as logged:
        stopped = watch(site.client.stopService())
    assert stopped == [None]
    assert [event for event in logged if event["log_level"].name == "warn"] == []


def test_stopping_takes_a_few_seconds_at_most() -> None:
    """A server that does not read cannot keep us from stopping."""
    site = Site()
    site.start()
    transport = site.accept(stuck=True)
    stopped = watch(site.client.stopService())
    site.clock.advance(CLOSE_TIMEOUT)
    assert transport.aborted
    assert stopped == [None]


def test_it_may_be_stopped_by_what_a_connection_brings_about() -> None:
    """A request that fails as soon as it could be sent may stop the client."""
    site = Site("length:bytes=1")
    site.start()
    errors: list[BaseException | None] = []

    def stop(failure: Failure) -> Deferred[None]:
        errors.append(failure.value)
        return site.client.stopService()

    stopped = watch(site.client.request(bytes(256)).addErrback(stop))
    transport = site.accept()
    assert isinstance(errors[0], CannotFrame)
    assert stopped == [None]
    assert not transport.connected


def test_it_may_be_started_again() -> None:
    """What it was before it stopped plays no part."""
    site = Site()
    site.start()
    site.accept()
    watch(site.client.stopService())
    site.start()
    reply = watch(site.client.request(b"a"))
    transport = site.accept()
    transport.protocol.dataReceived(b"A\n")
    assert reply == [b"A"]


def test_one_request_a_connection_is_not_persistent() -> None:
    """A framing that ends with the stream is refused."""
    with pytest.raises(ConfigError, match="carries one request"):
        Site("eof")


def test_bad_strings_are_told_at_once() -> None:
    """Neither an endpoint nor a framing that cannot be waits for the start."""
    with pytest.raises(ConfigError):
        PersistentClient("nonsense", reactor=Clock())
    with pytest.raises(ConfigError):
        PersistentClient(FakeEndpoint(), "lines", reactor=Clock())


def test_strings_and_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint string, Twisted's delays and the global reactor are what is taken."""
    reactor = MemoryReactorClock()
    monkeypatch.setitem(sys.modules, "twisted.internet.reactor", reactor)
    monkeypatch.setattr("twisted.internet.reactor", reactor, raising=False)
    client = PersistentClient("tcp:127.0.0.1:12345")
    client.startService()
    assert [attempt[:2] for attempt in reactor.tcpClients] == [("127.0.0.1", 12345)]
