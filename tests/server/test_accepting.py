"""Connections are made as Twisted's ports make them, one after another."""

from __future__ import annotations

import errno
import os
import platform
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.address import UNIXAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.tcp import Port
from twisted.internet.testing import MemoryReactorClock
from twisted.internet.unix import Port as UNIXPort
from twisted.logger import LogEvent, capturedLogs

from sockreply.server.accepting import MORE, MOST, Accepting
from sockreply.server.hub import Hub, hub_of
from tests.private_names import check_names
from tests.server.polling import Script
from tests.server.ports import ListPort

SEEN_IN = "Python 3.13.0"


class Noting(Factory):
    """Makes protocols, and notes the peers and the connections; or does as a test says."""

    def __init__(self) -> None:
        self.peers: list[object] = []
        self.made: list[Any] = []
        self.instead: list[Callable[[], None]] = []

    def buildProtocol(self, addr: object) -> Any:
        self.peers.append(addr)
        if self.instead:
            return self.instead.pop(0)()
        made = Protocol()
        self.made.append(made)
        return made


class Gate:
    """Notes what it is told, and has a number of places."""

    def __init__(self, places: int = 999) -> None:
        self.places = places
        self.told: list[object] = []

    def is_full(self) -> bool:
        self.places -= 1
        return self.places < 0

    def accepted(self) -> None:
        self.told.append("accepted")

    def rest(self, error: OSError) -> None:
        self.told.append(error.errno)

    def nobody_waits(self) -> None:
        self.told.append("nobody")


class Site:
    """A port whose clients are a list."""

    def __init__(self) -> None:
        self.factory = Noting()
        self.port = ListPort(self.factory, MemoryReactorClock())
        vars(self.port)["transport"] = self.connect
        self.gate = Gate()
        self.hub = Hub(self.port.reactor, self.make_poller)
        self.descriptors = 99
        self.accepting = Accepting(self.port, self.hub, self.gate)

    def connect(self, *args: Any) -> Any:
        """What stands for a connection."""
        return SimpleNamespace(socket=args[0], args=args, connected=True)

    def make_poller(self) -> Script:
        """What makes an epoll, if there is a descriptor for it."""
        if not self.descriptors:
            raise OSError(errno.EMFILE, "EMFILE")
        return Script()

    def accept(self) -> list[LogEvent]:
        """Accept; what was logged as an error."""
        with capturedLogs() as events:
            self.accepting.accept()
        return [event for event in events if event["isError"]]


@pytest.fixture
def site() -> Iterator[Site]:
    """One that is closed after the test."""
    made = Site()
    yield made
    for each in made.factory.made:
        each.transport.socket.close()
    made.port.clients.close()


def test_python_still_has_the_name() -> None:
    """A socket has the part of `accept` that makes no socket yet."""
    check_names(socket.socket, "_accept", seen_in=SEEN_IN, now=platform.python_version())


def test_all_that_wait(site: Site) -> None:
    """Everybody who waits is accepted, and numbered."""
    site.port.clients.arrive(3)
    assert site.accept() == []
    assert [each.transport.args[4] for each in site.factory.made] == [0, 1, 2]
    assert site.gate.told == ["accepted"] * 3 + ["nobody"]


def test_others_get_a_turn(site: Site) -> None:
    """A turn has its end, which is later in the next one while so many wait, and then not."""
    site.port.numberAccepts = 2
    site.port.clients.arrive(5 + MORE)
    site.accept()
    assert len(site.factory.made) == 2
    site.accept()
    assert len(site.factory.made) == 4 + MORE
    site.accept()
    assert site.gate.told[-1] == "nobody"
    assert site.port.numberAccepts == 1


def test_turn_never_gets_long(site: Site) -> None:
    """However many wait, and for however long that has been so, a turn takes no more of them."""
    site.port.clients.arrive(3 * MOST)
    for turns in range(1, 4):
        site.accept()
        assert len(site.factory.made) == turns * MOST


def test_no_place(site: Site) -> None:
    """It is asked before each connection whether there is a place."""
    site.gate.places = 2
    site.port.clients.arrive(3)
    site.accept()
    assert site.gate.told == ["accepted"] * 2


@pytest.mark.parametrize("number", [errno.ECONNABORTED, errno.EPERM])
def test_one_clients_trouble(site: Site, number: int) -> None:
    """A client that cannot be accepted does not keep the next one waiting."""
    site.port.clients.arrive()
    site.port.clients.errors = [number]
    assert site.accept() == []
    assert site.gate.told == ["accepted", "nobody"]


def test_out_of_descriptors(site: Site) -> None:
    """Want of descriptors is not the end of the queue."""
    site.port.clients.arrive()
    site.port.clients.errors = [errno.EMFILE]
    assert site.accept() == []
    assert site.gate.told == [errno.EMFILE]


def test_no_descriptor_for_the_hub(site: Site) -> None:
    """Nobody is accepted before there is a hub for them to wait in."""
    site.descriptors = 0
    site.port.clients.arrive()
    assert site.accept() == []
    assert site.gate.told == [errno.EMFILE]
    assert len(site.port.clients.waiting) == 1
    site.descriptors = 1
    site.accept()
    assert len(site.factory.made) == 1


def test_where_they_wait(site: Site) -> None:
    """One connection waits in the reactor itself, all others in the hub."""
    site.port.clients.arrive(3)
    site.accept()
    first, *others = [each.transport for each in site.factory.made]
    assert first.args[5] is site.port.reactor
    assert all(each.args[5] is site.hub for each in others)
    first.connected = False
    site.port.clients.arrive(2)
    site.accept()
    *_, fourth, fifth = [each.transport for each in site.factory.made]
    assert (fourth.args[5], fifth.args[5]) == (site.port.reactor, site.hub)


def test_without_a_hub(site: Site) -> None:
    """Where there is none the connections get the port's reactor."""
    site.port.clients.arrive()
    Accepting(site.port, None, site.gate).accept()
    assert site.factory.made[0].transport.args[5] is site.port.reactor


def test_unknown_error(site: Site) -> None:
    """Any other error is logged; the port is as if nobody waited."""
    site.port.clients.errors = [errno.EINVAL]
    (event,) = site.accept()
    assert event["failure"].type is OSError
    assert site.gate.told == ["nobody"]


def test_factory_that_wants_none(site: Site) -> None:
    """A factory may turn a connection away, which is closed then; the next one is made."""
    site.factory.instead = [lambda: None]
    site.port.clients.arrive(2)
    assert site.accept() == []
    assert site.port.clients.peers[0].recv(1) == b""
    assert len(site.factory.made) == 1


def test_factory_that_raises(site: Site) -> None:
    """An error costs the one connection, which is closed, and is logged; the next one is made."""

    def fail() -> None:
        raise LookupError

    site.factory.instead = [fail]
    site.port.clients.arrive(2)
    (event,) = site.accept()
    assert event["failure"].type is LookupError
    assert site.port.clients.peers[0].recv(1) == b""
    assert len(site.factory.made) == 1


def tcp_port(interface: str) -> Callable[[Path], tuple[Any, socket.socket]]:
    """Makes a port on an address of the loopback, and a client of it."""

    def make(_: Path) -> tuple[Any, socket.socket]:
        port = Port(0, Noting(), interface=interface, reactor=MemoryReactorClock())
        port.startListening()
        return port, socket.create_connection(port.socket.getsockname()[:2])

    return make


def unix_port(name: str | None) -> Callable[[Path], tuple[Any, socket.socket]]:
    """Makes a port on a UNIX socket, and a client of it whose own socket has a name, or none."""

    def make(directory: Path) -> tuple[Any, socket.socket]:
        path = str(directory / "port")
        port = UNIXPort(os.fsencode(path), Noting(), reactor=MemoryReactorClock())
        port.startListening()
        client = socket.socket(socket.AF_UNIX)
        if name is not None:
            client.bind(name)
        client.connect(path)
        return port, client

    return make


@pytest.mark.parametrize(
    "make",
    [
        tcp_port("127.0.0.1"),
        tcp_port("::1"),
        unix_port(None),
        unix_port("a client with a name"),
        unix_port("\0abstract"),
    ],
    ids=["IPv4", "IPv6", "UNIX", "UNIX, named", "UNIX, abstract"],
)
def test_same_as_twisted(
    make: Callable[[Path], tuple[Any, socket.socket]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The factory and the connection are told the same of the client as by Twisted's own port."""
    seen = []
    for ours in (False, True):
        directory = tmp_path / str(ours)
        directory.mkdir()
        monkeypatch.chdir(directory)
        port, client = make(directory)
        with client:
            (Accepting(port, hub_of(port.reactor), Gate()).accept if ours else port.doRead)()
            (peer,), (made,) = port.factory.peers, port.factory.made
            wire = made.transport
            seen.append((wire.hostname, len(wire.client), *wire.client[2:]))
            for address in (peer, wire.getPeer()):  # without a TCP client's port, which differs
                name = address.name if isinstance(address, UNIXAddress) else address.host
                seen[-1] += (type(address), name)
            wire.abortConnection()
            port.stopListening()
            port.reactor.advance(0)
    assert seen[0] == seen[1]


def test_connections_from_one_address_share_its_text(tmp_path: Path) -> None:
    """As many do behind a proxy; each copy would be 64 bytes. Twisted's own port makes copies."""
    for ours in (False, True):
        port, first = tcp_port("127.0.0.1")(tmp_path)
        accepting = Accepting(port, hub_of(port.reactor), Gate())
        with first, socket.create_connection(first.getpeername()) as second:
            (accepting.accept if ours else port.doRead)()
            wires = [each.transport for each in port.factory.made]
            assert {wire.client for wire in wires} == {first.getsockname(), second.getsockname()}
            assert (wires[0].client[0] is wires[1].client[0]) is ours
            for wire in wires:
                wire.abortConnection()
            port.stopListening()
            port.reactor.advance(0)
