"""A running daemon takes on settings, wherever they come from; one change at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from sockreply.daemon.daemon import Daemon
from sockreply.errors import CannotStart, ConfigError, NotRunning
from sockreply.framing import Line
from sockreply.replies import FixedReply
from sockreply.rules.replies.commands import Commands
from sockreply.server.service import ReplyService
from sockreply.settings import ListenerSettings, LogSettings, ServiceSettings, Settings
from tests.server.ports import NotingReactor
from tests.server.stand_ins import FakeTransport, texts, watch

FILE = '[services.a]\nlisten = "tcp:1"\nframing = "line"\notherwise = "from the file"\n'


def saying(what: str, *ports: int) -> Settings:
    """Settings of one service that says that, made by a program and not by a file."""
    service = ServiceSettings(
        listen=tuple(ListenerSettings(f"tcp:{port}") for port in ports or (1,)),
        framing=Line(),
        responder=FixedReply(what.encode()),
        keep_alive=True,
    )
    return Settings(services={"a": service})


WRONG = replace(
    saying("new"),
    services={"a": replace(saying("new").services["a"], listen=(ListenerSettings("odd:1"),))},
)
"""Settings with an endpoint string that describes none."""


class Site:
    """A daemon that serves a file, on a reactor in memory."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "a.toml"
        self.file.write_text(FILE)
        self.reactor: Any = NotingReactor()
        self.daemon = Daemon(self.reactor, replace(saying("old"), file=self.file))

    def apply(self, settings: Settings) -> list[Any]:
        """What comes of it."""
        return watch(Deferred.fromCoroutine(self.daemon.apply(settings)))

    def ask(self) -> bytes:
        """What a new client is answered."""
        protocol: Any = self.daemon.serving["a"].factory.buildProtocol(None)
        protocol.makeConnection(transport := FakeTransport())
        protocol.dataReceived(b"x\n")
        protocol.connectionLost()
        sent: bytes = transport.value()
        return sent


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Site:
    """One that runs, until the test stops it."""
    monkeypatch.setattr("sockreply.daemon.serving.fit_descriptors", lambda wanted: wanted)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    made = Site(tmp_path)
    made.daemon.startService()
    return made


@pytest.fixture
def closing(monkeypatch: pytest.MonkeyPatch) -> Deferred[None]:
    """Fires when the test says that a listener which is no longer wanted is closed."""
    closed: Deferred[None] = Deferred()
    close = ReplyService.listen_no_more

    async def listen_no_more(service: ReplyService, description: str) -> None:
        await closed
        await close(service, description)

    monkeypatch.setattr(ReplyService, "listen_no_more", listen_no_more)
    return closed


def test_settings_without_a_file(site: Site) -> None:
    """They need none: the next message is answered as they say."""
    assert site.apply(saying("new")) == [None]
    assert site.ask() == b"new\n"


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        (WRONG, ConfigError),
        (replace(saying("new"), log=LogSettings(json="/nowhere/at/all")), CannotStart),
    ],
)
def test_what_cannot_be(site: Site, settings: Settings, error: type[Exception]) -> None:
    """It fails, names what is wrong, and changes nothing."""
    (failure,) = site.apply(settings)
    assert isinstance(failure, error)
    assert site.ask() == b"old\n"
    assert site.apply(saying("new")) == [None]


def test_commands_share_their_turns(site: Site) -> None:
    """Commands of all settings wait for each other, and have one watcher, after a pause too."""
    first, second = Commands(), Commands()
    site.apply(replace(saying("new"), commands=first))
    site.apply(saying("newer"))
    site.apply(replace(saying("newest"), commands=second))
    assert (second.turns, second.spawn) == (first.turns, first.spawn)


def test_one_at_a_time(site: Site, closing: Deferred[None]) -> None:
    """A change waits for the one before it; the last one holds, and both come to an end."""
    site.apply(saying("old", 1, 2))
    one, two = site.apply(saying("one")), site.apply(saying("two"))
    assert (one, two) == ([], [])
    assert site.ask() == b"one\n"
    closing.callback(None)
    assert (one, two) == ([None], [None])
    assert site.ask() == b"two\n"


def test_one_that_fails_lets_the_next_one_go(site: Site, closing: Deferred[None]) -> None:
    """What waits for a change that cannot be made is made after it."""
    site.apply(saying("old", 1, 2))
    site.apply(saying("one"))
    bad, good = site.apply(WRONG), site.apply(saying("good"))
    closing.callback(None)
    assert isinstance(bad[0], ConfigError)
    assert good == [None]
    assert site.ask() == b"good\n"


def test_hangup_goes_back_to_the_file(site: Site) -> None:
    """Whatever was applied, SIGHUP reads the file on disk again."""
    site.apply(saying("new"))
    with capturedLogs() as events:
        site.daemon.reload()
    assert f"{site.file} reloaded" in texts(events)
    assert site.ask() == b"from the file\n"
    assert site.daemon.reloads == {"good": 1}


def test_hangup_waits_for_a_change(site: Site, closing: Deferred[None]) -> None:
    """A reload that comes while settings are applied is carried out after that."""
    site.apply(saying("old", 1, 2))
    applied = site.apply(saying("new"))
    site.daemon.reload()
    assert applied == []
    assert site.ask() == b"new\n"
    closing.callback(None)
    assert applied == [None]
    assert site.ask() == b"from the file\n"


def test_before_it_runs(tmp_path: Path) -> None:
    """A daemon that does not listen yet takes on nothing."""
    (failure,) = Site(tmp_path).apply(saying("new"))
    assert isinstance(failure, NotRunning)
    assert str(failure) == "the daemon is not running"


def test_while_it_stops(site: Site, closing: Deferred[None]) -> None:
    """Nor does one that stops, not even what waited before it was told to."""
    site.apply(saying("old", 1, 2))
    site.apply(saying("one"))
    waiting = site.apply(saying("two"))
    site.daemon.stopService()
    closing.callback(None)
    (late,) = site.apply(saying("three"))
    assert isinstance(waiting[0], NotRunning)
    assert isinstance(late, NotRunning)


def test_hangup_that_waits_while_it_stops(site: Site, closing: Deferred[None]) -> None:
    """A reload that a stop overtakes is no failure."""
    site.apply(saying("old", 1, 2))
    site.apply(saying("new"))
    site.daemon.reload()
    site.daemon.stopService()
    with capturedLogs() as events:
        closing.callback(None)
    assert "log_failure" not in {key for event in events for key in event}
    assert site.daemon.reloads["bad"] == 0


def moved(*ports: int) -> Settings:
    """Settings that give these ports to another service."""
    return Settings(services={"b": saying("new", *ports).services["a"]})


def test_stop_overtakes_a_change(site: Site, closing: Deferred[None]) -> None:
    """Nothing is changed and nothing listens; the stop is over when the change is."""
    changing = site.apply(moved(1))
    stopping = watch(site.daemon.stopService())
    assert (changing, stopping) == ([], [])
    closing.callback(None)
    assert isinstance(changing[0], NotRunning)
    assert site.reactor.ports == []
    assert list(site.daemon.serving) == ["a"]
    assert stopping == [None]


@pytest.fixture
def closings(monkeypatch: pytest.MonkeyPatch) -> list[Deferred[None]]:
    """As `closing`, with one for each listener, in the order in which they are to be closed."""
    made: list[Deferred[None]] = []
    close = ReplyService.listen_no_more

    async def listen_no_more(service: ReplyService, description: str) -> None:
        made.append(Deferred())
        await made[-1]
        await close(service, description)

    monkeypatch.setattr(ReplyService, "listen_no_more", listen_no_more)
    return made


def test_stop_overtakes_the_second_listener(site: Site, closings: list[Deferred[None]]) -> None:
    """What was closed for a change before the stop is not opened again."""
    site.apply(saying("old", 1, 2))
    changing = site.apply(moved(1, 2))
    closings[0].callback(None)
    site.daemon.stopService()
    closings[1].callback(None)
    assert isinstance(changing[0], NotRunning)
    assert site.reactor.ports == []


def test_stop_overtakes_what_is_undone(site: Site, closings: list[Deferred[None]]) -> None:
    """Nor is it when the change has failed already."""
    changing = site.apply(moved(1, 1))
    closings[0].callback(None)  # for the first of the two; the second cannot listen, too
    assert site.reactor.ports == [1]
    site.daemon.stopService()
    closings[1].callback(None)
    assert isinstance(changing[0], CannotStart)
    assert site.reactor.ports == []


def test_connections_of_a_change_that_fails(site: Site, closing: Deferred[None]) -> None:
    """Those that a new service has taken already are drained, and a stop waits for that."""
    changing = site.apply(moved(5, 1))
    protocol: Any = site.reactor.factories[5].buildProtocol(None)
    protocol.makeConnection(transport := FakeTransport())
    site.reactor.advance(1)  # it is not about to send its first message any more
    stopping = watch(site.daemon.stopService())
    closing.callback(None)
    assert isinstance(changing[0], NotRunning)
    assert transport.disconnecting
    assert stopping == []
    protocol.connectionLost()
    assert stopping == [None]
