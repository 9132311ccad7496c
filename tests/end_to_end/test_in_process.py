"""The service as a part of a program of one's own: the running reactor, Twisted's own clients."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_twisted  # type: ignore[import-untyped]  # it has no types to be checked
from twisted.application.service import MultiService
from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import (
    TCP4ServerEndpoint,
    UNIXClientEndpoint,
    clientFromString,
    connectProtocol,
)
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.interfaces import IAddress, IStreamServerEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from sockreply.errors import CannotStart
from sockreply.framing import parse_framing
from sockreply.replies import Await, Echo, Reply, Session
from sockreply.replies.responder import Responder
from sockreply.server import Limits, ReplyFactory, ReplyService

reactor: Any = the_reactor

_Test = TypeVar("_Test", bound=Callable[..., object])
in_reactor: Callable[[_Test], _Test] = pytest_twisted.ensureDeferred

LOCAL = "tcp:0:interface=127.0.0.1"


class Upper:
    """Answers in capitals, a moment later."""

    def respond(self, message: bytes, session: Session) -> Reply:
        return Reply(Await(deferLater(reactor, 0.01, message.upper)))


class Collector(Protocol):
    """Says something when it is connected, and collects what comes until the connection ends."""

    def __init__(self, said: bytes) -> None:
        self._said = said
        self._got: list[bytes] = []
        self.ended: Deferred[bytes] = Deferred()

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(self._said)

    def dataReceived(self, data: bytes) -> None:
        self._got.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.ended.callback(b"".join(self._got))


def make_factory(responder: Responder | None = None, **options: Any) -> ReplyFactory:
    """A factory that answers lines."""
    return ReplyFactory(parse_framing("line"), responder or Echo(), reactor, **options)


def make_service(factory: ReplyFactory, *endpoints: str | IStreamServerEndpoint) -> ReplyService:
    """A service on those endpoints, or on a free port."""
    return ReplyService(reactor, factory, endpoints or (LOCAL,))


async def stop(service: ReplyService | MultiService) -> None:
    """Stop it, and wait until it is done."""
    stopped = service.stopService()
    if stopped is not None:
        await stopped


async def ask(address: IAddress, said: bytes = b"hello\n") -> bytes:
    """What a client of Twisted's is answered until the connection ends."""
    where = f"tcp:127.0.0.1:{port_of(address)}"
    endpoint = clientFromString(reactor, where)
    client = Collector(said)
    await connectProtocol(endpoint, client)
    return await client.ended


def port_of(address: IAddress) -> int:
    """The number of a TCP port."""
    port: int = getattr(address, "port")  # noqa: B009 - not every address has one
    return port


@in_reactor
async def test_clients_endpoints_reach_the_service() -> None:
    """A client of Twisted's gets its answer at the address that `addresses()` tells."""
    service = make_service(make_factory(Upper()))
    service.startService()
    try:
        (address,) = service.addresses()
        assert await ask(address) == b"HELLO\n"
        assert service.factory.shared.counters.replies == 1
    finally:
        await stop(service)
    assert service.addresses() == []


@in_reactor
async def test_many_clients_at_once() -> None:
    """A hundred clients at once are each answered what they asked."""
    service = make_service(make_factory(Upper()))
    service.startService()
    try:
        (address,) = service.addresses()
        asked = [b"n%d\n" % number for number in range(100)]
        answers = [Deferred.fromCoroutine(ask(address, each)) for each in asked]
        assert await gatherResults(answers) == [each.upper() for each in asked]
    finally:
        await stop(service)


@in_reactor
async def test_addresses_stand_in_the_order_of_the_endpoints(tmp_path: Path) -> None:
    """Endpoints may be strings or objects; `addresses()` tells them in that order."""
    path = tmp_path / "s"
    endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
    service = make_service(make_factory(), f"unix:{path}", endpoint)
    service.startService()
    try:
        unix, tcp = service.addresses()
        assert await ask(tcp) == b"hello\n"
        client = Collector(b"hello\n")
        await connectProtocol(UNIXClientEndpoint(reactor, str(path)), client)
        assert await client.ended == b"hello\n"
        assert getattr(unix, "name") == str(path).encode()  # noqa: B009 - as above
    finally:
        await stop(service)
    assert not path.exists()


@in_reactor
async def test_service_starts_again_after_a_stop() -> None:
    """A service that was stopped refuses clients; started again, it serves and counts on."""
    service = make_service(make_factory())
    for round_ in (1, 2):
        service.startService()
        (address,) = service.addresses()
        assert await ask(address) == b"hello\n"
        assert service.factory.shared.counters.connections == round_
        await stop(service)
        with pytest.raises(Refused):
            await ask(address)


@in_reactor
async def test_stop_waits_for_the_reply_that_is_owed() -> None:
    """`stopService` fires when the request that waits has had its reply."""
    asked: Deferred[None] = Deferred()
    answer: Deferred[bytes] = Deferred()

    class Later:
        def respond(self, message: bytes, session: Session) -> Reply:
            asked.callback(None)
            return Reply(Await(answer))

    service = make_service(make_factory(Later(), keep_alive=True))
    service.startService()
    (address,) = service.addresses()
    answered = Deferred.fromCoroutine(ask(address))
    await asked
    stopped = Deferred.fromCoroutine(stop(service))
    assert not stopped.called
    answer.callback(b"there")
    assert await answered == b"there\n"
    await stopped
    assert service.factory.shared.counters.open_connections == 0


@in_reactor
async def test_two_services_under_one_parent() -> None:
    """Two services under a MultiService answer each in its own way, and stop with it."""
    parent = MultiService()
    first = make_service(make_factory())
    second = make_service(make_factory(Upper()))
    first.setServiceParent(parent)
    second.setServiceParent(parent)
    parent.startService()
    addresses = [*first.addresses(), *second.addresses()]
    try:
        assert [await ask(each) for each in addresses] == [b"hello\n", b"HELLO\n"]
    finally:
        await stop(parent)
    for each in addresses:
        with pytest.raises(Refused):
            await ask(each)


@contextmanager
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@in_reactor
async def test_failed_listen_raises_and_closes_the_others(tmp_path: Path) -> None:
    """When a listener cannot listen, CannotStart names it, and none of the others is left open."""
    told: list[IAddress] = []
    path = tmp_path / "s"
    with taken() as port:
        where = (LOCAL, f"unix:{path}", f"tcp:{port}:interface=127.0.0.1")
        service = make_service(make_factory(exchanges=Addresses(told)), *where)
        expected = re.escape(f"port {port} on 127.0.0.1: Address already in use")
        with pytest.raises(CannotStart, match=expected):
            service.startService()
        assert service.addresses() == []
    first, second = told
    await deferLater(reactor, 0)
    with pytest.raises(Refused):
        await ask(first)
    assert getattr(second, "name") == str(path).encode()  # noqa: B009 - as above
    assert not path.exists()


@in_reactor
async def test_failed_service_may_be_started_again() -> None:
    """A service that could not listen serves once the port is free."""
    with taken() as port:
        service = make_service(make_factory(), LOCAL, f"tcp:{port}:interface=127.0.0.1")
        with pytest.raises(CannotStart):
            service.startService()
    service.startService()
    try:
        assert [await ask(each) for each in service.addresses()] == [b"hello\n"] * 2
    finally:
        await stop(service)


@in_reactor
async def test_signals_of_the_process_are_left_alone() -> None:
    """A service that starts and stops changes no signal handler."""
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    service = make_service(make_factory(limits=Limits(max_connections=3)))
    service.startService()
    await stop(service)
    assert {number: signal.getsignal(number) for number in signal.valid_signals()} == before


class Addresses:
    """An exchange log that notes where is listened, and nothing else.

    Args:
        told: Takes the addresses.
    """

    room = hidden = 0

    def __init__(self, told: list[IAddress]) -> None:
        self._told = told

    def listening(self, address: IAddress, *, ports: int = 1) -> None:
        self._told.append(address)

    def connected(self, session: Session, *, where: bool = False) -> None: ...

    def received(self, session: Session, message: bytes) -> bool:
        return False

    def answered(self, session: Session, reply: bytes) -> None: ...

    def silent(self, session: Session) -> None: ...

    def disconnected(self, session: Session, why: str) -> None: ...


@pytest.mark.filterwarnings("ignore:Passing pyOpenSSL")  # it is Twisted that passes them
@in_reactor
async def test_greeted_peer_that_never_shakes_hands(certificate: Path) -> None:
    """A TLS peer that says nothing keeps no place, though its greeting waits to be sent."""
    factory = make_factory(greeting=b"hi", limits=Limits(write_timeout=0.2, close_timeout=0.2))
    service = make_service(
        factory, f"ssl:0:interface=127.0.0.1:privateKey={certificate}:certKey={certificate}"
    )
    service.startService()
    try:
        (address,) = service.addresses()
        assert await ask(address, b"") == b""
        assert factory.shared.counters.closed == {"write_timeout": 1}
    finally:
        await stop(service)
