"""The endpoint on which counts can be read."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import ServerFactory
from twisted.internet.tcp import Server
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from sockreply.daemon.descriptors import METRICS_PLACES
from sockreply.daemon.watch import Watch
from sockreply.errors import CannotStart, ConfigError
from sockreply.observing.metrics_site import MOMENT
from sockreply.server.listening import BACKLOG, OUT_OF_DESCRIPTORS_PAUSE
from sockreply.tls_layer import TLSFactory
from tests.end_to_end.certificates import make_certificate
from tests.server.ports import ListPort, NotingReactor
from tests.server.stand_ins import texts


@pytest.fixture
def ports() -> NotingReactor:
    """The addresses of the process, one of which somebody else has."""
    reactor = NotingReactor()
    reactor.listenTCP(99, None)
    return reactor


@pytest.fixture
def watch(ports: NotingReactor) -> Watch:
    """Nobody may watch yet."""
    return Watch(ports, None)


def test_nobody_watches(watch: Watch, ports: NotingReactor) -> None:
    """Without an endpoint nothing listens, and there is nothing to close."""
    watch.prepare(None).carry_out()
    watch.close()
    assert ports.ports == [99]


def test_another_endpoint(watch: Watch, ports: NotingReactor) -> None:
    """It is opened beside the one that is used, which closes when it is not any more."""
    watch.prepare("tcp:1").carry_out()
    change = watch.prepare("tcp:2")
    assert ports.ports == [99, 1, 2]
    change.carry_out()
    assert ports.ports == [99, 2]
    watch.prepare("tcp:2").carry_out()
    assert ports.ports == [99, 2]
    watch.prepare(None).carry_out()
    assert ports.ports == [99]


def test_change_that_is_undone(watch: Watch, ports: NotingReactor) -> None:
    """What was opened for it is closed; what was there stays."""
    watch.prepare("tcp:1").carry_out()
    watch.prepare("tcp:2").undo()
    watch.prepare("tcp:1").undo()
    assert ports.ports == [99, 1]


@pytest.mark.filterwarnings("ignore:Passing pyOpenSSL")  # it is Twisted that passes them
def test_certificate_is_read_again(
    watch: Watch, ports: NotingReactor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Who watches from then on is shown what the file says now, when the change is carried out."""
    endpoint = f"ssl:1:privateKey={make_certificate(tmp_path / 'example.pem')}"
    port = SimpleNamespace(factory=(before := ServerFactory()))
    monkeypatch.setattr(ports, "listenTCP", lambda *_, **__: port)
    watch.prepare(endpoint).carry_out()
    change = watch.prepare(endpoint)
    assert port.factory is before
    change.carry_out()
    assert isinstance(port.factory, TLSFactory)


class ListReactor(MemoryReactorClock):
    """A reactor whose port has its clients in a list."""

    port: ListPort

    def listenTCP(self, port: int, factory: object, *_: Any, **__: Any) -> Any:  # noqa: N802 - Twisted's
        self.port = ListPort(factory, self)
        return self.port


def test_those_who_find_no_place_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """When all places are taken, nobody more is accepted until one is free."""
    monkeypatch.setattr(Server, "setTcpNoDelay", lambda *_: None)  # a pair of sockets has none
    reactor = ListReactor()
    watch = Watch(reactor, None)
    watch.prepare("tcp:1").carry_out()
    port = reactor.port
    assert port.clients.backlog == BACKLOG
    port.arrive(METRICS_PLACES + 5)
    port.doRead()
    assert len(port.clients.waiting) == 5
    assert not port.reads
    port.clients.errors.append(errno.EMFILE)
    with capturedLogs() as events:
        reactor.advance(MOMENT)  # somebody gives way
        reactor.advance(0)
        assert port.reads
        port.doRead()
    assert texts(events, "warn")[-1] == "cannot accept: EMFILE; trying again"
    assert not port.reads
    reactor.advance(OUT_OF_DESCRIPTORS_PAUSE)
    port.doRead()
    assert len(port.clients.waiting) == 4
    watch.close()
    for connection in tuple(watch._site._open):
        connection.transport.connectionLost(Failure(ConnectionDone()))
    port.clients.close()


@pytest.mark.parametrize(
    ("endpoint", "error"), [("tcp:99", CannotStart), ("nonsense", ConfigError)]
)
def test_endpoint_that_cannot_be(
    watch: Watch, ports: NotingReactor, endpoint: str, error: type[BaseException]
) -> None:
    """It is an error, and what was there stays."""
    watch.prepare("tcp:1").carry_out()
    with pytest.raises(error):
        watch.prepare(endpoint)
    assert ports.ports == [99, 1]
