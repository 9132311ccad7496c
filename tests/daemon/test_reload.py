"""A daemon takes on other settings: all of them, or none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from sockreply.daemon.daemon import Daemon
from sockreply.errors import CannotStart, ConfigError
from sockreply.framing import Line
from sockreply.replies import FixedReply, Reply, Wait
from sockreply.server.port_ranges import expanded
from sockreply.server.service import ReplyService
from sockreply.settings import ListenerSettings, LogSettings, ServiceSettings, Settings
from tests.server.ports import NotingReactor
from tests.server.stand_ins import FakeTransport, texts, watch


def service(*ports: int, says: bytes | Reply = b"old", options: str = "") -> ServiceSettings:
    """A service that listens there and says that."""
    return ServiceSettings(
        listen=tuple(ListenerSettings(f"tcp:{port}{options}") for port in ports),
        framing=Line(),
        responder=FixedReply(says),
        keep_alive=True,
    )


class Site:
    """A daemon on a reactor in memory, with two services on ports 1 and 2."""

    def __init__(self) -> None:
        self.reactor: Any = NotingReactor()
        self.daemon = Daemon(self.reactor, Settings(services={"a": service(1), "b": service(2)}))
        self.daemon.startService()

    @property
    def ports(self) -> list[int]:
        """Where it listens."""
        return sorted(self.reactor.ports)

    def change(self, log: LogSettings = LogSettings(), **services: Any) -> list[Any]:  # noqa: B008 - it is frozen
        """Take on these settings; what comes of it."""
        metrics = services.pop("metrics", None)
        settings = Settings(services=services, log=log, metrics=metrics)
        return watch(Deferred.fromCoroutine(self.daemon.apply(settings)))

    def client(self, name: str) -> tuple[Any, FakeTransport]:
        """A connection to a service."""
        protocol = self.daemon.serving[name].factory.buildProtocol(None)
        protocol.makeConnection(transport := FakeTransport())
        return protocol, transport


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A daemon that runs in a process that can have any number of files open."""
    monkeypatch.setattr("sockreply.daemon.serving.fit_descriptors", lambda wanted: wanted)
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    made = Site()
    yield made
    made.daemon.stopService()


def test_listeners_come_and_go(site: Site) -> None:
    """Those that are in both settings are not touched."""
    before = site.daemon.serving["a"].service.addresses()
    assert site.change(a=service(1, 3), c=service(4, says=b"new")) == [None]
    assert site.ports == [1, 3, 4]
    assert list(site.daemon.serving) == ["a", "c"]
    assert site.daemon.serving["a"].service.addresses()[:1] == before
    assert site.daemon.serving["c"].service.running


def test_service_that_is_gone_is_drained(site: Site) -> None:
    """What it has begun is finished, then its connections close."""
    site.change(a=service(1), b=service(2, says=Reply(Wait(5), b"late")))
    idle, busy = site.client("b"), site.client("b")
    site.reactor.advance(1)
    busy[0].dataReceived(b"x\n")
    site.change(a=service(1))
    assert site.ports == [1]
    assert idle[1].disconnecting
    assert not busy[1].disconnecting
    with capturedLogs() as events:
        idle[0].connectionLost()
        site.reactor.advance(5)
        assert busy[1].value() == b"late\n"
        busy[0].connectionLost()
    assert texts(events)[-1].startswith("b served 2 connections: 1 messages, 1 replies")


def test_address_goes_from_one_service_to_another(site: Site) -> None:
    """And a listener whose string changed takes its own address over."""
    assert site.change(c=service(1), b=service(2, options=":backlog=9")) == [None]
    assert site.ports == [1, 2]
    assert len(site.daemon.serving["c"].service.addresses()) == 1
    assert len(site.daemon.serving["b"].service.addresses()) == 1


def ranged(written: str) -> ServiceSettings:
    """A service that listens on a range of ports."""
    return replace(service(), listen=expanded(ListenerSettings(written)))


def test_range_of_ports_grows_and_moves(site: Site) -> None:
    """Its ports are listeners of their own: those that it keeps are not touched."""
    assert site.change(a=ranged("tcp:11-14")) == [None]
    kept = site.daemon.serving["a"].service._listeners[2:]
    with capturedLogs() as events:
        assert site.change(a=ranged("tcp:13-16"), b=ranged("tcp:11-12:backlog=9")) == [None]
    assert site.ports == [11, 12, 13, 14, 15, 16]
    assert site.daemon.serving["a"].service._listeners[:2] == kept
    listening = [text for text in texts(events) if text.startswith("listening on")]
    assert listening == [
        "listening on 127.0.0.1:13-16 (4 ports)",
        "listening on 127.0.0.1:11-12 (2 ports)",
    ]
    site.reactor.listenTCP(18, None)
    (failed,) = site.change(a=ranged("tcp:13-20"))
    assert isinstance(failed, CannotStart)
    assert site.ports == [11, 12, 13, 14, 15, 16, 18]


def test_nothing_is_changed_by_what_fails(site: Site, tmp_path: Path) -> None:
    """Whatever it is that fails, and however much was done before it."""
    site.reactor.listenTCP(99, None)
    client = site.client("a")
    cases: list[tuple[type[BaseException], dict[str, Any]]] = [
        (CannotStart, {"a": service(1, 5, 99)}),
        (CannotStart, {"b": service(2), "c": service(1, 99)}),
        (CannotStart, {"a": service(5, 6), "d": service(99)}),
        (CannotStart, {"a": service(1, 5), "metrics": "tcp:99"}),
        (CannotStart, {"a": service(1, 5), "log": LogSettings(json=str(tmp_path))}),
        (CannotStart, {"a": service(1), "log": LogSettings(record=str(tmp_path))}),
        (ConfigError, {"a": service(1, 5), "c": service(7, options=":nonsense=1")}),
    ]
    for error, changes in cases:
        (failed,) = site.change(**changes)
        assert isinstance(failed, error)
        assert site.ports == [1, 2, 99]
        assert list(site.daemon.serving) == ["a", "b"]
        client[0].dataReceived(b"x\n")
    assert client[1].value() == b"old\n" * len(cases)


def open_files() -> int:
    """How many files this process has open."""
    return len(os.listdir("/dev/fd"))  # noqa: PTH208 - this directory changes as it is read


def test_what_fails_leaves_nothing_open(site: Site, tmp_path: Path) -> None:
    """Logs, the port of the metrics and listeners that were opened for it are closed again."""
    site.reactor.listenTCP(99, None)
    log = LogSettings(json=str(tmp_path / "json"), record=str(tmp_path / "record"))
    before = open_files()
    (failed,) = site.change(a=service(1, 5, 99), b=service(2), log=log, metrics="tcp:9")
    assert isinstance(failed, CannotStart)
    assert (tmp_path / "json").exists()
    assert (tmp_path / "record").exists()
    assert open_files() == before
    assert site.ports == [1, 2, 99]


def test_listener_that_made_room_for_what_fails(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It listens again, or the log says that it does not, because somebody else was faster."""
    close = ReplyService.listen_no_more

    async def listen_no_more(service: ReplyService, description: str) -> None:
        await close(service, description)
        if description == "tcp:2":
            site.reactor.listenTCP(2, None)

    monkeypatch.setattr(ReplyService, "listen_no_more", listen_no_more)
    with capturedLogs() as events:
        (failed,) = site.change(
            a=service(1, options=":backlog=9"), b=service(2, options=":backlog=9")
        )
    assert isinstance(failed, CannotStart)
    assert site.ports == [1, 2]
    assert len(site.daemon.serving["a"].service.addresses()) == 1
    assert len(site.daemon.serving["b"].service.addresses()) == 0
    (told,) = [text for text in texts(events) if "no longer listening" in text]
    assert told.startswith("b is no longer listening: ")


def test_certificates_change_with_all_else(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of listeners that stay are read first, and shown when nothing can fail any more."""
    happened: list[str] = []

    def read(_: object, listener: ListenerSettings) -> Callable[[], None]:
        happened.append(f"read {listener.endpoint}")
        return lambda: happened.append(f"show {listener.endpoint}")

    monkeypatch.setattr("sockreply.server.service.ReplyService.prepare", read)
    site.reactor.listenTCP(99, None)
    (failed,) = site.change(a=service(1, 99))
    assert isinstance(failed, CannotStart)
    assert happened == ["read tcp:1"]
    assert site.change(a=service(1, 5)) == [None]
    assert happened[1:] == ["read tcp:1", "show tcp:1"]


def test_listeners_that_are_not_in_the_way_stay(site: Site) -> None:
    """A port that somebody else has is no reason to close one that would have gone."""
    site.reactor.listenTCP(99, None)
    (listener,) = site.daemon.serving["b"].service._listeners
    site.change(a=service(1, 99))
    assert site.daemon.serving["b"].service._listeners == [listener]


def test_metrics_come_and_go(site: Site) -> None:
    """Times are measured as long as somebody may read them."""
    site.change(a=service(1), b=service(2), metrics="tcp:9")
    assert site.ports == [1, 2, 9]
    assert site.daemon.serving["a"].factory.shared.counters.reply_seconds is not None
    site.change(a=service(1), b=service(2))
    assert site.ports == [1, 2]
    assert site.daemon.serving["a"].factory.shared.counters.reply_seconds is None
