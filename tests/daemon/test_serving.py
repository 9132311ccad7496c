"""One service as a daemon runs it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs

from sockreply.conversation.exchanges import NoExchanges
from sockreply.daemon.serving import Serving, fit_limits
from sockreply.errors import CannotStart, ConfigError
from sockreply.framing import Framing, Line, Netstring, Switched, parse_framing
from sockreply.replies import FixedReply, Responder, Session, as_responder
from sockreply.rules import Equals
from sockreply.rules.replies import Constant, Echoed, Recipe, SendPart
from sockreply.rules.table import Rule, RuleTable
from sockreply.server import Limits
from sockreply.server.port_ranges import expanded
from sockreply.settings import ListenerSettings, ServiceSettings
from tests.server.stand_ins import FakeTransport, texts


def said(text: str, encoding: str = "utf-8") -> Responder:
    """A responder with text in it."""
    return FixedReply(text.encode(encoding))


def settings(text: str = "old", **changes: Any) -> ServiceSettings:
    """Settings of a service that answers that, in its encoding."""
    encoding = changes.get("encoding", "utf-8")

    def responder_in(other: str) -> Responder:
        try:
            return said(text, other)
        except UnicodeEncodeError as error:
            raise ConfigError(str(error)) from None

    made: dict[str, Any] = {
        "listen": ("tcp:1",),
        "framing": Line(),
        "responder": said(text, encoding),
        "responder_in": responder_in,
        "keep_alive": True,
    }
    return ServiceSettings(**(made | changes))


class Site:
    """A service with its connections, in memory."""

    def __init__(self, first: ServiceSettings) -> None:
        self.serving = Serving(MemoryReactorClock(), "s", first, first.limits, NoExchanges())

    def change(self, after: ServiceSettings) -> None:
        """Follow other settings."""
        self.serving.prepare(after)(after.limits)

    def connect(self) -> tuple[Any, FakeTransport]:
        """One more connection."""
        protocol = self.serving.factory.buildProtocol(None)
        protocol.makeConnection(transport := FakeTransport())
        return protocol, transport

    def ask(self, connection: tuple[Any, FakeTransport], wire: bytes) -> bytes:
        """What is sent in answer."""
        protocol, transport = connection
        protocol.dataReceived(wire)
        sent: bytes = transport.value()
        transport.clear()
        return sent


def test_new_rules_answer_the_next_message() -> None:
    """Of every connection, those that were there before among them."""
    site = Site(settings())
    before = site.connect()
    site.change(settings("new", greeting=b"hello", limits=Limits(max_message=9, idle_timeout=7)))
    assert site.ask(before, b"x\n") == b"new\n"
    assert site.connect()[1].value() == b"hello\n"
    assert site.serving.factory.shared.limits.idle_timeout == 7


def test_framing_is_for_new_connections() -> None:
    """A connection keeps the framing that it was made with; its answers are the new ones."""
    site = Site(settings())
    before = site.connect()
    site.change(settings("new", framing=Netstring()))
    assert site.ask(before, b"x\n") == b"new\n"
    assert site.ask(site.connect(), b"1:x,") == b"3:new,"


LINE, ONE, TWO = Line(), parse_framing("length:bytes=1"), parse_framing("length:bytes=2")


def with_states(
    framing: Framing = LINE, then: Framing | None = ONE, encoding: str = "utf-8"
) -> ServiceSettings:
    """Settings of a service that echoes, where `go` leads to a state with its own framing."""

    def table(_: str) -> RuleTable:
        return RuleTable(
            [
                Rule("go", Equals(b"go"), Recipe([SendPart(Echoed())]), next_state="there"),
                Rule("back", Equals(b"back"), Recipe([SendPart(Echoed())]), next_state="start"),
                Rule("all", None, Recipe([SendPart(Echoed())])),
            ],
            framings={} if then is None else {"there": then},
        )

    whole = framing if then is None else Switched(framing, framing, (then,))
    return settings(
        framing=whole, responder=table(""), responder_in=table, encoding=encoding, shown_as=encoding
    )


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_changed_framings_of_states(encoding: str) -> None:
    """They are for the next change of state of each connection, and all else for new ones."""
    site = Site(with_states())
    outside, inside = site.connect(), site.connect()
    assert site.ask(inside, b"go\n\1x") == b"go\n\1x"
    before = site.serving.factory.shared.dialect
    site.change(with_states(Netstring(), TWO, encoding))
    assert site.serving.factory.shared.dialect is not before
    assert site.ask(inside, b"\1y\4backz\n") == b"\1y\4backz\n"
    for connection in (outside, inside):
        assert site.ask(connection, b"go\n\0\1x") == b"go\n\0\1x"
        assert site.ask(connection, b"\0\4backx\n") == b"\0\4backx\n"
    assert site.ask(site.connect(), b"2:go,\0\1x") == b"2:go,\0\1x"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_states_lose_their_framings(encoding: str) -> None:
    """A connection in such a state keeps that until its state changes, and then has its own."""
    site = Site(with_states())
    inside = site.connect()
    assert site.ask(inside, b"go\n") == b"go\n"
    site.change(with_states(then=None, encoding=encoding))
    site.change(with_states(then=None, encoding=encoding))
    assert site.ask(inside, b"\1y\2goz\n") == b"\1y\2goz\n"
    assert site.ask(inside, b"go\ny\n") == b"go\ny\n"
    site.change(with_states(then=TWO, encoding=encoding))
    assert site.ask(inside, b"go\n\0\1x") == b"go\n\0\1x"


def test_states_get_framings() -> None:
    """A connection that was made before any state had one keeps its own."""
    site = Site(with_states(then=None))
    before = site.connect()
    assert site.ask(before, b"go\n") == b"go\n"
    site.change(with_states())
    assert site.ask(before, b"x\nback\ngo\nx\n") == b"x\nback\ngo\nx\n"
    assert site.ask(site.connect(), b"go\n\1x") == b"go\n\1x"


def test_the_same_framings_of_states_change_nothing() -> None:
    """Connections go on speaking the same dialect when the file is read again as it was."""
    site = Site(with_states())
    before = site.serving.factory.shared.dialect
    site.change(with_states())
    assert site.serving.factory.shared.dialect is before


def test_encoding_is_for_new_connections() -> None:
    """A connection gets the new rules in the encoding that it was made with, over and over."""
    site = Site(settings("é", encoding="latin-1"))
    before = site.connect()
    for text in ("ä", "ö"):
        site.change(settings(text, encoding="utf-8"))
        assert site.ask(before, b"x\n") == f"{text}\n".encode("latin-1")
        assert site.ask(site.connect(), b"x\n") == f"{text}\n".encode()


def test_rules_that_an_open_connection_cannot_be_told() -> None:
    """They refuse the change as long as there is such a connection, and nothing is changed."""
    site = Site(settings("é", encoding="latin-1"))
    before = site.connect()
    with pytest.raises(ConfigError, match=r"^services\.s: .*latin-1"):
        site.serving.prepare(settings("한"))
    assert site.ask(before, b"x\n") == "é\n".encode("latin-1")


def test_what_was_before_is_not_kept() -> None:
    """Dialects and responders go when no connection uses them any more."""
    site = Site(settings())
    responder = weakref.ref(site.serving.factory.shared.responder)
    for number in range(9):
        connection = site.connect()
        site.change(settings(framing=[Line(), Netstring()][number % 2]))
        connection[0].connectionLost()
        del connection
    gc.collect()
    assert responder() is None
    assert len(site.serving._encodings) == 1


def test_rules_go_on_counting() -> None:
    """Rules of the same name count on; an answer under way is still told as the rule's it is."""

    def table() -> RuleTable:
        return RuleTable([Rule("one", None, Recipe([SendPart(Constant(b"1"))]))])

    site = Site(settings(responder=table()))
    before = site.connect()
    site.ask(before, b"x\n")
    assert before[0].session.rule == "one"
    site.change(settings(responder=table()))
    assert before[0].session.rule == "one"
    site.ask(before, b"x\n")
    (rule,) = site.serving.factory.shared.responder.rules  # type: ignore[attr-defined] # it is the table
    assert rule.matches == 2
    site.change(settings("code"))
    assert before[0].session.rule is None


def test_times_are_measured_if_wanted() -> None:
    """A histogram goes on while it is wanted, and there is none otherwise."""
    serving = Site(settings()).serving
    serving.measure(True)
    first = serving.factory.shared.counters.reply_seconds
    serving.measure(True)
    assert first is not None
    assert serving.factory.shared.counters.reply_seconds is first
    serving.measure(False)
    assert serving.factory.shared.counters.reply_seconds is None


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets how many connections the process can have."""
    return lambda most: monkeypatch.setattr(
        "sockreply.daemon.serving.fit_descriptors", lambda wanted: min(wanted, most)
    )


def test_defaults_share_what_fits(fit: Callable[[int], None]) -> None:
    """Limits that were asked for hold; the others share the rest; it is told once."""
    fit(100)
    asked = settings(limits=Limits(max_connections=20), max_connections_asked=True)
    services = {"a": asked, "b": settings(), "c": settings()}
    with capturedLogs() as events:
        limits = fit_limits(services)
        assert fit_limits(services, told=20_020) == limits
    assert [each.max_connections for each in limits.values()] == [20, 40, 40]
    (line,) = texts(events)
    assert line == ("at most 100 connections of 3 services: the limit on open files allows no more")
    assert [event["log_level"].name for event in events] == ["info"]


def test_limits_that_were_asked_for_have_to_fit(fit: Callable[[int], None]) -> None:
    """If they do not, or leave nothing for the others, that is an error."""
    fit(100)
    asked = settings(limits=Limits(max_connections=100), max_connections_asked=True)
    with pytest.raises(CannotStart, match="allows 100"):
        fit_limits({"a": asked, "b": settings()})
    with pytest.raises(CannotStart, match="allows 100"):
        fit_limits({"a": asked, "b": asked})


def test_listeners_are_left_their_descriptors(fit: Callable[[int], None]) -> None:
    """More than a few take places of connections; if none is left, that is one line."""
    fit(1_000)
    many = settings(listen=expanded(ListenerSettings("tcp:1-516")))
    with capturedLogs():
        assert fit_limits({"a": settings(listen=many.listen[:16])})["a"].max_connections == 1_000
        assert fit_limits({"a": many})["a"].max_connections == 500
    line = (
        "60000 listeners do not fit the limit on open files, which allows 1016 listeners and "
        "connections together"
    )
    with pytest.raises(CannotStart, match=line):
        fit_limits({"a": settings(listen=expanded(ListenerSettings("tcp:1-60000")))})
    asked = settings(
        listen=many.listen, limits=Limits(max_connections=501), max_connections_asked=True
    )
    with pytest.raises(CannotStart, match="516 listeners do not fit"):
        fit_limits({"a": asked})


def test_other_connections_are_left_their_descriptors(fit: Callable[[int], None]) -> None:
    """Those of the metrics, say: services share what is left, if anything is."""
    fit(100)
    with capturedLogs():
        limits = fit_limits({"a": settings(), "b": settings()}, others=64)
    assert [each.max_connections for each in limits.values()] == [18, 18]
    with pytest.raises(CannotStart, match="allows 0"):
        fit_limits({"a": settings()}, others=101)
    asked = settings(limits=Limits(max_connections=36), max_connections_asked=True)
    assert fit_limits({"a": asked}, others=64)["a"].max_connections == 36
    with pytest.raises(CannotStart, match="allows 35"):
        fit_limits({"a": asked}, others=65)


def test_defaults_leave_room_for_commands(fit: Callable[[int], None]) -> None:
    """Where rules run commands, limits that nobody set leave room for these."""
    fit(1_000)
    services = {"a": settings()}
    assert fit_limits(services)["a"].max_connections == 1_000
    assert fit_limits(services, commands=True)["a"].max_connections == 808
    fit(10_192)
    with capturedLogs() as events:
        assert fit_limits(services, commands=True)["a"].max_connections == 10_000
    assert not events


def test_commands_have_to_wait_for_what_was_asked_for(fit: Callable[[int], None]) -> None:
    """A limit that was asked for holds, if there are descriptors for the connections alone."""
    fit(1_000)
    asked = settings(limits=Limits(max_connections=999), max_connections_asked=True)
    with capturedLogs() as events:
        assert fit_limits({"a": asked}, commands=True)["a"].max_connections == 999
    assert not events
    limits = fit_limits({"a": asked, "b": settings()}, commands=True)
    assert [each.max_connections for each in limits.values()] == [999, 1]
    with pytest.raises(CannotStart, match="allows 1000"):
        fit_limits({"a": asked, "b": settings(), "c": settings()}, commands=True)


class Ledger:
    """A responder of a user's that goes on where the one before it stopped."""

    def __init__(self) -> None:
        self.asked = 0

    def respond(self, message: bytes, session: Session) -> bytes:
        self.asked += 1
        return b"%d" % self.asked

    def take_over(self, before: object) -> None:
        """Count on, or say that this is another ledger's page."""
        if not isinstance(before, Ledger):
            raise LookupError("no page to go on from")
        self.asked = before.asked


def test_a_responder_takes_over_from_the_one_before() -> None:
    """One of a user's that can, is given the one before it, as the user made it."""
    site = Site(settings(responder=as_responder(Ledger), responder_in=None))
    connection = site.connect()
    assert site.ask(connection, b"x\ny\n") == b"1\n2\n"
    site.change(settings(responder=as_responder(Ledger), responder_in=None))
    assert site.ask(connection, b"z\n") == b"3\n"


def test_a_responder_that_cannot_take_over() -> None:
    """What it raises is logged with the service's name, and it answers all the same."""
    site = Site(settings("rules"))
    with capturedLogs() as events:
        site.change(settings(responder=as_responder(Ledger), responder_in=None))
    assert [event["log_format"] for event in events] == ["{service}: take_over failed"]
    assert events[0]["service"] == "s"
    assert site.ask(site.connect(), b"x\n") == b"1\n"
