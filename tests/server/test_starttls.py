"""Connections that come to speak TLS, with OpenSSL's client at the other end, in memory."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.logger import capturedLogs
from twisted.protocols.policies import WrappingFactory
from twisted.python.failure import Failure

from sockreply.framing import Switched, parse_framing
from sockreply.replies import Await, Close, Reply, Session, StartTLS, Wait
from sockreply.rules import Equals, Rule, RuleTable, StartTLSPart, reply
from sockreply.server.starttls import StartTLSFactory
from sockreply.server.tls_context import server_context
from sockreply.settings import PeerLimits, Rate
from sockreply.tls_layer import TLSConnection
from tests.end_to_end.certificates import make_certificate
from tests.server.stand_ins import FakeTransport, NotingLog, Talk, texts


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and its certificate, in one file."""
    return make_certificate(tmp_path_factory.mktemp("starttls") / "example.pem")


def answer(message: bytes, session: Session) -> object:
    """What a service says that speaks of its TLS."""
    match message:
        case b"TLS":
            return Reply(b"go", StartTLS())
        case b"TLS!":
            return Reply(b"go", StartTLS(), b"inside", Wait(1), b"later")
        case b"LATE":
            return Reply(Wait(1), b"go", StartTLS())
        case b"ASKED":
            return Reply(Await(Deferred()), StartTLS())
        case b"BYE":
            return Reply(b"bye", Close())
    version = "clear" if session.tls is None else session.tls.version
    return message + b" in " + version.encode()


class Below(FakeTransport):
    """A connection that knows its port, and what it tells of what it reads."""

    server: Any = None
    protocol: Any = None


class StartTLSTalk(Talk):
    """A client that can come to speak TLS.

    Args:
        certificate: The service's.
        proxied: Is there a wrapper between the connection and its wire?
        known: As of a talk; `answer` is by default the function above.
    """

    transport: Below

    def __init__(self, certificate: Path, *, proxied: bool = False, **known: Any) -> None:
        self.context = server_context(certificate, certificate)
        self._proxied = proxied
        trusting = ssl.create_default_context(cafile=certificate)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = trusting.wrap_bio(self._in, self._out, server_hostname="localhost")
        super().__init__(known.pop("answer", answer), **known)

    def connect(self) -> None:
        factory: Any = StartTLSFactory(self.factory, self.context)
        if self._proxied:
            factory = WrappingFactory(factory)
        self.transport = Below()
        self.transport.server = SimpleNamespace(factory=factory)
        self.transport.protocol = factory.buildProtocol(None)
        protocol = self.transport.protocol
        self.protocol = protocol.wrappedProtocol if self._proxied else protocol
        self.session = self.protocol.session
        protocol.makeConnection(self.transport)

    @property
    def layer(self) -> Any:
        """What the wire talks to."""
        below = self.transport.protocol
        return below.wrappedProtocol if self._proxied else below

    def say(self, *reads: bytes) -> None:
        for read in reads:
            self.transport.protocol.dataReceived(read)

    def deliver(self) -> None:
        """Let each side read what the other has sent inside TLS."""
        for _ in range(4):
            if data := self._out.read():
                self.say(data)
            self._in.write(self.hear())

    def shake_hands(self) -> None:
        """Do the handshake."""
        for _ in range(4):
            with suppress(ssl.SSLWantReadError):
                self.client.do_handshake()
            self.deliver()

    def ask(self, message: bytes) -> bytes:
        """What is answered inside TLS."""
        self.client.write(message)
        self.deliver()
        try:
            return self.client.read(1 << 16)
        except ssl.SSLWantReadError:
            return b""

    def leave(self, reason: Exception | None = None) -> None:
        self.transport.protocol.connectionLost(Failure(reason or ConnectionDone()))


@pytest.mark.parametrize("proxied", [False, True])
def test_in_clear_and_then_not(certificate: Path, proxied: bool) -> None:
    """What stands before the step is said in clear, and all after it inside TLS."""
    talk = StartTLSTalk(certificate, proxied=proxied)
    talk.say(b"one\n")
    assert talk.hear() == b"one in clear\n"
    talk.say(b"TLS\n")
    assert talk.hear() == b"go\n"
    assert isinstance(talk.layer, TLSConnection)
    talk.shake_hands()
    assert talk.ask(b"two\n") == b"two in TLSv1.3\n"
    assert talk.ask(b"three\nfour\n") == b"three in TLSv1.3\nfour in TLSv1.3\n"
    assert talk.counters.handshakes == {"TLSv1.3": 1}
    assert talk.ask(b"BYE\n") == b"bye\n"
    talk.leave()
    counters = talk.counters
    assert counters.closed == {"answered": 1}
    assert (counters.messages, counters.replies) == (6, 6)
    assert not talk.clock.getDelayedCalls()


def test_steps_after_it(certificate: Path) -> None:
    """They are carried out inside TLS, one after the other, and the next message waits."""
    talk = StartTLSTalk(certificate)
    talk.say(b"TLS!\n")
    assert talk.hear() == b"go\n"
    assert talk.counters.replies == 0
    talk.shake_hands()
    assert talk.client.read(99) == b"inside\n"
    assert talk.ask(b"next\n") == b""
    talk.clock.advance(1)
    talk.deliver()
    assert talk.client.read(99) == b"later\nnext in TLSv1.3\n"


def say_late(talk: StartTLSTalk) -> None:
    """Send more while the answer to the message that asks for TLS is on its way."""
    talk.say(b"LATE\n", b"two\nthr")
    talk.clock.advance(1)


INJECTED: list[tuple[Callable[[StartTLSTalk], None], int]] = [
    (lambda talk: talk.say(b"TLS\ntwo\n"), 4),
    (lambda talk: talk.say(b"TLS\ntwo\nthree"), 9),
    (lambda talk: talk.say(b"TLS\n" + b"two\n" * 100), 400),
    (lambda talk: talk.say(b"one\nTLS\ntw"), 2),
    (say_late, 7),
]


@pytest.mark.parametrize(("send", "size"), INJECTED)
@pytest.mark.parametrize("exact", [False, True])
def test_nothing_in_clear_counts_afterwards(
    certificate: Path, send: Callable[[StartTLSTalk], None], size: int, exact: bool
) -> None:
    """What was read in clear behind the message that asks for TLS is dropped, counted and told."""
    log = NotingLog()
    log.exact = exact
    with capturedLogs() as events:
        talk = StartTLSTalk(certificate, exchanges=log)
        send(talk)
    talk.hear()
    before = talk.counters.messages
    talk.shake_hands()
    assert talk.ask(b"ours\n") == b"ours in TLSv1.3\n"
    assert talk.counters.messages == before + 1
    assert talk.counters.dropped_bytes == size
    text = f"dropped {size} bytes that 192.168.1.1:54321 sent in clear after it asked for TLS"
    assert texts(events, "warn") == [text]
    dropped = b"".join(told[2] for told in log.told if told[0] == "dropped")
    assert len(dropped) == size * exact
    assert not dropped.startswith(b"ours")


def test_greeting_of_tls_that_comes_too_early(certificate: Path) -> None:
    """A client that does not wait for the go has its first word dropped, and is let go in time."""
    talk = StartTLSTalk(certificate, message_timeout=5, idle_timeout=0)
    with suppress(ssl.SSLWantReadError):
        talk.client.do_handshake()
    talk.say(b"TLS\n" + talk._out.read())
    assert talk.hear() == b"go\n"
    talk.clock.advance(6)
    assert talk.transport.aborted
    talk.leave()
    assert talk.counters.closed == {"message_timeout": 1}


def test_handshake_that_fails(certificate: Path) -> None:
    """It ends the connection as any other does, and its message was answered."""
    talk = StartTLSTalk(certificate)
    talk.say(b"TLS\n", b"not TLS\n")
    assert talk.transport.disconnecting
    talk.leave()
    counters = talk.counters
    assert counters.closed == {"tls": 1}
    assert counters.errors["tls"] == 1
    assert counters.messages == counters.replies + counters.errors["abandoned"] == 1


def test_only_once(certificate: Path) -> None:
    """A second time, the reply fails."""
    talk = StartTLSTalk(certificate)
    talk.say(b"TLS\n")
    talk.hear()
    talk.shake_hands()
    with capturedLogs() as events:
        talk.ask(b"TLS\n")
    (line,) = texts(events, "error")
    assert line.endswith("gets no reply: cannot begin TLS: the connection is over TLS already")
    talk.leave()
    assert talk.counters.closed == {"error": 1}


def test_listener_without_it() -> None:
    """Where there is no certificate, the reply fails."""
    talk = Talk(answer)
    with capturedLogs() as events:
        talk.say(b"TLS\n")
    (line,) = texts(events, "error")
    assert "cannot begin TLS: the connection's listener has no tls with starttls" in line
    talk.leave()
    assert talk.counters.closed == {"error": 1}


def test_peer_that_has_half_closed(certificate: Path) -> None:
    """It cannot shake hands, so the connection is closed."""
    talk = StartTLSTalk(certificate)
    talk.say(b"LATE\n")
    talk.protocol.readConnectionLost()
    talk.clock.advance(1)
    assert talk.hear() == b"go\n"
    assert talk.transport.disconnecting
    talk.leave()
    assert talk.counters.closed == {"peer": 1}
    assert talk.counters.messages == talk.counters.replies + talk.counters.errors["abandoned"]


def test_drain_before_the_handshake(certificate: Path) -> None:
    """A service that stops begins no handshake."""
    talk = StartTLSTalk(certificate)
    talk.say(b"LATE\n")
    talk.factory.roster.drain(30)
    talk.clock.advance(1)
    assert talk.hear() == b"go\n"
    assert talk.transport.disconnecting
    talk.leave()
    assert talk.counters.closed == {"drained": 1}


def test_drain_in_the_handshake(certificate: Path) -> None:
    """One that has begun is finished, what is owed is said inside, and then it is over."""
    talk = StartTLSTalk(certificate)
    talk.say(b"TLS!\n")
    talk.factory.roster.drain(30)
    talk.clock.advance(1.5)
    assert talk.hear() == b"go\n"
    assert not talk.transport.paused
    talk.shake_hands()
    assert talk.client.read(99) == b"inside\n"
    talk.clock.advance(1)
    talk.deliver()
    assert talk.client.read(99) == b"later\n"
    assert talk.layer.disconnecting
    talk.leave()
    assert talk.counters.closed == {"drained": 1}


def test_certificate_that_has_gone(certificate: Path) -> None:
    """What a listener has is what its settings say when TLS is to begin."""
    talk = StartTLSTalk(certificate)
    talk.transport.server.factory = talk.factory
    with capturedLogs() as events:
        talk.say(b"TLS\n")
    assert "has no tls with starttls = true" in texts(events, "error")[0]


def test_drain_inside(certificate: Path) -> None:
    """Inside TLS, a drain is as ever."""
    talk = StartTLSTalk(certificate)
    talk.say(b"TLS\n")
    talk.hear()
    talk.shake_hands()
    talk.factory.roster.drain(30)
    talk.clock.advance(1.5)
    assert talk.layer.disconnecting
    talk.deliver()
    talk.leave()
    assert talk.counters.closed == {"drained": 1}


def test_peer_that_leaves_in_the_handshake(certificate: Path) -> None:
    """Nothing is left of it."""
    talk = StartTLSTalk(certificate)
    talk.say(b"TLS\n")
    talk.leave()
    assert not talk.clock.getDelayedCalls()
    assert talk.counters.open_connections == 0


@pytest.mark.parametrize("exact", [False, True])
def test_a_state_with_a_framing_of_its_own(certificate: Path, exact: bool) -> None:
    """The rule that begins TLS may change it; in clear, nothing is cut behind its message."""
    line, counted = parse_framing("line"), parse_framing("length:bytes=1")
    table = RuleTable(
        [
            Rule(
                "tls", Equals(b"TLS"), reply(b"go", StartTLSPart(), b"inside"), next_state="inside"
            ),
            Rule("back", Equals(b"back"), reply(b"went"), next_state="start"),
            Rule("all", None, reply(b"again")),
        ],
        framings={"inside": counted},
    )
    log = NotingLog()
    log.exact = exact
    framing = Switched(line, line, (counted,))
    talk = StartTLSTalk(certificate, answer=table.respond, framing=framing, exchanges=log)
    with capturedLogs():
        talk.say(b"TLS\n\4back\3abcx\n")
    assert talk.hear() == b"go\n"
    talk.shake_hands()
    assert talk.client.read(99) == b"inside\n"  # the answer has the framing of its message
    assert talk.ask(b"\1a\4back" + b"line\n") == b"\5again\4wentagain\n"
    assert talk.counters.dropped_bytes == 11
    assert talk.counters.messages == 4


@pytest.mark.parametrize("exact", [False, True])
def test_what_the_limits_of_a_peer_hold_back_is_dropped(certificate: Path, exact: bool) -> None:
    """Bytes in clear that wait for their turn are dropped with all others."""
    log = NotingLog()
    log.exact = exact
    limits = PeerLimits(bytes=Rate(1.0, 5))
    with capturedLogs() as events:
        talk = StartTLSTalk(certificate, exchanges=log, per_peer=limits)
        talk.say(b"LATE\n", b"two\nthr")
        talk.clock.advance(1)
    assert talk.hear() == b"go\n"
    talk.shake_hands()
    talk.clock.advance(9)
    assert talk.ask(b"ours\n") == b"ours in TLSv1.3\n"
    assert talk.counters.dropped_bytes == 7
    assert "sent in clear after it asked for TLS" in texts(events, "warn")[0]
    dropped = [told[1:] for told in log.told if told[0] == "dropped"]
    assert dropped == ([(5, b"two\nthr")] if exact else [])
