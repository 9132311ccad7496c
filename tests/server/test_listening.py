"""The limit, the rest when descriptors run out, and what is set on a port."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet import tcp
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from sockreply.framing import Line
from sockreply.replies import Echo
from sockreply.server import Limits, ReplyFactory
from sockreply.server.listening import BACKLOG, Listener
from sockreply.server.transport import SendsAtOnce
from tests.server.ports import ListPort
from tests.server.stand_ins import texts


class Site:
    """A service with some places, on two ports."""

    def __init__(self, places: int) -> None:
        self.reactor = MemoryReactorClock()
        limits = Limits(max_connections=places)
        self.factory = ReplyFactory(Line(), Echo(), self.reactor, limits=limits)
        self.ports = [ListPort(self.factory, self.reactor) for _ in range(2)]
        self.waiting: set[Listener] = set()
        self.listeners = [
            Listener(port, self.factory.roster, self.reactor, waiting=self.waiting)
            for port in self.ports
        ]
        self.factory.roster.on_place.append(self.place_free)

    def place_free(self) -> None:
        """Tell the listeners, and let the loop tell the ports."""
        for listener in tuple(self.waiting):
            listener.place_free()

    def end_one(self) -> None:
        """Let one client go."""
        connection: Any = next(iter(self.factory.roster.connections))
        connection.transport.connectionLost(Failure(ConnectionDone()))

    def close(self) -> None:
        """Let all sockets go."""
        self.factory.roster.on_place.clear()
        while self.factory.roster.connections:
            self.end_one()
        for port in self.ports:
            port.clients.close()


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Three places, or as many as the test says."""
    made = Site(getattr(request, "param", 3))
    yield made
    made.close()


def test_accepts_what_arrives(site: Site) -> None:
    """While there are places clients are taken, on transports that send at once."""
    site.ports[0].arrive(2)
    connections: set[Any] = set(site.factory.roster.connections)
    assert len(connections) == 2
    assert {type(each.transport) for each in connections} == {SendsAtOnce}
    assert site.ports[0].reads


def test_limit_is_exact(site: Site) -> None:
    """Of any number of clients exactly as many are taken as there are places; the rest wait."""
    site.ports[0].arrive(200)
    assert len(site.factory.roster.connections) == 3
    assert len(site.ports[0].clients.waiting) == 197
    assert not site.ports[0].reads


def test_limit_is_exact_over_ports(site: Site) -> None:
    """The limit holds for all ports of a service together."""
    for _ in range(5):
        for port in site.ports:
            port.arrive()
    assert len(site.factory.roster.connections) == 3
    assert sum(len(port.clients.waiting) for port in site.ports) >= 2
    assert not any(port.reads for port in site.ports)


def test_places_that_come_free(site: Site) -> None:
    """A place that comes free is taken by a client that waited, one by one."""
    site.ports[0].arrive(5)
    for waiting in (1, 0):
        site.end_one()
        assert site.ports[0].reads
        site.ports[0].doRead()
        assert len(site.factory.roster.connections) == 3
        assert len(site.ports[0].clients.waiting) == waiting
    site.end_one()
    assert site.ports[0].reads


def test_who_waits_for_places(site: Site) -> None:
    """Only a listener that has to know of a place is told of one, which the others need not be."""
    site.ports[0].arrive(4)
    assert site.waiting == {site.listeners[0]}
    site.end_one()
    assert not site.waiting
    site.ports[1].arrive(2)
    assert site.waiting == {site.listeners[1]}
    site.listeners[1].stop()
    assert not site.waiting


def test_places_that_come_free_leave_other_ports_alone(site: Site) -> None:
    """A port that reads already is not told to."""
    site.ports[0].stopReading()
    site.place_free()
    assert not site.ports[0].reads


def test_out_of_descriptors(site: Site) -> None:
    """When descriptors run out nobody is reset: the port rests for 100 ms and goes on."""
    port = site.ports[0]
    port.clients.errors = [errno.EMFILE]
    with capturedLogs() as events:
        port.arrive(2)
    assert texts(events) == ["cannot accept: EMFILE; trying again"]
    assert len(port.clients.waiting) == 2
    assert not port.reads
    site.reactor.advance(0.099)
    assert not port.reads
    site.reactor.advance(0.001)
    assert port.reads
    port.doRead()
    port.doRead()
    assert len(site.factory.roster.connections) == 2


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_out_of_something_for_long(site: Site, number: int) -> None:
    """While it lasts it is logged once; when it happens again after it was over, again."""
    port = site.ports[0]
    with capturedLogs() as events:
        for _ in range(2):
            port.clients.arrive()
            port.clients.errors = [number] * 3
            for _ in range(4):
                port.doRead()
                site.reactor.advance(0.1)
    assert len(texts(events, "warn")) == 2
    assert len(site.factory.roster.connections) == 2


def test_client_that_gave_up(site: Site) -> None:
    """A client that is gone before it was accepted does not keep others from it."""
    site.ports[0].clients.errors = [errno.ECONNABORTED]
    with capturedLogs():
        site.ports[0].arrive(1)
    assert site.ports[0].reads
    site.ports[0].doRead()
    assert len(site.factory.roster.connections) == 1


def test_stopped_while_it_rests(site: Site) -> None:
    """A port that stopped while it rested does not go on."""
    port, listener = site.ports[0], site.listeners[0]
    port.clients.errors = [errno.EMFILE]
    with capturedLogs():
        port.arrive()
    stopped = listener.stop()
    site.reactor.advance(1)
    assert stopped.called
    assert not port.reads


def test_stopped_while_it_was_full(site: Site) -> None:
    """A port that stopped is not told of places any more."""
    site.ports[0].arrive(4)
    site.listeners[0].stop()
    site.end_one()
    site.reactor.advance(0)
    assert not site.ports[0].reads


@pytest.mark.parametrize("site", [1000], indirect=True)
def test_last_accepts(site: Site) -> None:
    """At the end all that wait in the kernel are taken in, more than one pass may take."""
    site.ports[0].clients.arrive(50)
    site.ports[0].numberAccepts = 7
    site.listeners[0].accept_last()
    assert len(site.factory.roster.connections) == 50
    assert not site.ports[0].clients.waiting


def test_last_accepts_keep_to_the_limit(site: Site) -> None:
    """At the end, too, no more are taken in than there are places."""
    site.ports[0].clients.arrive(10)
    site.listeners[0].accept_last()
    assert len(site.factory.roster.connections) == 3


@pytest.mark.parametrize("clients", range(2, 6))
def test_last_accepts_wait_for_places(site: Site, clients: int) -> None:
    """At the end those for whom there was no place are taken in as places come free."""
    site.ports[0].clients.arrive(clients)
    emptied = site.listeners[0].accept_last()
    assert emptied.called == (clients < 3)
    for _ in range(clients):
        assert len(site.factory.roster.connections) <= 3
        site.end_one()
    assert emptied.called
    assert site.factory.shared.counters.connections == clients


def test_last_accepts_for_two(site: Site) -> None:
    """A stop that comes while somebody waits for them lets both know."""
    site.ports[0].clients.arrive(4)
    asked = [site.listeners[0].accept_last() for _ in range(2)]
    assert not any(emptied.called for emptied in asked)
    for _ in range(4):
        site.end_one()
    assert all(emptied.called for emptied in asked)


def test_last_accepts_that_a_stop_ends(site: Site) -> None:
    """Nobody waits on a port that is closed."""
    site.ports[0].clients.arrive(4)
    emptied = site.listeners[0].accept_last()
    assert not emptied.called
    site.listeners[0].stop()
    assert emptied.called


def test_last_accepts_end_with_the_port(site: Site) -> None:
    """An error that is no single client's trouble ends them; others do not."""
    site.ports[0].clients.arrive(2)
    site.ports[0].clients.errors = [errno.ECONNABORTED, errno.EPERM]
    assert site.listeners[0].accept_last().called
    assert site.factory.shared.counters.connections == 2
    site.ports[0].clients.errors = [errno.EBADF]
    assert site.listeners[0].accept_last().called


def test_socket_options(site: Site) -> None:
    """Accepted connections inherit what is set: no delay, dead peers are found."""
    site.listeners[0].tune(BACKLOG)
    options = site.ports[0].clients.options
    assert site.ports[0].clients.backlog == 4096
    assert options[socket.SOL_SOCKET, socket.SO_KEEPALIVE] == 1
    assert options[socket.IPPROTO_TCP, socket.TCP_NODELAY] == 1
    for name, value in {"TCP_USER_TIMEOUT": 0, "TCP_NOTSENT_LOWAT": 65_536}.items():
        if hasattr(socket, name):
            assert options[socket.IPPROTO_TCP, getattr(socket, name)] == value


def test_backlog_that_was_asked_for(site: Site) -> None:
    """A backlog that the operator named is left alone."""
    site.listeners[0].tune(None)
    assert site.ports[0].clients.backlog is None


def test_no_tcp_options_without_tcp() -> None:
    """A UNIX socket gets a backlog and no options of TCP."""
    reactor: Any = MemoryReactorClock()
    port = ListPort(None, reactor, socket.AF_UNIX)
    Listener(port, Site(1).factory.roster, reactor).tune(BACKLOG)
    assert port.clients.backlog == 4096
    assert port.clients.options == {}


def test_transport_of_others() -> None:
    """A port that accepts with a class of its own keeps that."""

    class Own(tcp.Server):
        pass

    reactor: Any = MemoryReactorClock()
    port = ListPort(None, reactor)
    port.transport = Own
    Listener(port, Site(1).factory.roster, reactor)
    assert port.transport is Own


def test_port_of_another_kind() -> None:
    """Of a port that is not Twisted's own nothing is known but its address, and that it stops."""
    reactor: Any = MemoryReactorClock()
    port = reactor.listenTCP(99, None)
    listener = Listener(port, Site(1).factory.roster, reactor)
    listener.tune(BACKLOG)
    listener.accept_last()
    listener.place_free()
    assert listener.address == port.getHost()
    assert listener.stop().called


def test_no_port_at_all() -> None:
    """What listens without being a port (standard input, say) has no address."""
    reactor: Any = MemoryReactorClock()
    listener = Listener(object(), Site(1).factory.roster, reactor)
    assert listener.address is None
    assert listener.stop().called


def test_last_accepts_of_a_closed_port(site: Site) -> None:
    """A port that somebody closed meanwhile has nobody who waits."""
    site.ports[0].connected = False
    del site.ports[0].socket
    assert site.listeners[0].accept_last().called
