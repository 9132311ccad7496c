"""Whatever raises where nothing should: it costs that connection, and nothing is stuck."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, globalLogPublisher
from twisted.python.failure import Failure

from sockreply.conversation.deadlines import Deadlines
from sockreply.framing import Line
from sockreply.framing.interfaces import Framer
from sockreply.observing.exchange_log import ExchangeLog
from sockreply.replies import Close, Raw, Reply, Send, Session, Stall, Wait
from tests.server import stand_ins
from tests.server.stand_ins import FakeTransport, NotingLog, Talk, texts, watch


class Broken(Exception):
    """What raises."""


class Raising:
    """Raises when it is called, and remembers that."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, *_: Any, **__: Any) -> Any:
        self.times += 1
        raise Broken


class BrokenTalk(Talk):
    """A peer's connection, driven as a reactor does: what raises in it ends it."""

    lost = False
    loop_met: list[BaseException]
    """What came out of it to the loop, which would log it whole, as often as it comes."""

    def connect(self) -> None:
        self.loop_met = []
        self.waiting: list[Deferred[Any]] = []
        self.do(super().connect)

    def do(self, step: Callable[..., Any], *args: Any) -> None:
        if self.lost:
            return
        try:
            step(*args)
        except Exception as error:
            self.loop_met.append(error)
            self.lose()
        if self.transport.aborted or self.transport.disconnecting:
            self.lose()

    def lose(self, reason: Exception | None = None) -> None:
        if not self.lost:
            self.lost = True
            try:
                self.protocol.connectionLost(Failure(reason or ConnectionDone()))
            except Exception as error:
                self.loop_met.append(error)

    def say(self, *reads: bytes) -> None:
        for read in reads:
            self.do(self.protocol.dataReceived, read)

    def pass_time(self, seconds: float) -> None:
        self.do(self.clock.advance, seconds)

    def answer(self, message: bytes, session: Session) -> object:
        """The replies of all kinds."""
        match message:
            case b"silent":
                return None
            case b"wait":
                return Reply(Wait(1), Send(b"late"))
            case b"await":
                self.waiting.append(Deferred())
                return self.waiting[-1]
            case b"raw":
                return Reply(Raw(b"raw"), Send(b"framed"))
            case b"close":
                return Reply(Send(b"bye"), Close())
            case b"reset":
                return Reply(Close("reset"))
            case b"stall":
                return Reply(Stall())
            case b"fail":
                raise ValueError
            case b"remark":
                session.remark(lambda: "well")
            case b"many":
                return Reply(*[Send(bytes(40_000))] * 3)
        return message


def answers_awaited(talk: BrokenTalk) -> None:
    """It is answered by what was awaited."""
    talk.say(b"await\n")
    for each in talk.waiting:
        talk.do(each.callback, b"it")


def awaited_fails(talk: BrokenTalk) -> None:
    """What is awaited for it fails."""
    talk.say(b"await\n")
    for each in talk.waiting:
        talk.do(each.errback, ValueError())


def sends(talk: BrokenTalk) -> None:
    """It is sent what it did not ask for."""
    talk.do(talk.session.send, b"unasked")


def half_closes(talk: BrokenTalk) -> None:
    """It half-closes inside a message, while a reply waits."""
    talk.say(b"one\nwait\nhal")
    talk.do(talk.protocol.readConnectionLost)
    talk.pass_time(1)


def drains(talk: BrokenTalk) -> None:
    """The service stops while a reply waits."""
    talk.say(b"wait\n")
    talk.factory.roster.drain(5)
    talk.pass_time(1)
    talk.pass_time(5)


def is_backed_up(talk: BrokenTalk) -> None:
    """It does not take what is sent, and then does."""
    talk.say(b"one\n")
    talk.do(talk.take_nothing)
    talk.say(b"two\n")
    talk.do(talk.take_all)
    talk.pass_time(0)


def one_after_another(*scenes: Callable[[BrokenTalk], None]) -> Callable[[BrokenTalk], None]:
    """Some scenes."""

    def play(talk: BrokenTalk) -> None:
        for scene in scenes:
            scene(talk)

    return play


SCENES: dict[str, Callable[[BrokenTalk], None]] = {
    "asks": lambda talk: talk.say(b"one\ntwo\n"),
    "gets silence": lambda talk: talk.say(b"silent\n"),
    "gets several": lambda talk: talk.say(b"raw\n"),
    "remark": lambda talk: talk.say(b"remark\n"),
    "waits": one_after_another(lambda talk: talk.say(b"wait\n"), lambda talk: talk.pass_time(1)),
    "leaves while it waits": lambda talk: talk.say(b"wait\n"),
    "answers awaited": answers_awaited,
    "awaited fails": awaited_fails,
    "leaves while it is awaited": lambda talk: talk.say(b"await\n"),
    "is too late": one_after_another(
        lambda talk: talk.say(b"await\n"), lambda talk: talk.pass_time(3)
    ),
    "fails": lambda talk: talk.say(b"fail\n"),
    "closes": lambda talk: talk.say(b"close\n"),
    "resets": lambda talk: talk.say(b"reset\n"),
    "stalls": lambda talk: talk.say(b"stall\n", b"more\n"),
    "sends unasked": sends,
    "sends much": one_after_another(
        lambda talk: talk.say(b"many\n"),
        lambda talk: talk.pass_time(0),
        lambda talk: talk.pass_time(0),
    ),
    "many": one_after_another(lambda talk: talk.say(b"x\n" * 99), lambda talk: talk.pass_time(0)),
    "half-closes": half_closes,
    "ends inside a message": lambda talk: talk.say(b"hal"),
    "is slow": one_after_another(lambda talk: talk.say(b"hal"), lambda talk: talk.pass_time(4)),
    "is idle": lambda talk: talk.pass_time(8),
    "too long": lambda talk: talk.say(b"x" * 200),
    "drains": drains,
    "is backed up": is_backed_up,
}
"""What a peer does before it leaves."""

EXCHANGES = (
    *("connected", "received", "answered", "remarked", "failed", "abandoned", "silent", "sent"),
    *("dropped", "unfinished", "disconnected"),
)


def start(exchanges: Any) -> BrokenTalk:
    """A service with short deadlines, and a connection to it."""
    talk: Any = None

    def answer(message: bytes, session: Session) -> object:
        return talk.answer(message, session)

    class Early(BrokenTalk):
        def connect(self) -> None:
            nonlocal talk
            talk = self
            super().connect()

    return Early(
        answer,
        greeting=b"hello",
        exchanges=exchanges,
        idle_timeout=7.0,
        message_timeout=3.0,
        reply_timeout=2.0,
        write_timeout=6.0,
        max_message=100,
        max_connections_per_peer=1,
    )


def check_over(talk: BrokenTalk, raising: Raising) -> None:
    """The connection is over, and nothing is left of it."""
    talk.lose()
    counters, roster = talk.counters, talk.factory.roster
    assert not talk.loop_met, "the loop would have to deal with it, and log it without a limit"
    assert counters.open_connections == 0
    assert not roster.connections
    assert watch(roster.drain(1))
    for _ in range(12):  # nothing of it is left that raises later
        talk.clock.advance(1)
    if raising.times:
        assert counters.errors.total() >= 1
    roster.draining = False
    second = talk.factory.buildProtocol(None)
    transport: Any = type(talk.transport)()
    second.makeConnection(transport)
    assert counters.refused["per_peer"] == 0


@pytest.mark.parametrize("name", EXCHANGES)
@pytest.mark.parametrize("scene", SCENES)
def test_who_hears_raises(name: str, scene: str) -> None:
    """What hears of exchanges may raise, whenever it likes."""
    log, raising = NotingLog(), Raising()
    setattr(log, name, raising)
    with capturedLogs() as events:
        talk = start(log)
        SCENES[scene](talk)
        over_before_it_left = talk.lost
        if raising.times:
            assert over_before_it_left or name in ("disconnected", "unfinished", "abandoned")
        check_over(talk, raising)
    for line in texts(events, "error"):
        assert "Unhandled" not in line
    assert len(texts(events, "critical")) == 0


@pytest.mark.parametrize("name", ["begin", "begin_idle", "end", "stop"])
@pytest.mark.parametrize("scene", SCENES)
def test_deadlines_raise(name: str, scene: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps the time may raise."""
    with capturedLogs():
        talk, raising = start(NotingLog()), Raising()
        monkeypatch.setattr(Deadlines, name, raising)
        SCENES[scene](talk)
        monkeypatch.undo()
        check_over(talk, raising)


FRAMER = ("receive_data", "receive_eof", "receive_silence", "next_message", "buffered", "dropped")


class BrokenFramer:
    """A framer of somebody else's, in which something raises."""

    ready = ()
    empty = False
    silence = None

    def __init__(self, framer: Framer, name: str, raising: Raising) -> None:
        self._framer, self._name, self._raising = framer, name, raising

    def __getattr__(self, name: str) -> Any:
        if name == "take":
            raise AttributeError
        if name == self._name:
            return self._raising if name not in ("buffered", "dropped") else self._raising()
        return getattr(self._framer, name)


@dataclass(frozen=True)
class BrokenFraming(Line):
    """Makes such framers."""

    at: str = ""
    raising: Any = None

    def framer(self, max_message: int) -> Any:
        return BrokenFramer(super().framer(max_message), self.at, self.raising)


@pytest.mark.parametrize("name", FRAMER)
@pytest.mark.parametrize("scene", SCENES)
def test_framing_raises(name: str, scene: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's framing may raise."""
    raising = Raising()
    monkeypatch.setattr(
        stand_ins, "parse_framing", lambda _: BrokenFraming(at=name, raising=raising)
    )
    with capturedLogs():
        talk = start(NotingLog())
        SCENES[scene](talk)
        check_over(talk, raising)


def test_a_log_observer_raises() -> None:
    """What reads the log may raise: Twisted keeps that from us."""
    raising: Any = Raising()
    globalLogPublisher.addObserver(raising)
    try:
        talk = start(ExchangeLog(Clock()))
        talk.say(b"one\n", b"x" * 200)
        check_over(talk, Raising())
    finally:
        globalLogPublisher.removeObserver(raising)
    assert raising.times


def test_errors_are_told_up_to_a_number() -> None:
    """All are counted; the log has so many lines a second, each with its peer and a traceback."""
    log = NotingLog()
    log.connected = Raising()  # type: ignore[method-assign]  # a stand-in
    with capturedLogs() as events:
        talk = start(log)
        for _ in range(99):
            talk.factory.buildProtocol(None).makeConnection(FakeTransport())
        talk.clock.advance(1)
    assert talk.counters.errors["internal"] + talk.counters.refused["per_peer"] == 100
    lines = texts(events, "error")
    assert 0 < len(lines) <= 20
    assert "10.0.0.1:" in lines[0] or "192.168.1.1" in lines[0]
    assert "Broken" in lines[0]


@pytest.mark.parametrize("scene", SCENES)
def test_place_raises(scene: str) -> None:
    """What waits for a place may raise; the others hear of the place all the same."""
    raising, heard = Raising(), list[int]()
    with capturedLogs():
        talk = start(NotingLog())
        talk.factory.roster.on_place += [raising, lambda: heard.append(1)]
        SCENES[scene](talk)
        talk.lose()
        assert raising.times == len(heard) == 1
        assert talk.counters.open_connections == 0
        assert not talk.loop_met
        assert watch(talk.factory.roster.drain(1))


@pytest.mark.parametrize("scene", SCENES)
def test_complaints_raise(scene: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What logs complaints may raise."""
    with capturedLogs():
        talk = start(NotingLog())
        monkeypatch.setattr(talk.factory.shared.complaints, "tell", Raising())
        SCENES[scene](talk)
        talk.lose()
        assert not talk.loop_met
        assert talk.counters.open_connections == 0
        assert watch(talk.factory.roster.drain(1))
