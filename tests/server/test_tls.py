"""TLS between a protocol and its wire, with OpenSSL's client at the other end, in memory."""

from __future__ import annotations

import gc
import ssl
import sys
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.logger import capturedLogs
from twisted.protocols.policies import WrappingFactory
from twisted.python.failure import Failure

from sockreply.replies import Close, Reply, Wait
from sockreply.server.tls_context import read_context
from sockreply.settings import PeerLimits, Rate
from sockreply.tls_layer import TLSConnection, TLSFactory
from tests.end_to_end.certificates import make_certificate
from tests.server.stand_ins import FakeTransport, Talk, by_message, texts

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and its certificate, in one file."""
    return make_certificate(tmp_path_factory.mktemp("tls") / "example.pem")


class Wire(FakeTransport):
    """A connection that notes how it is to end."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: Any = None
        self.protocol: Any = None

    def connectionLost(self, reason: Any) -> None:
        """The connection is gone."""
        self.protocol.connectionLost(reason)


class TLSTalk(Talk):
    """A client of OpenSSL's that talks with a service over memory.

    Args:
        certificate: The service's.
        version: The only one that the client speaks.
        known: As of a talk.
    """

    transport: Wire

    def __init__(
        self, certificate: Path, version: ssl.TLSVersion = VERSIONS[1], **known: Any
    ) -> None:
        name = str(certificate)
        self.context = read_context({"privateKey": name, "certKey": name})
        client = ssl.create_default_context(cafile=name)
        client.minimum_version = client.maximum_version = version
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(self._in, self._out, server_hostname="localhost")
        self.piece = 1 << 20
        """How many bytes come in a read at most."""
        super().__init__(**known)

    def connect(self) -> None:
        self.transport = Wire()
        self.layer = TLSConnection(TLSFactory(self.factory, self.context), self.protocol)
        self.transport.protocol = self.layer
        self.layer.makeConnection(self.transport)

    def deliver(self) -> None:
        """Let the service read what the client has to send, and the client what it is sent."""
        data = self._out.read()
        for at in range(0, len(data), self.piece):
            self.layer.dataReceived(data[at : at + self.piece])
        self._in.write(self.transport.value())
        self.transport.clear()

    def shake_hands(self) -> None:
        """Do the handshake."""
        for _ in range(9):
            try:
                self.client.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.deliver()

    def say(self, *reads: bytes) -> None:
        for read in reads:
            self.client.write(read)
            self.deliver()

    def hear(self) -> bytes:
        self.deliver()
        heard = b""
        try:
            while piece := self.client.read(1 << 16):
                heard += piece
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return heard

    def say_good_bye(self) -> None:
        """Send close_notify; whether the service has said it does not matter."""
        with suppress(ssl.SSLError):
            self.client.unwrap()
        self.deliver()

    @property
    def heard_good_bye(self) -> bool:
        """Has the service sent close_notify?"""
        self.deliver()
        try:
            return self.client.read(1) == b""
        except ssl.SSLZeroReturnError:
            return True
        except ssl.SSLWantReadError:
            return False

    def leave(self, reason: Exception | None = None) -> None:
        self.layer.connectionLost(Failure(reason or ConnectionDone()))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_messages(certificate: Path, version: ssl.TLSVersion, piece: int) -> None:
    """However the wire is cut, messages come and replies go."""
    talk = TLSTalk(certificate, version, greeting=b"hello")
    talk.piece = piece
    talk.shake_hands()
    talk.say(b"one\ntwo\n", b"x" * 50_000 + b"\n")
    assert talk.hear() == b"hello\none\ntwo\n" + b"x" * 50_000 + b"\n"
    known = talk.session.tls
    assert known is not None
    assert known.version == version.name.replace("_", ".")
    assert known.cipher
    assert known.certificate is None


@pytest.mark.parametrize("version", VERSIONS)
def test_good_bye_of_the_peer(certificate: Path, version: ssl.TLSVersion) -> None:
    """A peer that has said good-bye gets what it is owed, then ours, then the connection ends."""
    talk = TLSTalk(certificate, version, answer=by_message(slow=Reply(Wait(1), b"late")))
    talk.shake_hands()
    talk.client.write(b"slow\nafter\n" + b"x\n" * 100)
    with pytest.raises(ssl.SSLWantReadError):
        talk.client.unwrap()
    talk.deliver()
    talk.layer.readConnectionLost()  # and it half-closes
    assert not talk.transport.disconnecting
    talk.clock.advance(1)
    talk.turn()
    talk.turn()
    sent = talk.transport.value()
    talk.leave()
    assert talk.counters.messages == talk.counters.replies == 102
    assert talk.transport.disconnecting
    assert talk.counters.closed == {"peer": 1}
    assert len(sent) > 102 * 2


def test_good_bye_of_a_peer_whose_protocol_is_wrapped(certificate: Path) -> None:
    """With another layer inside of TLS, the good-bye is heard just the same."""
    talk = TLSTalk(certificate, answer=by_message(slow=Reply(Wait(1), b"late")))
    wrapping = WrappingFactory(talk.factory)
    talk.transport = Wire()
    talk.layer = TLSConnection(TLSFactory(wrapping, talk.context), wrapping.buildProtocol(None))
    talk.transport.protocol = talk.layer
    talk.layer.makeConnection(talk.transport)
    talk.shake_hands()
    talk.say(b"slow\n")
    talk.say_good_bye()
    assert not talk.transport.disconnecting
    talk.clock.advance(1)
    assert talk.transport.disconnecting
    assert talk.hear() == b"late\n"


def test_our_good_bye(certificate: Path) -> None:
    """Without keep-alive we say good-bye after the reply, and close when the peer has."""
    talk = TLSTalk(certificate, keep_alive=False)
    talk.shake_hands()
    talk.say(b"one\n")
    assert talk.hear() == b"one\n"
    assert talk.heard_good_bye
    assert not talk.transport.disconnecting
    talk.say_good_bye()
    assert talk.transport.disconnecting


def test_what_comes_after_our_good_bye(certificate: Path) -> None:
    """What a peer still sends is dropped, and does no harm."""
    talk = TLSTalk(certificate, answer=by_message(bye=Reply(b"bye", Close())))
    talk.shake_hands()
    talk.client.write(b"bye\nmore\n")
    talk.client.write(b"and more\n")
    talk.deliver()
    talk.say(b"even more\n")
    assert talk.hear() == b"bye\n"
    assert talk.counters.messages == 1
    talk.say_good_bye()
    assert talk.transport.disconnecting
    talk.leave()
    sent = b"bye\nmore\nand more\neven more\n"
    assert talk.counters.received_bytes == len(sent)
    assert talk.counters.dropped_bytes == len(sent) - len(b"bye\n")


def test_big_reply_is_encrypted_in_pieces(certificate: Path) -> None:
    """An idle connection keeps little memory, however much it was sent once."""
    big = b"x" * 1_000_000
    talk = TLSTalk(certificate, answer=by_message(big=big))
    talk.shake_hands()
    talk.say(b"big\n")
    assert max(map(len, talk.transport.writes)) < 70_000
    assert talk.hear() == big + b"\n"


def test_close_before_the_handshake(certificate: Path) -> None:
    """A connection that closes before it could say anything says nothing."""
    talk = TLSTalk(certificate, idle_timeout=5)
    talk.clock.advance(5)
    assert talk.transport.disconnecting
    assert not talk.transport.value()


def test_greeting_and_close_before_the_handshake(certificate: Path) -> None:
    """What was written before the handshake is sent after it, and only then is there an end."""
    talk = TLSTalk(certificate, greeting=Reply(b"go away", Close()))
    assert not talk.transport.disconnecting
    talk.shake_hands()
    assert talk.hear() == b"go away\n"
    assert talk.heard_good_bye


def test_message_with_the_end_of_the_handshake(certificate: Path) -> None:
    """What comes with it, after a greeting that closes, is dropped and is no fault of the peer."""
    talk = TLSTalk(certificate, greeting=Reply(b"go away", Close()))
    with pytest.raises(ssl.SSLWantReadError):
        talk.client.do_handshake()
    talk.deliver()
    talk.client.do_handshake()
    talk.say(b"one\n")
    assert talk.hear() == b"go away\n"
    assert talk.heard_good_bye
    assert not talk.transport.disconnecting
    talk.say_good_bye()
    assert talk.transport.disconnecting
    assert talk.counters.dropped_bytes == len(b"one\n")


@pytest.mark.parametrize("version", VERSIONS)
def test_what_ends_the_handshake_goes_with_the_reply(
    certificate: Path, version: ssl.TLSVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One write for each read, whether or not a message comes with the end of the handshake."""
    for with_it in (False, True):
        talk = TLSTalk(certificate, version)
        writes: list[bytes] = []
        monkeypatch.setattr(talk.transport, "write", writes.append)

        def deliver(talk: TLSTalk = talk, writes: list[bytes] = writes) -> None:
            talk.layer.dataReceived(talk._out.read())
            assert len(writes) == 1
            talk._in.write(writes.pop())

        with pytest.raises(ssl.SSLWantReadError):
            talk.client.do_handshake()
        deliver()
        if version is ssl.TLSVersion.TLSv1_2:
            with pytest.raises(ssl.SSLWantReadError):
                talk.client.do_handshake()
        else:
            talk.client.do_handshake()
            if with_it:
                talk.client.write(b"one\n")
        deliver()
        talk.client.do_handshake()
        if talk.counters.messages == 0:
            talk.client.write(b"one\n")
            deliver()
        assert talk.client.read(99) == b"one\n"


def test_tls_before_the_handshake(certificate: Path) -> None:
    """A greeting that asks for what is not known yet is told so."""
    talk = TLSTalk(certificate, greeting=lambda session: repr(session.tls).encode())
    talk.shake_hands()
    assert talk.hear() == b"TLS(version='', cipher='', certificate=None, sni='')\n"


def test_writes_before_the_handshake_wait(certificate: Path) -> None:
    """A peer that does not shake hands is one that takes nothing."""
    talk = TLSTalk(certificate, greeting=b"hello", write_timeout=3)
    talk.session.send(b"news")
    talk.clock.advance(2)
    talk.shake_hands()
    assert talk.hear() == b"hello\nnews\n"
    talk.clock.advance(9)
    assert not talk.transport.aborted
    slow = TLSTalk(certificate, greeting=b"hello", write_timeout=3)
    with capturedLogs():
        slow.clock.advance(9)
    assert slow.transport.aborted


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", "http request"),
        (
            b"\x16\x03\x01\x00\x05nonsense",
            "protocol|bad|wrong|unexpected|length",
        ),
        (b"nonsense of another kind", "wrong version number"),
    ],
)
def test_no_tls(certificate: Path, data: bytes, error: str) -> None:
    """A peer that does not speak TLS loses its connection, and is logged and counted."""
    talk = TLSTalk(certificate)
    with capturedLogs() as events:
        talk.layer.dataReceived(data)
        talk.layer.dataReceived(b"more")
        assert talk.transport.disconnecting
        talk.leave()
    assert talk.counters.errors == talk.counters.closed == {"tls": 1}
    (line,) = texts(events)
    assert "TLS error: " in line
    assert any(each in line for each in error.split("|"))


@pytest.mark.parametrize("version", VERSIONS)
def test_broken_record(certificate: Path, version: ssl.TLSVersion) -> None:
    """A byte that was changed on its way ends the connection; nothing of the record is read."""
    talk = TLSTalk(certificate, version)
    talk.shake_hands()
    talk.client.write(b"one\n")
    data = bytearray(talk._out.read())
    data[-1] ^= 1
    with capturedLogs():
        talk.layer.dataReceived(bytes(data))
        talk.leave()
    assert talk.counters.messages == 0
    assert talk.counters.closed == {"tls": 1}


@pytest.mark.parametrize("version", VERSIONS)
def test_messages_before_a_broken_record(certificate: Path, version: ssl.TLSVersion) -> None:
    """They are answered, whether they come in one read with it or not."""
    talk = TLSTalk(certificate, version)
    talk.shake_hands()
    talk.client.write(b"one\n")
    data = talk._out.read()
    talk.client.write(b"two\n")
    broken = bytearray(talk._out.read())
    broken[-1] ^= 1
    with capturedLogs():
        talk.layer.dataReceived(data + broken)
        talk._in.write(talk.transport.value())
        assert talk.client.read(9) == b"one\n"
        talk.leave()
    assert talk.counters.messages == talk.counters.replies == 1
    assert talk.counters.received_bytes == len(b"one\n")
    assert talk.counters.closed == {"tls": 1}


def test_stream_that_is_cut_off(certificate: Path) -> None:
    """A half-close without a good-bye ends no message: somebody may have cut the stream off."""
    talk = TLSTalk(certificate, framing="eof")
    talk.shake_hands()
    talk.say(b"pay 100")
    with capturedLogs():
        talk.layer.readConnectionLost()
    assert talk.counters.messages == 0
    assert talk.session.closed


def test_good_bye_ends_a_message(certificate: Path) -> None:
    """A good-bye is the end of the stream for framings that wait for that."""
    talk = TLSTalk(certificate, framing="eof")
    talk.shake_hands()
    talk.say(b"pay 100")
    talk.say_good_bye()
    assert talk.counters.messages == 1


def test_reset(certificate: Path) -> None:
    """A reset does without good-byes."""
    talk = TLSTalk(certificate, answer=by_message(x=Reply(Close("reset"))))
    talk.shake_hands()
    talk.say(b"x\n")
    assert talk.transport.aborted


def test_protocol_that_knows_no_half_close(certificate: Path) -> None:
    """It is closed when its peer says good-bye."""
    talk = TLSTalk(certificate)
    talk.layer = TLSConnection(
        TLSFactory(ServerFactory.forProtocol(Protocol), talk.context), Protocol()
    )
    talk.transport = Wire()
    talk.layer.makeConnection(talk.transport)
    talk.shake_hands()
    talk.layer.writeSequence([b"o", b"ne"])
    assert talk.hear() == b"one"
    talk.say_good_bye()
    assert talk.transport.disconnecting


def test_no_renegotiation(certificate: Path) -> None:
    """A peer cannot make us shake hands again and again."""
    name = str(certificate)
    context = read_context({"privateKey": name, "certKey": name})
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_one_version(certificate: Path) -> None:
    """`sslmethod` can name one."""
    name = str(certificate)
    context = read_context({"privateKey": name, "certKey": name, "sslmethod": "TLSv1_2_METHOD"})
    assert context.minimum_version == context.maximum_version == ssl.TLSVersion.TLSv1_2


def test_chain(certificate: Path, tmp_path: Path) -> None:
    """The certificates of `extraCertChain` are sent after our own."""
    name = str(certificate)
    chain = str(make_certificate(tmp_path / "chain.pem"))
    talk = TLSTalk(certificate, VERSIONS[0])
    talk.context = read_context({"privateKey": name, "certKey": name, "extraCertChain": chain})
    short = len(shake_hands_of(talk, talk.context))
    own = read_context({"privateKey": name, "certKey": name})
    assert short > len(shake_hands_of(talk, own)) + 300


def shake_hands_of(talk: TLSTalk, context: ssl.SSLContext) -> bytes:
    """What the service sends first; in TLS 1.2 its certificates are not encrypted."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context(cafile=None)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    hello = client.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        hello.do_handshake()
    wire = Wire()
    layer = TLSConnection(TLSFactory(talk.factory, context), talk.factory.buildProtocol(None))
    layer.makeConnection(wire)
    layer.dataReceived(outgoing.read())
    sent: bytes = wire.value()
    return sent


def test_nothing_is_left_when_it_is_gone(certificate: Path) -> None:
    """A connection that is over is free at once: nothing of it waits for the garbage collector."""
    talk = TLSTalk(certificate)
    talk.shake_hands()
    talk.say(b"one\n")
    gone = weakref.ref(talk.layer)
    gc.disable()
    try:
        talk.leave()
        talk.transport.protocol = talk.transport.producer = None  # as Twisted's transports have it
        del talk.layer, talk.protocol, talk.session, talk.transport
        assert gone() is None
    finally:
        gc.enable()


def test_name_that_is_not_ascii(certificate: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A server name (SNI) in other bytes ends the handshake, without a traceback from Python."""
    talk = TLSTalk(certificate)
    client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
    client.set_connect_state()
    client.set_tlsext_host_name(b"\xff")
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    hook = sys.unraisablehook
    talk.layer.dataReceived(client.bio_read(9999))
    assert sys.unraisablehook is hook
    assert talk.transport.disconnecting
    assert "Exception ignored" not in capfd.readouterr().err


@pytest.mark.parametrize("greeting", [None, b"hello", Reply(Wait(1), b"hello")])
def test_handshake_has_the_time_of_a_message(certificate: Path, greeting: Any) -> None:
    """However it drips, and whatever waits to be sent, it is over in message_timeout."""
    with capturedLogs() as events:
        talk = TLSTalk(certificate, greeting=greeting, idle_timeout=0, message_timeout=5)
        with pytest.raises(ssl.SSLWantReadError):
            talk.client.do_handshake()
        for byte in talk._out.read()[:49]:
            talk.clock.advance(0.1)
            talk.layer.dataReceived(bytes([byte]))
        assert not talk.transport.aborted
        talk.clock.advance(0.2)
    assert talk.transport.aborted
    talk.leave()
    assert talk.counters.closed == {"message_timeout": 1}
    assert "192.168.1.1:54321 took more than 5 s: TLS handshake" in texts(events, "warn")
    talk.clock.advance(9)
    assert not talk.clock.getDelayedCalls()


def test_time_of_a_handshake_ends_with_it(certificate: Path) -> None:
    """Once the handshake is done, or the peer has gone, its time is nobody's concern."""
    talk = TLSTalk(certificate, idle_timeout=0, message_timeout=5)
    talk.shake_hands()
    talk.deliver()
    assert not talk.clock.getDelayedCalls()
    talk.clock.advance(9)
    talk.say(b"one\n")
    assert talk.hear() == b"one\n"
    gone = TLSTalk(certificate, idle_timeout=0, message_timeout=5)
    assert gone.clock.getDelayedCalls()
    gone.leave()
    assert not gone.clock.getDelayedCalls()


class LateTalk(TLSTalk):
    """A peer that has connected a moment before, so that it has to wait for its limit."""

    def connect(self) -> None:
        self.factory.buildProtocol(None).makeConnection(FakeTransport())
        super().connect()


@pytest.mark.parametrize("completes", [True, False])
def test_handshake_that_we_hold_back_has_its_time_later(certificate: Path, completes: bool) -> None:
    """A peer that has to wait for its limit has all the time of a handshake after that."""
    limits = PeerLimits(connections=Rate(0.1, 1))
    with capturedLogs() as events:
        talk = LateTalk(certificate, idle_timeout=0, message_timeout=5, per_peer=limits)
        talk.clock.advance(9)
        assert talk.transport.paused
        assert not talk.transport.aborted
        talk.clock.advance(1)
        assert not talk.transport.paused
        talk.clock.advance(4.9)
        assert not talk.transport.aborted
        if completes:
            talk.shake_hands()
            talk.say(b"one\n")
            assert talk.hear() == b"one\n"
        talk.clock.advance(5)
    assert talk.transport.aborted is not completes
    assert len([text for text in texts(events, "warn") if "TLS handshake" in text]) == 1 - completes


def test_handshake_that_may_take_for_ever(certificate: Path) -> None:
    """A message_timeout of 0 is none, for handshakes too."""
    talk = TLSTalk(certificate, idle_timeout=0, message_timeout=0)
    assert not talk.clock.getDelayedCalls()


def test_handshakes_are_counted(certificate: Path) -> None:
    """By the version that was agreed on; one that fails is an error."""
    for version in VERSIONS:
        talk = TLSTalk(certificate, version)
        assert talk.counters.handshakes == {}
        talk.shake_hands()
        talk.deliver()
        assert talk.counters.handshakes == {version.name.replace("_", "."): 1}
    talk = TLSTalk(certificate)
    talk.layer.dataReceived(b"GET / HTTP/1.0\r\n\r\n")
    assert talk.counters.handshakes == {}


class _AsksForKeys:
    """TLS whose peer asks with each record for other keys.

    Args:
        layer: Around it.
    """

    def __init__(self, layer: TLSConnection) -> None:
        self._layer = layer

    def read(self, _: int) -> bytes:
        """There is an answer to send, and nothing to hand over."""
        self._layer._incoming.read()
        self._layer._outgoing.write(b"k" * 1024)
        raise ssl.SSLWantReadError


@pytest.mark.parametrize("takes", [True, False])
def test_peer_that_asks_for_keys_and_takes_none(certificate: Path, takes: bool) -> None:
    """What TLS answers by itself waits up to 64 KiB for a peer, however the peer asks for it."""
    with capturedLogs() as events:
        talk = TLSTalk(certificate, idle_timeout=0)
        talk.shake_hands()
        talk.deliver()
        wire: Any = talk.transport
        wire.unsent = 0 if takes else 1
        layer: Any = talk.layer
        layer.tls = _AsksForKeys(layer)
        for _ in range(60):
            layer.dataReceived(b"update")
        assert not talk.transport.aborted
        for _ in range(20):
            layer.dataReceived(b"update")
        assert talk.transport.aborted is not takes
        if not takes:
            assert len(talk.transport.value()) <= 65 * 1024
            talk.leave()
            assert talk.counters.closed == {"tls": 1}
    said = "192.168.1.1:54321: TLS error: the peer takes none of what it asks TLS for"
    assert (said in texts(events, "warn")) is not takes
