"""The exchange log and its cap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.task import Clock
from twisted.logger import (
    LogEvent,
    capturedLogs,
)

from sockreply.observing.exchange_log import ExchangeLog
from sockreply.replies import Reply, Send, Wait
from sockreply.replies.session import TLS
from sockreply.rules.table import Rule, RuleTable
from sockreply.settings import EXCHANGES_A_SECOND, Level
from tests.rules.stand_ins import Says, StandInConnection, session
from tests.server.stand_ins import Talk, by_message, texts

PEER = "192.168.1.1:54321"


@pytest.fixture
def events() -> Iterator[Sequence[LogEvent]]:
    """What is logged during the test."""
    with capturedLogs() as captured:
        yield captured


def logged_talk(level: Level = "info", a_second: int = EXCHANGES_A_SECOND) -> tuple[Talk, Clock]:
    """A connection whose exchanges are shown, and the clock of their log."""
    clock = Clock()
    log = ExchangeLog(clock, level, a_second)
    return Talk(by_message(two=Reply(b"2", b"zwei"), none=None), exchanges=log), clock


def test_what_the_textbook_prints(events: Sequence[LogEvent]) -> None:
    """The address, the client, what was received and what was answered, in this order."""
    ExchangeLog(Clock()).listening(IPv4Address("TCP", "127.0.0.1", 12345))
    talk, _ = logged_talk()
    talk.say("안녕\ntwo\nnone\n".encode())
    talk.leave()
    assert texts(events) == [
        "listening on 127.0.0.1:12345",
        f"client {PEER} connected",
        f"received from {PEER}: '안녕'",
        f"answered {PEER}: '안녕'",
        f"received from {PEER}: 'two'",
        f"answered {PEER}: '2', 'zwei' (7 bytes sent)",
        f"received from {PEER}: 'none'",
        f"answered {PEER} with silence",
    ]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (IPv4Address("TCP", "127.0.0.1", 5999), "127.0.0.1:5901-5999"),
        (IPv6Address("TCP", "::1", 5999), "[::1]:5901-5999"),
    ],
)
def test_range_of_ports(events: Sequence[LogEvent], address: Any, shown: str) -> None:
    """That a service listens on many ports in a row is one line."""
    ExchangeLog(Clock()).listening(address, ports=99)
    ExchangeLog(Clock(), "warn").listening(address, ports=99)
    assert texts(events) == [f"listening on {shown} (99 ports)"]


def test_where_a_client_connected_to(events: Sequence[LogEvent]) -> None:
    """That is shown where it is in question; a field has it in any case."""
    talk, _ = logged_talk()
    log: Any = talk.factory.shared.exchanges
    log.connected(talk.session, where=True)
    assert texts(events) == [
        f"client {PEER} connected",
        f"client {PEER} connected to 10.0.0.1:12345",
    ]
    assert [event["local"] for event in events] == ["10.0.0.1:12345"] * 2


def test_service_that_never_answers(events: Sequence[LogEvent]) -> None:
    """Its log shows what it received, and not each time that there is no answer."""
    log = ExchangeLog(Clock())
    talk = Talk(exchanges=log)
    talk.factory.shared.dialect.responder = RuleTable([])
    talk.say(b"one\ntwo\n")
    assert texts(events)[1:] == [f"received from {PEER}: 'one'", f"received from {PEER}: 'two'"]
    talk.factory.shared.dialect.responder = RuleTable([Rule("all", None, Says(Reply()))])
    talk.say(b"three\n")
    assert texts(events)[-1] == f"answered {PEER} with silence"


def test_all_lines_have_one_namespace(events: Sequence[LogEvent]) -> None:
    """Whatever is told: where it listens, exchanges, what is not shown, and how clients leave."""
    talk, clock = logged_talk("debug", a_second=1)
    talk.factory.shared.exchanges.listening(IPv4Address("TCP", "127.0.0.1", 12345))
    talk.say(b"one\none more\n")
    talk.leave()
    clock.advance(1)
    assert len(events) == 6
    assert {event["log_namespace"] for event in events} == {"sockreply"}


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (b"\x1b[2J\rforged", r"'\x1b[2J\rforged'"),
        ("\u202egnp.exe".encode(), r"'\u202egnp.exe'"),
        (b"\xff\xc3", r"'\xff\xc3'"),
        (b"two\x0blines\x85", r"'two\x0blines\x85'"),
        (b"{peer}%s", "'{peer}%s'"),
        (b"x" * 300, f"'{'x' * 200}'... (300 bytes)"),
    ],
)
def test_peers_bytes_are_shown_safely(
    events: Sequence[LogEvent], message: bytes, shown: str
) -> None:
    """No peer can forge a line, drive a screen or fill a disk."""
    talk, _ = logged_talk()
    talk.say(message + b"\n")
    assert texts(events)[1:] == [f"received from {PEER}: {shown}", f"answered {PEER}: {shown}"]
    assert events[1]["size"] == len(message)


def test_newline_in_a_message(events: Sequence[LogEvent]) -> None:
    """A line end within a message does not end the log's line."""
    log = ExchangeLog(Clock())
    talk = Talk(framing="chunk", exchanges=log)
    talk.say(b"one\nERROR forged\n")
    assert texts(events)[1] == rf"received from {PEER}: 'one\nERROR forged\n'"


def test_cap(events: Sequence[LogEvent]) -> None:
    """So many exchanges are shown in a second, whole; the rest is told in one line at its end."""
    talk, clock = logged_talk(a_second=3)
    talk.say(b"x\n" * 10)
    lines = texts(events)
    assert len([line for line in lines if line.startswith("received")]) == 3
    assert len([line for line in lines if line.startswith("answered")]) == 3
    clock.advance(0.999)
    assert len(texts(events)) == len(lines)
    clock.advance(0.001)
    assert texts(events)[len(lines) :] == [
        "not shown in this second: 7 more exchanges, 0 more clients"
    ]
    talk.say(b"again\n")
    assert texts(events)[-2:] == [f"received from {PEER}: 'again'", f"answered {PEER}: 'again'"]


def test_cap_of_clients(events: Sequence[LogEvent]) -> None:
    """Clients are counted apart from exchanges, against the same number."""
    talk, clock = logged_talk(a_second=3)
    for _ in range(9):
        talk.factory.buildProtocol(None).makeConnection(type(talk.transport)())
    talk.say(b"x\n")
    assert len([line for line in texts(events) if line.endswith("connected")]) == 3
    assert texts(events)[-1].startswith("answered")
    clock.advance(1)
    assert texts(events)[-1] == "not shown in this second: 0 more exchanges, 7 more clients"


def test_every_second_is_capped(events: Sequence[LogEvent]) -> None:
    """The number holds in every second, and every second's line tells of that second."""
    talk, clock = logged_talk(a_second=2)
    for _ in range(3):
        talk.say(b"x\n" * 6)
        clock.advance(1)
    lines = texts(events)
    assert len([line for line in lines if line.startswith("received")]) == 6
    summary = "not shown in this second: 4 more exchanges, 0 more clients"
    assert [line for line in lines if line.startswith("not shown")] == [summary] * 3


def test_nothing_hidden_nothing_said(events: Sequence[LogEvent]) -> None:
    """Where all was shown there is no line about the rest, and no timer runs on."""
    talk, clock = logged_talk()
    talk.say(b"x\n")
    clock.advance(1)
    assert not any("not shown" in line for line in texts(events))
    assert not clock.getDelayedCalls()


def test_answer_of_an_exchange_that_was_shown(events: Sequence[LogEvent]) -> None:
    """An exchange that was shown is shown to its end, though the number is used up."""
    talk, _ = logged_talk(a_second=1)
    talk.say(b"two\n")
    assert texts(events)[-2:] == [
        f"received from {PEER}: 'two'",
        f"answered {PEER}: '2', 'zwei' (7 bytes sent)",
    ]


def test_close_tells_the_rest(events: Sequence[LogEvent]) -> None:
    """At the end what was not shown is told without waiting for the second."""
    talk, clock = logged_talk(a_second=1)
    talk.say(b"x\n" * 3)
    talk.factory.shared.exchanges.close()  # type: ignore[attr-defined]
    assert texts(events)[-1] == "not shown in this second: 2 more exchanges, 0 more clients"
    assert not clock.getDelayedCalls()
    talk.factory.shared.exchanges.close()  # type: ignore[attr-defined]
    assert len([line for line in texts(events) if "not shown" in line]) == 1


def test_warn_is_silent(events: Sequence[LogEvent]) -> None:
    """At "warn" nothing of the exchanges is logged, whatever happens."""
    talk, clock = logged_talk("warn")
    log: Any = talk.factory.shared.exchanges
    log.listening(IPv4Address("TCP", "127.0.0.1", 12345))
    talk.say(b"x\nnone\n" * 100)
    talk.leave()
    clock.advance(10)
    log.close()
    assert not events
    assert not clock.getDelayedCalls()


def test_debug_shows_the_ends(events: Sequence[LogEvent]) -> None:
    """At "debug" the end of a connection is shown too, with its reason."""
    talk, _ = logged_talk("debug")
    talk.leave()
    assert texts(events, "debug") == [f"client {PEER} disconnected: peer"]


def test_ends_are_capped_too(events: Sequence[LogEvent]) -> None:
    """Ends are shown up to the same number a second."""
    talk, _ = logged_talk("debug", a_second=2)
    log: Any = talk.factory.shared.exchanges
    for _ in range(5):
        log.disconnected(talk.session, "peer")
    assert len(texts(events, "debug")) == 2


def test_lines_of_a_service_with_a_name(events: Sequence[LogEvent]) -> None:
    """Lines of a service with a name begin with it; a field tells it in any case."""
    talk, _ = logged_talk("debug")
    talk.factory.shared.name = "scale"
    log: Any = talk.factory.shared.exchanges
    log.connected(talk.session)
    talk.say(b"x\nnone\n")
    log.abandoned(talk.session, None)
    log.remarked(talk.session, lambda: "no rule matches")
    talk.leave()
    assert texts(events)[1:] == [
        f"scale: client {PEER} connected",
        f"scale: received from {PEER}: 'x'",
        f"scale: answered {PEER}: 'x'",
        f"scale: received from {PEER}: 'none'",
        f"scale: answered {PEER} with silence",
        f"scale: no answer to {PEER}: the connection ended first",
        f"scale: {PEER}: no rule matches",
        f"scale: client {PEER} disconnected: peer",
    ]
    assert [event["service"] for event in events] == ["default"] + ["scale"] * 8


def test_rule_as_a_field(events: Sequence[LogEvent]) -> None:
    """What answered is a field of the answer, or of the silence."""
    talk, _ = logged_talk()
    talk.session.rule = "unit"
    talk.say(b"x\nnone\n")
    assert [event["rule"] for event in events if "rule" in event] == ["unit", "unit"]


def test_default_is_no_name(events: Sequence[LogEvent]) -> None:
    """The service of a daemon without a file is not named in the text."""
    talk, _ = logged_talk()
    talk.factory.shared.name = "default"
    talk.say(b"x\n")
    assert texts(events)[-1] == f"answered {PEER}: 'x'"
    assert events[-1]["service"] == "default"


def test_remark(events: Sequence[LogEvent]) -> None:
    """What is to be said of a message is said with the peer, and cannot forge a line."""
    talk, _ = logged_talk()
    log: Any = talk.factory.shared.exchanges
    log.remarked(talk.session, lambda: "nearest is unit: \x1b[2J")
    assert texts(events)[-1] == rf"{PEER}: nearest is unit: \x1b[2J"


def test_failures_are_logged_by_the_service(events: Sequence[LogEvent]) -> None:
    """The log adds nothing to the service's own line."""
    talk, _ = logged_talk()
    log: Any = talk.factory.shared.exchanges
    log.failed(talk.session, "no", None)
    assert len(events) == 1


def test_hidden_by_0_a_second_is_told_every_second(events: Sequence[LogEvent]) -> None:
    """Where no exchange is shown, every second tells how many there were, until all have left."""
    talk, clock = logged_talk(a_second=0)
    for count in (1, 0, 0, 3):
        talk.say(b"x\n" * count)
        clock.advance(1)
    told = "not shown in this second: {} more exchanges, {} more clients"
    assert texts(events) == [told.format(1, 1), told.format(3, 0)]
    talk.leave()
    clock.advance(1)
    clock.advance(1)
    assert not clock.getDelayedCalls()


def test_configure_at_once(events: Sequence[LogEvent]) -> None:
    """Another level and number hold at once, and what is untold then is told before."""
    talk, clock = logged_talk(a_second=1)
    log: Any = talk.factory.shared.exchanges
    talk.say(b"x\n" * 3)
    log.configure("debug", 2)
    assert texts(events)[-1] == "not shown in this second: 2 more exchanges, 0 more clients"
    del events[:]  # type: ignore[attr-defined]
    talk.say(b"y\n" * 3)
    assert len(events) == 4
    log.configure("warn", 2)
    talk.say(b"z\n" * 3)
    clock.advance(5)
    assert texts(events)[4:] == ["not shown in this second: 1 more exchanges, 0 more clients"]
    assert not clock.getDelayedCalls()
    log.configure("info", 2)
    assert len(events) == 5  # at "warn" nothing is counted for later
    talk.say(b"z\n")
    assert len(events) == 7


def test_configure_0_a_second_while_there_are_clients(events: Sequence[LogEvent]) -> None:
    """Connections that are there before the number becomes 0 are told of every second too."""
    talk, clock = logged_talk()
    log: Any = talk.factory.shared.exchanges
    clock.advance(1)
    log.configure("info", 0)
    talk.say(b"x\n" * 3)
    clock.advance(1)
    assert texts(events)[-1] == "not shown in this second: 3 more exchanges, 0 more clients"
    log.close()
    assert not clock.getDelayedCalls()


def test_exchange_in_progress_when_the_log_falls_silent(events: Sequence[LogEvent]) -> None:
    """An exchange whose beginning was shown is shown to its end."""
    clock = Clock()
    log = ExchangeLog(clock)
    talk = Talk(by_message(slow=Reply(Wait(1), Send(b"done"))), exchanges=log)
    talk.say(b"slow\n")
    log.configure("warn", 50)
    talk.clock.advance(1)
    assert texts(events)[-1] == f"answered {PEER}: 'done'"


def test_nothing_shown_is_told_at_the_end(events: Sequence[LogEvent]) -> None:
    """A log that shows no exchange still tells how many there were."""
    clock = Clock()
    log = ExchangeLog(clock, a_second=0)
    log.hidden = 7
    log.close()
    assert texts(events) == ["not shown in this second: 7 more exchanges, 0 more clients"]
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("level", "known", "text"),
    [
        ("debug", TLS("TLSv1.3", "x", None), "client 192.0.2.1:40000 speaks TLSv1.3"),
        (
            "debug",
            TLS("TLSv1.2", "x", b"not DER", "a\nb"),
            r"client 192.0.2.1:40000 speaks TLSv1.2 to a\nb as ",
        ),
        ("info", TLS("TLSv1.3", "x", None), None),
        ("debug", None, None),
    ],
)
def test_tls(level: Level, known: TLS | None, text: str | None) -> None:
    """At debug, what a client speaks, whom it wants and who it is; no name can forge a line."""
    log = ExchangeLog(Clock(), level)
    with capturedLogs() as events:
        log.secured(session(connection=StandInConnection(tls=known)))
    assert texts(events) == ([] if text is None else [text])
