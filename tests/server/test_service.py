"""A service on its listeners."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.testing import MemoryReactorClock, RaisingMemoryReactor
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from sockreply.errors import CannotStart, ConfigError
from sockreply.framing import Line
from sockreply.replies import Reply, Wait, as_responder
from sockreply.server import Limits, ReplyFactory, ReplyProtocol, ReplyService
from sockreply.server.listening import Listener
from sockreply.server.proxy.arriving import HeaderFactory
from sockreply.server.tls_context import server_context
from sockreply.settings import ListenerSettings, TLSSettings
from sockreply.tls_layer import TLSFactory
from tests.end_to_end.certificates import make_certificate
from tests.server.ports import ListPort, PortEndpoint
from tests.server.stand_ins import FakeTransport, LoopingReactor, NotingLog, by_message, watch


class Site:
    """A service on a reactor in memory."""

    def __init__(self, *endpoints: Any, reactor: Any = None, **limits: Any) -> None:
        self.reactor: Any = MemoryReactorClock() if reactor is None else reactor
        responder = as_responder(by_message(slow=Reply(Wait(5), b"later")))
        self.factory = ReplyFactory(
            Line(), responder, self.reactor, keep_alive=True, limits=Limits(**limits)
        )
        self.service = ReplyService(self.reactor, self.factory, endpoints or ["tcp:12345"])

    def connect(self) -> tuple[Any, FakeTransport]:
        """A client."""
        protocol, transport = self.factory.buildProtocol(None), FakeTransport()
        protocol.makeConnection(transport)
        return protocol, transport


@implementer(IStreamServerEndpoint)
class SlowEndpoint:
    """Takes its time to listen."""

    def listen(self, protocolFactory: Any) -> Deferred[Any]:  # noqa: N803 - Twisted's
        return Deferred()


@pytest.mark.parametrize("privileged", [True, False])
def test_listens_once(privileged: bool) -> None:
    """It listens whether or not the runner calls privilegedStartService, and only once."""
    site = Site("tcp:1", "tcp:2")
    if privileged:
        site.service.privilegedStartService()
    site.service.startService()
    assert [port for port, *_ in site.reactor.tcpServers] == [1, 2]
    assert site.service.running


def test_addresses() -> None:
    """It tells where it listens, in order, while it does."""
    site = Site("tcp:1", "tcp:2")
    assert site.service.addresses() == []
    site.service.startService()
    assert site.service.addresses() == [IPv4Address("TCP", "0.0.0.0", n) for n in (1, 2)]
    site.service.stopService()
    assert site.service.addresses() == []


def test_where_a_client_connected() -> None:
    """The log hears whether that is in question, which it is while there are several listeners."""
    site = Site("tcp:1")
    log = site.factory.shared.exchanges = NotingLog()
    site.service.startService()
    site.connect()
    site.service.listen_too(ListenerSettings("tcp:2"))
    site.connect()
    watch(Deferred.fromCoroutine(site.service.listen_no_more("tcp:1")))
    site.connect()
    connected = [told for told in log.told if told[0] == "connected"]
    assert connected == [("connected",), ("connected", "where"), ("connected",)]


@pytest.mark.parametrize("description", ["nonsense:1", "tcp:x", "tcp", ""])
def test_no_such_endpoint(description: str) -> None:
    """A string that describes no endpoint is refused when the service is made, by its name."""
    with pytest.raises(ConfigError, match=f"^endpoint {description}: ."):
        Site(description)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            CannotListenError("127.0.0.1", 12345, OSError(98, "Address already in use")),
            "port 12345 on 127.0.0.1: Address already in use",
        ),
        (
            CannotListenError("", 80, OSError(13, "Permission denied")),
            "port 80 on any interface: Permission denied",
        ),
        (CannotListenError("", "/run/x.sock", OSError(2, "None", "9", 0, "l")), "tcp:12345: None"),
        (CannotListenError("", b"/run/x.sock", "Cannot lock"), "tcp:12345: Cannot lock"),
        (CannotListenError("", 80, ValueError("odd")), "port 80 on any interface: ValueError: odd"),
        (LookupError("odd"), "tcp:12345: LookupError: odd"),
    ],
)
def test_cannot_listen(error: Exception, line: str) -> None:
    """A listener that cannot listen ends the start with one line that names the port first."""
    reactor = MemoryReactorClock()
    vars(reactor)["listenTCP"] = RaisingMemoryReactor(listenException=error).listenTCP
    site = Site(reactor=reactor)
    with pytest.raises(CannotStart) as caught:
        site.service.privilegedStartService()
    assert str(caught.value) == line


def test_none_listens_when_one_cannot() -> None:
    """When the second listener cannot listen the first one stops too."""
    reactor = LoopingReactor()
    first = PortEndpoint(reactor)
    site = Site(first, SlowEndpoint(), reactor=reactor)
    with pytest.raises(CannotStart, match="does not listen at once"):
        site.service.startService()
    assert not first.port.reads
    assert not first.port.connected
    assert site.service.addresses() == []


def test_drain() -> None:
    """Stopping closes idle connections, lets busy ones finish, and is over with the last one."""
    site = Site()
    site.service.startService()
    idle, idle_transport = site.connect()
    busy, busy_transport = site.connect()
    site.reactor.advance(1)
    busy.dataReceived(b"slow\n")
    stopped = watch(site.service.stopService())
    assert site.service.draining
    assert idle_transport.disconnecting
    assert not busy_transport.disconnecting
    idle.connectionLost()
    site.reactor.advance(5)
    assert busy_transport.value() == b"later\n"
    assert stopped == []
    busy.connectionLost()
    assert stopped == [None]


@pytest.mark.parametrize("seconds", [3, 0])
def test_drain_timeout(seconds: float) -> None:
    """What does not finish in time is aborted; without any time, at once."""
    site = Site(drain_timeout=seconds)
    site.service.startService()
    busy, transport = site.connect()
    busy.dataReceived(b"slow\n")
    stopped = watch(site.service.stopService())
    site.reactor.advance(seconds)
    assert transport.aborted
    busy.connectionLost()
    assert stopped == [None]


def test_drain_delay() -> None:
    """For drain_delay the service goes on as before, though it says that it drains."""
    site = Site(drain_delay=10)
    site.service.startService()
    stopped = watch(site.service.stopService())
    site.reactor.advance(9)
    assert site.service.draining
    client, transport = site.connect()
    client.dataReceived(b"x\n")
    assert transport.value() == b"x\n"
    assert site.service.addresses()
    site.reactor.advance(1)
    assert transport.disconnecting
    assert not site.service.addresses()
    client.connectionLost()
    assert stopped == [None]


@pytest.mark.parametrize("delay", [0, 10])
def test_abort(delay: float) -> None:
    """Aborting ends a delay and a drain at once."""
    site = Site(drain_delay=delay)
    site.service.startService()
    busy, transport = site.connect()
    busy.dataReceived(b"slow\n")
    stopped = watch(site.service.stopService())
    assert not transport.aborted
    site.service.abort()
    assert transport.aborted
    assert not site.service.addresses()
    busy.connectionLost()
    assert stopped == [None]


def test_stop_takes_in_who_waits() -> None:
    """Clients that the kernel has accepted are answered before the port closes."""
    reactor = LoopingReactor()
    endpoint = PortEndpoint(reactor)
    site = Site(endpoint, reactor=reactor)
    site.service.startService()
    endpoint.port.clients.arrive(3)
    for peer in endpoint.port.clients.peers:
        peer.sendall(b"x\n")
    peers = [peer.dup() for peer in endpoint.port.clients.peers]
    stopped = watch(site.service.stopService())
    for _ in range(3):
        reactor.turn()
    for peer in peers:
        assert peer.recv(10) == b"x\n"
        peer.close()
    reactor.turn(3)
    assert stopped == [None]
    assert site.factory.shared.counters.connections == site.factory.shared.counters.replies == 3


def test_places_are_told_to_listeners() -> None:
    """When a connection is gone a listener that was full goes on."""
    reactor = LoopingReactor()
    endpoint = PortEndpoint(reactor)
    site = Site(endpoint, reactor=reactor, max_connections=1)
    site.service.startService()
    endpoint.port.arrive(2)
    assert not endpoint.port.reads
    endpoint.port.clients.peers[0].close()
    reactor.turn(2)
    assert not site.factory.roster.connections
    assert endpoint.port.reads
    endpoint.port.clients.peers[1].close()
    endpoint.port.doRead()
    assert len(site.factory.roster.connections) == 1
    reactor.turn(2)


def test_looks_at_its_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it runs, and drains, it looks at each of them about once a second."""
    looked: list[ReplyProtocol] = []
    monkeypatch.setattr(ReplyProtocol, "look_at_peer", lambda each: looked.append(each))
    site = Site()
    site.service.startService()
    client, _ = site.connect()
    site.reactor.advance(1)
    assert looked == [client]
    client.dataReceived(b"slow\n")
    stopped = watch(site.service.stopService())
    site.reactor.advance(1)
    assert looked == [client] * 2
    client.connectionLost()
    assert stopped == [None]
    assert site.reactor.getDelayedCalls() == []


def test_starts_again() -> None:
    """A service that was stopped can be started again."""
    site = Site()
    for _ in range(2):
        site.service.startService()
        assert not site.service.draining
        assert site.service.addresses()
        assert watch(site.service.stopService()) == [None]


def test_starts_after_it_could_not() -> None:
    """A service that could not listen tries again when it is started again."""
    site = Site()
    listen = site.reactor.listenTCP

    def refuse(*_: Any, **__: Any) -> None:
        raise CannotListenError("", 12345, OSError(98, "Address already in use"))

    site.reactor.listenTCP = refuse
    with pytest.raises(CannotStart):
        site.service.startService()
    site.reactor.listenTCP = listen
    site.service.startService()
    assert site.service.addresses()


@pytest.mark.parametrize(("description", "backlog"), [("tcp:1", 4096), ("tcp:1:backlog=9", None)])
def test_backlog(description: str, backlog: int | None) -> None:
    """A port gets our backlog, unless its description names one."""
    reactor: Any = LoopingReactor()
    site = Site(description, reactor=reactor)
    port = ListPort(site.factory, reactor)
    reactor.listenTCP = lambda *_, **__: port
    site.service.startService()
    assert port.clients.backlog == backlog


def test_endpoints_as_such() -> None:
    """Endpoints may be given as such, beside strings."""
    reactor = LoopingReactor()
    site = Site(PortEndpoint(reactor), "tcp:7", reactor=reactor)
    site.service.startService()
    assert [each.port for each in site.service.addresses()] == [12345, 7]  # type: ignore[attr-defined]  # IP


def test_factory_of_another_service() -> None:
    """A factory serves one service: draining one would end the connections of the other."""
    site = Site()
    with pytest.raises(ConfigError, match="already belongs to a service"):
        ReplyService(site.reactor, site.factory, ["tcp:2"])


def test_listens_somewhere_else_too() -> None:
    """An endpoint that is added while the service runs takes connections for it, too."""
    site = Site("tcp:1")
    site.service.startService()
    site.service.listen_too(ListenerSettings("tcp:2"))
    assert [port for port, *_ in site.reactor.tcpServers] == [1, 2]
    assert len(site.service.addresses()) == 2
    site.service.stopService()
    assert not site.service.addresses()


@pytest.mark.parametrize("description", ["nonsense", "tcp:1:nonsense=1"])
def test_cannot_listen_on_what_is_no_endpoint(description: str) -> None:
    """A string that describes none is an error, and nothing is changed."""
    site = Site("tcp:1")
    site.service.startService()
    with pytest.raises(ConfigError):
        site.service.listen_too(ListenerSettings(description))
    assert len(site.service.addresses()) == 1


def test_cannot_listen_somewhere_else() -> None:
    """A port that is taken is an error, and nothing is changed."""
    site = Site("tcp:1")
    site.service.startService()
    site.reactor.listenTCP = RaisingMemoryReactor(
        listenException=CannotListenError("", 2, OSError(98, "Address already in use"))
    ).listenTCP
    with pytest.raises(CannotStart, match="port 2"):
        site.service.listen_too(ListenerSettings("tcp:2"))
    assert len(site.service.addresses()) == 1


@pytest.mark.filterwarnings("ignore:Passing pyOpenSSL")  # it is Twisted that passes them
@pytest.mark.parametrize("wrapped", ["", "haproxy:"])
def test_certificate_is_read_again(tmp_path: Path, wrapped: str) -> None:
    """Who connects from then on is shown what the endpoint's file says now."""
    certificate = make_certificate(tmp_path / "example.pem")
    description = f"{wrapped}ssl:12345:privateKey={certificate}"
    site = Site(reactor=LoopingReactor())
    port = ListPort(site.factory, site.reactor)
    site.factory.doStart()
    site.service._listeners.append(Listener(port, site.factory.roster, site.reactor, description))
    show = site.service.prepare(ListenerSettings(description))
    assert port.factory is site.factory
    show()
    made: Any = port.factory
    if wrapped:
        assert isinstance(made, HeaderFactory)
        made = made.after_header
    assert isinstance(made, TLSFactory)
    assert made.wrappedFactory is site.factory
    assert site.factory.numPorts == 1
    port.stopListening()
    site.reactor.advance(0)
    assert site.factory.numPorts == 0


def test_certificate_that_is_none(tmp_path: Path) -> None:
    """A file that holds no certificate is an error, and nothing is changed."""
    (file := tmp_path / "example.pem").write_text("nonsense")
    with pytest.raises(ConfigError, match="endpoint ssl:12345"):
        Site().service.prepare(ListenerSettings(f"ssl:12345:privateKey={file}"))


@pytest.mark.filterwarnings("ignore:X509")  # Twisted's own
@pytest.mark.parametrize("kind", ["tls", "TLS", "haproxy:tls", "HAProxy:TLS"])
def test_directory_of_certificates_is_read_again(tmp_path: Path, kind: str) -> None:
    """Twisted looks for new ones only when it has none for a name."""
    make_certificate(tmp_path / "localhost.pem")
    description = f"{kind}:{tmp_path}:12345"
    site = Site(reactor=LoopingReactor())
    port = ListPort(site.factory, site.reactor)
    site.factory.doStart()
    site.service._listeners.append(Listener(port, site.factory.roster, site.reactor, description))
    site.service.prepare(ListenerSettings(description))()
    made: Any = port.factory
    inside = made.after_header if isinstance(made, HeaderFactory) else made
    assert isinstance(inside, TLSMemoryBIOFactory)
    port.stopListening()


def test_other_tls_of_a_listener_that_stays(tmp_path: Path) -> None:
    """A listener gets TLS, another TLS and none, for who connects from then on."""
    pair = make_certificate(tmp_path / "example.pem")
    one, two = (TLSSettings(server_context(pair, pair)) for _ in range(2))
    site = Site(reactor=LoopingReactor())
    port: Any = ListPort(site.factory, site.reactor)
    site.factory.doStart()
    listener = Listener(port, site.factory.roster, site.reactor, "tcp:12345")
    site.service._listeners.append(listener)
    for settings in (one, two, None, one):
        take_on = site.service.prepare(ListenerSettings(listener.description, settings))
        take_on()
        if settings is None:
            assert port.factory is site.factory
        else:
            assert port.factory.context is settings.context
            assert port.factory.wrappedFactory is site.factory
    assert site.factory.numPorts == 1
    port.stopListening()


def test_no_certificate_to_read() -> None:
    """Other endpoints are left as they are."""
    site = Site(reactor=LoopingReactor())
    port = ListPort(site.factory, site.reactor)
    site.service._listeners.append(Listener(port, site.factory.roster, site.reactor, "tcp:12345"))
    site.service.prepare(ListenerSettings("tcp:12345"))()
    assert port.factory is site.factory
    port.stopListening()


def test_listens_no_more_in_one_place() -> None:
    """Who waits on an endpoint is taken in, then it closes; connections and others go on."""
    site = Site("tcp:1")
    site.service.startService()
    client, transport = site.connect()
    port = ListPort(site.factory, site.reactor)
    port.clients.arrive(2)
    site.service._listeners.append(Listener(port, site.factory.roster, site.reactor, "tcp:2"))
    done = watch(Deferred.fromCoroutine(site.service.listen_no_more("tcp:2")))
    assert not port.clients.waiting
    assert len(site.factory.roster.connections) == 3
    site.reactor.advance(0)
    assert done == [None]
    assert not port.connected
    assert [each.description for each in site.service._listeners] == ["tcp:1"]
    client.dataReceived(b"hello\n")
    assert transport.value() == b"hello\n"
    site.factory.roster.abort()
    site.reactor.advance(0)
    port.clients.close()


def test_stop_overtakes_a_listener_that_closes() -> None:
    """What is to be closed alone, once there are places for who waits, may go with all else."""
    site = Site(PortEndpoint(reactor := LoopingReactor()), reactor=reactor, max_connections=1)
    site.service.startService()
    port = ListPort(site.factory, reactor)
    site.service._listeners.append(Listener(port, site.factory.roster, reactor, "tcp:2"))
    port.clients.arrive(2)
    done = watch(Deferred.fromCoroutine(site.service.listen_no_more("tcp:2")))
    stopped = watch(site.service.stopService())
    assert (done, stopped) == ([], [])
    site.service.abort()
    reactor.advance(0)
    assert (done, stopped) == ([None], [None])
    assert not port.connected
    port.clients.close()
