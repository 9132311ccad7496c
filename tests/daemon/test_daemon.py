"""What a process needs around its service."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import Logger, capturedLogs

from sockreply.daemon.daemon import Daemon
from sockreply.daemon.systemd import STATUS_SECONDS
from sockreply.errors import CannotStart, ConfigError
from sockreply.framing import Fixed, Line
from sockreply.replies import Reply, Wait, as_responder
from sockreply.server import Limits
from sockreply.settings import ListenerSettings, LogSettings, ServiceSettings, Settings
from tests.daemon.test_systemd import Manager
from tests.server.stand_ins import FakeTransport, by_message, texts, watch

STOP = [signal.SIGTERM, signal.SIGINT]


class ProcessReactor(MemoryReactorClock):
    """A reactor in memory that takes calls from signal handlers."""

    def __init__(self) -> None:
        super().__init__()
        self.from_threads: list[tuple[Any, ...]] = []

    def callFromThread(self, function: Any, *args: Any) -> None:  # noqa: N802 - Twisted's
        self.from_threads.append((function, *args))

    def turn(self) -> None:
        """Call what was to be called in the loop."""
        calls, self.from_threads = self.from_threads, []
        for function, *args in calls:
            function(*args)

    def begin(self) -> None:
        """The loop begins."""
        for function, args, options in self.whenRunningHooks:
            function(*args, **options)


class Site:
    """A daemon on a reactor in memory."""

    def __init__(
        self, log: LogSettings | None = None, file: Path | None = None, **service: Any
    ) -> None:
        self.reactor: Any = ProcessReactor()
        options: dict[str, Any] = {
            "listen": (ListenerSettings("tcp:12345"),),
            "framing": Line(),
            "responder": as_responder(by_message(slow=Reply(Wait(5), b"later"))),
            "keep_alive": True,
        }
        settings = Settings(
            services={"default": ServiceSettings(**(options | service))},
            log=log or LogSettings(),
            file=file,
        )
        self.daemon = Daemon(self.reactor, settings)
        self.service = self.daemon.serving["default"].service

    def connect(self) -> tuple[Any, FakeTransport]:
        """A client."""
        protocol = self.service.factory.buildProtocol(None)
        protocol.makeConnection(transport := FakeTransport())
        return protocol, transport


@pytest.fixture(autouse=True)
def fits(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Leaves this process's limits alone; sets how many connections they allow."""

    def fit(most: int) -> None:
        monkeypatch.setattr(
            "sockreply.daemon.serving.fit_descriptors", lambda wanted: min(wanted, most)
        )

    fit(1_000_000)
    return fit


@pytest.fixture(autouse=True)
def handlers(monkeypatch: pytest.MonkeyPatch) -> dict[int, Any]:
    """The handlers that signals get."""
    put_in: dict[int, Any] = {}
    monkeypatch.setattr(signal, "signal", put_in.__setitem__)
    return put_in


@pytest.mark.parametrize("privileged", [True, False])
def test_start(privileged: bool) -> None:
    """It listens once, whether or not the runner calls privilegedStartService."""
    site = Site()
    if privileged:
        site.daemon.privilegedStartService()
    with capturedLogs() as events:
        site.daemon.startService()
    assert len(site.reactor.tcpServers) == 1
    assert site.daemon.running
    assert site.service.running
    if not privileged:
        assert texts(events) == ["listening on 0.0.0.0:12345"]


def test_cannot_be_made() -> None:
    """What cannot be is an error when the daemon is made."""
    with pytest.raises(ConfigError, match="endpoint nonsense"):
        Site(listen=(ListenerSettings("nonsense"),))
    with pytest.raises(ConfigError):
        Site(framing=Fixed(100), limits=Limits(max_message=10))


def test_connections_asked_for_that_do_not_fit(fits: Callable[[int], None]) -> None:
    """A number of connections that was asked for and does not fit ends the start."""
    fits(960)
    site = Site(max_connections_asked=True, limits=Limits(max_connections=5000))
    with pytest.raises(CannotStart, match=r"^max-connections 5000 does not fit .* allows 960$"):
        site.daemon.privilegedStartService()
    assert not site.reactor.tcpServers


def test_default_connections_that_do_not_fit(fits: Callable[[int], None]) -> None:
    """A default that does not fit is lowered, and that is said."""
    fits(960)
    site = Site()
    with capturedLogs() as events:
        site.daemon.startService()
    assert not texts(events, "warn")  # nobody asked for so many
    assert "at most 960 connections: the limit on open files allows no more" in texts(events)
    assert site.service.factory.roster.places == 960


@pytest.mark.parametrize("asked", [True, False])
def test_connections_that_fit(asked: bool) -> None:
    """What fits is neither changed nor told."""
    site = Site(max_connections_asked=asked)
    with capturedLogs() as events:
        site.daemon.startService()
    assert not texts(events, "warn")
    assert site.service.factory.roster.places == 10_000


def test_json_log(tmp_path: Path) -> None:
    """From the start to the end the process's log goes to the file as JSON lines."""
    path = tmp_path / "log.json"
    site = Site(LogSettings(json=str(path)))
    site.daemon.startService()
    site.daemon.stopService()
    Logger().info("after the end")
    lines = [json.loads(line)["text"] for line in path.read_text().splitlines()]
    assert lines[0] == "listening on 0.0.0.0:12345"
    assert lines[-1].startswith("served 0 connections")


def test_json_log_says_how_many_fit(tmp_path: Path, fits: Callable[[int], None]) -> None:
    """What is told of the limit on open files reaches the JSON log, which ends with the start."""
    fits(960)
    path = tmp_path / "log.json"
    site = Site(LogSettings(json=str(path)))
    site.daemon.startService()
    site.daemon.stopService()
    first = json.loads(path.read_text().splitlines()[0])
    assert first["text"].startswith("at most 960 connections: ")
    asked = Site(
        LogSettings(json=str(path)),
        max_connections_asked=True,
        limits=Limits(max_connections=5000),
    )
    with pytest.raises(CannotStart):
        asked.daemon.startService()
    Logger().info("of somebody else")
    assert "of somebody else" not in path.read_text()


def test_json_log_that_cannot_be_opened(tmp_path: Path) -> None:
    """A JSON log that cannot be opened ends the start with one line that names it."""
    site = Site(LogSettings(json=str(tmp_path)))
    with pytest.raises(CannotStart, match=f"^json-log: {tmp_path}: Is a directory$"):
        site.daemon.startService()
    assert not site.reactor.tcpServers


def test_json_log_when_it_cannot_listen(tmp_path: Path) -> None:
    """A start that fails leaves no JSON log behind that others' events would go to."""
    path = tmp_path / "log.json"
    site = Site(LogSettings(json=str(path)))

    def refuse(*_: Any, **__: Any) -> None:
        raise CannotListenError("", 12345, OSError(98, "Address already in use"))

    site.reactor.listenTCP = refuse
    with pytest.raises(CannotStart, match=r"^port 12345 on any interface: Address already in use$"):
        site.daemon.startService()
    Logger().info("after the end")
    assert "after" not in path.read_text()


def test_signals_are_taken_before_it_listens(
    handlers: dict[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal is ours as soon as anybody can know that the daemon is there."""
    site = Site()
    taken: list[set[int]] = []
    monkeypatch.setattr(site.service, "privilegedStartService", lambda: taken.append({*handlers}))
    site.daemon.privilegedStartService()
    assert taken == [{*STOP, signal.SIGHUP}]


def test_signals_are_taken_again_when_the_loop_runs(handlers: dict[int, Any]) -> None:
    """Our handlers are put over the reactor's, which come with its start."""
    site = Site()
    site.daemon.startService()
    handlers.clear()
    site.reactor.begin()
    assert set(handlers) == {*STOP, signal.SIGHUP}


@pytest.mark.parametrize("number", [*STOP, signal.SIGHUP])
def test_signal_before_the_loop_runs(handlers: dict[int, Any], number: int) -> None:
    """A signal that comes before the loop begins is dealt with in its first turn."""
    site = Site()
    site.daemon.startService()
    handlers[number](number, None)
    site.reactor.begin()
    with capturedLogs() as events:
        site.reactor.turn()
    assert site.reactor.hasStopped == (number in STOP)
    assert texts(events)[0].startswith(signal.Signals(number).name)


@pytest.mark.parametrize("number", STOP)
def test_stop_signal(handlers: dict[int, Any], number: int) -> None:
    """SIGTERM or SIGINT stops the reactor, in a turn of the loop, with status 0."""
    site = Site()
    site.daemon.startService()
    site.reactor.begin()
    handlers[number](number, None)
    assert not site.reactor.hasStopped
    with capturedLogs() as events:
        site.reactor.turn()
    assert site.reactor.hasStopped
    assert texts(events) == [f"{signal.Signals(number).name}: stopping"]


def test_second_stop_signal(handlers: dict[int, Any]) -> None:
    """A second signal ends at once what the first one lets finish."""
    site = Site()
    site.daemon.startService()
    site.reactor.begin()
    busy, transport = site.connect()
    busy.dataReceived(b"slow\n")
    handlers[signal.SIGTERM](signal.SIGTERM, None)
    site.reactor.turn()
    stopped = watch(site.daemon.stopService())
    assert not transport.aborted
    handlers[signal.SIGINT](signal.SIGINT, None)
    with capturedLogs() as events:
        site.reactor.turn()
    assert texts(events)[0] == "SIGINT again: stopping at once"
    assert transport.aborted
    busy.connectionLost()
    assert stopped == [None]


def test_hangup(handlers: dict[int, Any]) -> None:
    """SIGHUP, which would end a process, is logged and ignored without a file."""
    site = Site()
    site.daemon.startService()
    site.reactor.begin()
    handlers[signal.SIGHUP](signal.SIGHUP, None)
    with capturedLogs() as events:
        site.reactor.turn()
    assert texts(events) == ["SIGHUP: ignored; there is no file to reload"]
    assert not site.reactor.hasStopped


def test_stop_drains_and_tells(handlers: dict[int, Any]) -> None:
    """Stopping lets connections finish, then tells what was done."""
    site = Site()
    site.daemon.startService()
    busy, transport = site.connect()
    busy.dataReceived(b"x\nslow\n")
    stopped = watch(site.daemon.stopService())
    with capturedLogs() as events:
        site.reactor.advance(5)
        busy.connectionLost()
    assert transport.value() == b"x\nlater\n"
    assert stopped == [None]
    assert texts(events)[-1] == (
        "served 1 connections: 2 messages, 2 replies, 0 silences, 0 errors"
    )


def test_stop_tells_what_was_not_shown() -> None:
    """Exchanges of the last second that were not shown are told before the end."""
    site = Site(LogSettings(exchanges_per_second=1))
    site.daemon.startService()
    client, _ = site.connect()
    client.dataReceived(b"x\n" * 5)
    client.connectionLost()
    with capturedLogs() as events:
        site.daemon.stopService()
    assert texts(events)[0] == "not shown in this second: 4 more exchanges, 0 more clients"
    assert not site.reactor.getDelayedCalls()


def test_settings_reach_the_factory() -> None:
    """Framing, greeting, keep-alive and limits are those of the settings."""
    limits = Limits(idle_timeout=7)
    site = Site(greeting=b"hi", keep_alive=False, limits=limits)
    factory = site.service.factory
    assert factory.shared.limits == limits
    _, transport = site.connect()
    assert transport.value() == b"hi\n"
    assert not factory.shared.keep_alive


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    """What is told when daemons are started by systemd."""
    path = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    manager = Manager(path)
    yield manager
    manager.socket.close()


def test_systemd_is_told_what_it_does(manager: Manager) -> None:
    """It is ready when the loop runs, and not before; a SIGHUP and the stop are told, too."""
    limits = Limits(drain_delay=1, drain_timeout=4 * STATUS_SECONDS)
    site = Site(limits=limits)
    site.daemon.startService()
    assert manager.told() == []
    site.reactor.begin()
    assert manager.told() == [["READY=1", "STATUS=0 connections"]]
    client, _ = site.connect()
    site.daemon.reload()
    (reloading, monotonic), ready = manager.told()
    assert reloading == "RELOADING=1"
    assert abs(int(monotonic.removeprefix("MONOTONIC_USEC=")) / 1e6 - time.monotonic()) < 60
    assert ready == ["READY=1", "STATUS=1 connection"]
    site.daemon.stopService()
    assert manager.told()[0][:2] == ["STOPPING=1", "STATUS=stopping; 1 connection"]
    for _ in range(4):
        site.reactor.advance(STATUS_SECONDS)
        assert manager.told() == [["EXTEND_TIMEOUT_USEC=15000000"]]
    client.connectionLost()
    assert not site.reactor.getDelayedCalls()


def test_systemd_is_not_told_of_a_start_that_fails(manager: Manager) -> None:
    """A daemon that cannot listen was never ready."""
    site = Site()

    def refuse(*_: Any, **__: Any) -> None:
        raise CannotListenError("", 12345, OSError(98, "Address already in use"))

    site.reactor.listenTCP = refuse
    with pytest.raises(CannotStart):
        site.daemon.startService()
    site.reactor.begin()
    assert manager.told() == []


def test_systemd_is_told_of_a_reload_that_fails(manager: Manager, tmp_path: Path) -> None:
    """A file that is wrong, or not there, ends a reload too; the status says so."""
    site = Site(file=tmp_path / "none.toml")
    site.daemon.startService()
    site.reactor.begin()
    manager.told()
    site.daemon.reload()
    (reloading, _), (ready, status) = manager.told()
    assert (reloading, ready) == ("RELOADING=1", "READY=1")
    assert status == "STATUS=the last reload failed, see the log; 0 connections"
    site.daemon.stopService()
