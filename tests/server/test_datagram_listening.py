"""UDP ports on the loopback interface, read by a reactor whose turns the test makes."""

from __future__ import annotations

import errno
import gc
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from twisted.internet import udp
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from sockreply.errors import CannotStart, ConfigError
from sockreply.framing import Chunk, Line
from sockreply.observing.exchange_log import ExchangeLog
from sockreply.replies import Echo, Raw, Reply, Send, Session, Wait, as_responder
from sockreply.server import Limits, ReplyFactory, ReplyService
from sockreply.server.datagram_listening import IN_A_TURN
from sockreply.server.datagram_socket import DatagramSocket
from sockreply.settings import ListenerSettings
from tests.server.stand_ins import Answer, LoopingReactor, by_message, echo, texts, watch

LOCAL = "udp:0:interface=127.0.0.1"
SLOW = Reply(Wait(1), Send(b"slow"))


class UDPReactor(LoopingReactor):
    """One that also listens on UDP."""

    def listenUDP(  # noqa: N802 - Twisted's name
        self,
        port: int,
        protocol: Any,
        interface: str = "",
        maxPacketSize: int = 8192,  # noqa: N803 - Twisted's
    ) -> udp.Port:
        made = udp.Port(port, protocol, interface, maxPacketSize, self)
        made.startListening()
        return made


class Site:
    """A service on UDP, and its peers."""

    def __init__(
        self,
        answer: Answer = echo,
        endpoint: str = LOCAL,
        *,
        keep_alive: bool = False,
        **limits: Any,
    ) -> None:
        self.reactor = UDPReactor()
        self.factory = ReplyFactory(
            Chunk(),
            as_responder(answer),
            self.reactor,
            keep_alive=keep_alive,
            limits=Limits(**limits),
        )
        self.service = ReplyService(self.reactor, self.factory, [endpoint])
        self.service.startService()
        self.peers: list[socket.socket] = []

    @property
    def port(self) -> int:
        """The number of the last port that it listens on."""
        address: Any = self.service.addresses()[-1]
        assert address.type == "UDP"
        return int(address.port)

    def peer(self, host: str = "127.0.0.1", to: str = "") -> socket.socket:
        """A peer at an address, connected to the service."""
        kind = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.socket(kind, socket.SOCK_DGRAM)
        made.bind((host, 0))
        made.connect((to or host, self.port))
        made.setblocking(False)
        self.peers.append(made)
        return made

    def close(self) -> None:
        """Let all sockets go."""
        self.service.drop()
        for each in self.peers:
            each.close()


def heard(peer: socket.socket) -> list[bytes]:
    """All datagrams that a peer has got."""
    got = []
    while True:
        try:
            got.append(peer.recv(70_000))
        except BlockingIOError:
            return got


@pytest.fixture
def made() -> Iterator[list[Site]]:
    """Sites that are closed at last."""
    sites: list[Site] = []
    yield sites
    for each in sites:
        each.close()


@pytest.fixture
def site(made: list[Site]) -> Site:
    """One that echoes."""
    made.append(Site())
    return made[0]


def test_datagrams(site: Site) -> None:
    """Datagrams of any size are answered over the port that they came to."""
    peer = site.peer()
    messages = [b"", b"a", b"x" * 65_507]
    for each in messages:
        peer.send(each)
        site.reactor.turn()
        assert heard(peer) == [each]
    assert site.factory.shared.counters.replies == 3


def test_a_turn_ends(site: Site) -> None:
    """However many datagrams have come, also empty ones, others get their turn soon."""
    peer = site.peer()
    for _ in range(IN_A_TURN + 6):
        peer.send(b"")
    site.reactor.turn()
    assert len(heard(peer)) == IN_A_TURN
    site.reactor.turn()
    assert len(heard(peer)) == 6


def test_buffers(site: Site) -> None:
    """The kernel keeps more than by itself, received and sent: bursts, and replies to the dead."""
    port: Any = site.service._listeners[0].port
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
        for each in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            own = other.getsockopt(socket.SOL_SOCKET, each)
            assert port.socket.getsockopt(socket.SOL_SOCKET, each) > own


def test_too_long_to_send(made: list[Site]) -> None:
    """A reply that no datagram can carry is counted and logged, and the next one is sent."""
    site = Site(lambda message, _: b"x" * int(message), keep_alive=True)
    made.append(site)
    peer = site.peer()
    with capturedLogs() as events:
        for size in (65_507, 65_508, 1):
            peer.send(b"%d" % size)
        site.reactor.turn()
    assert [len(each) for each in heard(peer)] == [65_507, 1]
    assert site.factory.shared.counters.unsent == {"too_long": 1}
    (line,) = texts(events, "warn")
    assert line.startswith("65508 bytes to 127.0.0.1:")
    assert line.endswith(" were not sent: more than a datagram can hold")


def test_a_peer_that_has_gone(site: Site) -> None:
    """A peer that does not wait for its reply, and the ICMP error about that, disturb nobody."""
    for _ in range(3):
        gone = site.peer()
        gone.send(b"a")
        gone.close()
        site.reactor.turn()
    peer = site.peer()
    peer.send(b"b")
    site.reactor.turn()
    assert heard(peer) == [b"b"]


def test_no_way_to_a_peer(site: Site) -> None:
    """A reply to an address to which there is no way is counted."""
    (listener,) = site.service._listeners
    port: Any = listener.port
    port.protocol.datagramReceived(b"abc", ("255.255.255.255", 9))
    assert site.factory.shared.counters.unsent == {"unreachable": 1}
    assert site.factory.shared.counters.sent_bytes == 0


class FailingSocket:
    """A socket whose calls fail with one error after another."""

    family = socket.AF_INET

    def __init__(self, *errors: int) -> None:
        self.errors = list(errors)
        self.sent: list[bytes] = []

    def sendto(self, data: bytes, _: object) -> None:
        if self.errors:
            number = self.errors.pop(0)
            raise OSError(number, "wrong")
        self.sent.append(data)

    def recvfrom(self, _: int) -> tuple[bytes, object]:
        self.sendto(b"", None)
        return b"data", ("127.0.0.1", 9)


@pytest.mark.parametrize(
    ("errors", "why"),
    [
        ([errno.ECONNREFUSED], None),
        ([errno.ECONNREFUSED, errno.ECONNREFUSED], "unreachable"),
        ([errno.EMSGSIZE], "too_long"),
        ([errno.EAGAIN], "full"),
        ([errno.ENOBUFS], "full"),
        ([errno.EHOSTUNREACH], "unreachable"),
        ([errno.EPERM], "unreachable"),
    ],
)
def test_errors_of_sending(errors: list[int], why: str | None) -> None:
    """An ICMP error of an earlier datagram costs nothing; any other costs this one."""
    failing: Any = FailingSocket(*errors)
    assert DatagramSocket(failing, 10).send(b"x", ("127.0.0.1", 9)) == why
    assert failing.sent == ([] if why else [b"x"])


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("12.7.0.1", False),
        ("::ffff:192.0.2.1", False),
        ("fe80::1", False),
        ("::", False),
    ],
)
def test_loopback(host: str, near: bool) -> None:
    """Peers on the loopback interface are known by their addresses."""
    some: Any = FailingSocket()
    assert DatagramSocket(some, 10).is_loopback((host, 9)) is near


@pytest.mark.parametrize("number", [errno.ECONNREFUSED, errno.EAGAIN, errno.ENETDOWN])
def test_errors_of_receiving(site: Site, number: int) -> None:
    """An error of reading is over in the same turn or in the next; the port stays open."""
    (listener,) = site.service._listeners
    failing: Any = FailingSocket(number)
    reader: Any = listener
    reader._socket.receive = lambda: failing.recvfrom(0)
    reader._read_some(2)
    reader._read_some(1)
    assert site.factory.shared.counters.messages == (1 if number != errno.ECONNREFUSED else 2)


@pytest.mark.parametrize("endpoint", ["udp:0", r"udp:0:interface=\:\:"])
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "127.1.2.3"])
def test_replies_come_from_where_requests_went(made: list[Site], endpoint: str, host: str) -> None:
    """On all addresses, a reply comes from the address that its request was sent to."""
    hosts: list[str] = []

    def answer(message: bytes, session: Session) -> bytes:
        hosts.append(str(session.host.host).removeprefix("::ffff:"))  # type: ignore[attr-defined]  # IPv6
        return message

    site = Site(answer, endpoint)
    made.append(site)
    peer = site.peer("127.0.0.1", host)
    peer.send(b"a")
    site.reactor.turn()
    assert heard(peer) == [b"a"]
    assert hosts == [host]


@pytest.mark.parametrize("interface", [r"\:\:1", r"\:\:"])
def test_ipv6(made: list[Site], interface: str) -> None:
    """IPv6 is answered, too."""
    site = Site(endpoint=f"udp:0:interface={interface}")
    made.append(site)
    peer = site.peer("::1")
    peer.send(b"a")
    site.reactor.turn()
    assert heard(peer) == [b"a"]


def test_listening_is_logged() -> None:
    """The log says that a port is a UDP port."""
    with capturedLogs() as events:
        log = ExchangeLog(UDPReactor())
        log.listening(IPv4Address("UDP", "127.0.0.1", 53))
        log.listening(IPv4Address("TCP", "127.0.0.1", 53))
    assert texts(events) == ["listening on 127.0.0.1:53 (UDP)", "listening on 127.0.0.1:53"]


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_taken_port(site: Site) -> None:
    """A port that is taken is one line."""
    other = ReplyService(site.reactor, ReplyFactory(Chunk(), Echo(), site.reactor), [])
    with pytest.raises(CannotStart) as caught:
        other.listen_too(ListenerSettings(f"udp:{site.port}:127.0.0.1"))
    assert str(caught.value) == f"port {site.port} on 127.0.0.1: Address already in use"
    del caught
    gc.collect()  # of what Twisted could not bind


def test_framing_of_streams() -> None:
    """A framing that looks for messages in a stream cannot be used with datagrams."""
    reactor = UDPReactor()
    with pytest.raises(ConfigError) as caught:
        ReplyService(reactor, ReplyFactory(Line(), Echo(), reactor), [LOCAL])
    assert str(caught.value) == (
        f"endpoint {LOCAL}: over UDP each datagram is a message, so the framing is chunk, not line"
    )


def test_greeting() -> None:
    """A greeting is for streams: a service has to listen for some."""
    reactor = UDPReactor()
    factory = ReplyFactory(Chunk(), Echo(), reactor, greeting=b"hello")
    with pytest.raises(ConfigError) as caught:
        ReplyService(reactor, factory, [LOCAL])
    assert str(caught.value).startswith(f"endpoint {LOCAL}: a greeting cannot be sent over UDP")
    ReplyService(reactor, factory, [LOCAL, "tcp:0"])


def test_drain(made: list[Site]) -> None:
    """When the service stops, all that has arrived is answered, and then the port is closed."""
    site = Site(by_message(slow=SLOW))
    made.append(site)
    one, other, idle = site.peer(), site.peer(), site.peer()
    one.send(b"slow")
    site.reactor.turn()
    for each in (one, other, other):
        each.send(b"a")
    stopped = watch(site.service.stopService())
    assert heard(other) == [b"a", b"a"]
    site.reactor.turn()
    idle.send(b"late")
    site.reactor.turn()
    assert stopped == []
    site.reactor.advance(1)
    site.reactor.turn(3)
    assert heard(one) == [b"slow", b"a"]
    assert heard(idle) == []
    assert stopped == [None]
    assert site.reactor.getDelayedCalls() == []
    with pytest.raises(ConnectionRefusedError):
        idle.send(b"x"), idle.recv(1)


def test_a_listener_that_goes(made: list[Site]) -> None:
    """A listener that is removed answers what has arrived, and others stay."""
    site = Site(by_message(slow=SLOW), keep_alive=True)
    made.append(site)
    busy, idle = site.peer(), site.peer()
    site.service.listen_too(ListenerSettings("udp:0:127.0.0.1"))
    busy.send(b"slow")
    idle.send(b"a")
    site.reactor.turn()
    gone = watch(Deferred.fromCoroutine(site.service.listen_no_more(LOCAL)))
    site.reactor.turn()
    assert gone == []
    assert len(site.factory.roster.connections) == 1
    site.reactor.advance(1)
    site.reactor.turn(3)
    assert gone == [None]
    assert (heard(busy), heard(idle)) == ([b"slow"], [b"a"])
    peer = site.peer()
    peer.send(b"b")
    site.reactor.turn()
    assert heard(peer) == [b"b"]


def test_drop(site: Site) -> None:
    """A process that cannot start lets go of its ports at once."""
    port = site.port
    site.service.drop()
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
        other.bind(("127.0.0.1", port))
    assert site.reactor.getReaders() == []


def test_a_drip_is_sent_in_pieces(made: list[Site]) -> None:
    """Pieces with time between them are datagrams."""
    drip = Reply(Raw(b"a"), Wait(0.5), Raw(b"b"))
    site = Site(by_message(drip=drip))
    made.append(site)
    peer = site.peer()
    peer.send(b"drip")
    site.reactor.turn()
    assert heard(peer) == [b"a"]
    site.reactor.advance(0.5)
    assert heard(peer) == [b"b"]
