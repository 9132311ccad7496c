"""What can be read of a daemon over HTTP."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogEvent, LogLevel, capturedLogs

import sockreply
from sockreply.conversation.counters import Histogram
from sockreply.conversation.shared import Shared
from sockreply.observing.metrics import _KINDS, TIMEOUT, metrics_site
from sockreply.replies import Await, Reply, Wait, as_responder
from sockreply.rules.replies import Constant, Recipe, SendPart
from sockreply.rules.table import Rule, RuleTable
from sockreply.server import ReplyFactory
from tests.server.stand_ins import FakeTransport, Talk, by_message

Samples = dict[tuple[str, tuple[str, ...]], float]
"""What was measured, by the name and the values of the labels, these by the order of their names,
but with the service first."""


class Daemon:
    """What is watched."""

    def __init__(self, **factories: ReplyFactory) -> None:
        self.factories = factories
        self.ready = True
        self.reloads: Counter[str] = Counter()
        self.record_lost = 0

    def services(self) -> dict[str, Shared]:
        return {name: factory.shared for name, factory in self.factories.items()}


class Browser:
    """Asks a site over memory.

    Args:
        daemon: What is watched.
    """

    def __init__(self, daemon: Daemon) -> None:
        self.clock = Clock()
        self.site = metrics_site(daemon, self.clock)
        self.site.startFactory()
        self.connect()

    def connect(self) -> None:
        """Make a connection."""
        self.transport = StringTransport()
        self.channel: Any = self.site.buildProtocol(None)
        self.channel.makeConnection(self.transport)

    def ask(self, path: str, method: str = "GET", more: bytes = b"\r\n") -> tuple[int, str, str]:
        """Ask for a page; gives the status, the header and the body."""
        self.transport.clear()
        self.channel.dataReceived(f"{method} {path} HTTP/1.1\r\nHost: x\r\n".encode() + more)
        head, _, body = self.transport.value().partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode().lower(), body.decode()


def scrape(daemon: Daemon) -> Samples:
    """What is measured."""
    status, _, body = Browser(daemon).ask("/metrics")
    assert status == 200
    samples: Samples = {}
    for family in text_string_to_metric_families(body):
        assert family.documentation.endswith("."), family.name
        for sample in family.samples:
            labels = sorted(sample.labels.items(), key=lambda label: (label[0] != "service", label))
            key = sample.name, tuple(value for _, value in labels)
            assert key not in samples
            samples[key] = sample.value
    return samples


def served(**replies: object) -> Talk:
    """A connection to a service."""
    return Talk(by_message(**replies))


@pytest.fixture
def events() -> Iterator[list[LogEvent]]:
    """What is logged during the test."""
    with capturedLogs() as captured:
        yield captured  # type: ignore[misc]


def test_counts() -> None:
    """All that is counted of a service is there, under its name."""
    talk = served(none=None, bad=Reply(Await(None)))  # type: ignore[arg-type]
    talk.say(b"x\nnone\n")
    with capturedLogs():
        talk.say(b"bad\n")
    talk.factory.buildProtocol(None).makeConnection(FakeTransport())
    samples = scrape(Daemon(scale=talk.factory))
    found = {key[0]: value for key, value in samples.items() if key[1] == ("scale",)}
    assert found == {
        "sockreply_connections": 2,
        "sockreply_connections_total": 2,
        "sockreply_messages_total": 3,
        "sockreply_replies_total": 1,
        "sockreply_silences_total": 1,
        "sockreply_received_bytes_total": 11,
        "sockreply_sent_bytes_total": 2,
        "sockreply_dropped_bytes_total": 0,
    }
    assert samples["sockreply_errors_total", ("scale", "reply")] == 1


def test_kinds_begin_at_0() -> None:
    """What can be told before it happens is there before it happens."""
    samples = scrape(Daemon(default=served().factory))
    for kinds in _KINDS:
        for kind in kinds.known.split():
            assert samples[f"sockreply_{kinds.name}_total", ("default", kind)] == 0
    assert samples["sockreply_reloads_total", ("good",)] == 0
    assert samples["sockreply_reloads_total", ("bad",)] == 0
    assert samples["sockreply_record_lost_total", ()] == 0
    assert samples["sockreply_build_info", (version("sockreply"),)] == 1


def test_kinds_are_all_that_are_known() -> None:
    """Every reason and kind that the code names is one that begins at 0."""
    source = Path(sockreply.__file__).parent
    answering = [*source.glob("conversation/*.py"), *source.glob("server/*.py")]
    code = "\n".join(path.read_text() for path in answering)
    code += Path(sockreply.__file__).with_name("errors.py").read_text()
    named = " ".join(re.findall(r'(?:\.close|\.abort|_too_slow)\("[^)\n]*|why = ".*', code))
    known = {kinds.name: set(kinds.known.split()) for kinds in _KINDS}
    of_framing = set(re.findall(r'^    kind = "(\w+)"', code, re.MULTILINE)) - {"framing"}
    assert set(re.findall(r'"(\w+)"', named)) | of_framing == known["closed"]
    assert of_framing | set(re.findall(r'errors\["(\w+)"\]', code)) < known["errors"]


def test_sums_add_up() -> None:
    """Connections and messages are all accounted for."""
    never = Reply(Wait(99))
    talk = served(none=None, bad=Reply(Await(None)), never=never)  # type: ignore[arg-type]
    with capturedLogs():
        for messages in (b"x\nnone\nbad\n", b"x\ny\n", b"never\n", b"none\n"):
            protocol = talk.factory.buildProtocol(None)
            protocol.makeConnection(FakeTransport())
            protocol.dataReceived(messages)
            if messages != b"none\n":
                protocol.abort("reset")
                protocol.connectionLost()
    samples = scrape(Daemon(a=talk.factory))

    def total(name: str, *kinds: str) -> float:
        names = [key for key in samples if key[0] == f"sockreply_{name}"]
        return sum(samples[key] for key in names if not kinds or key[1][-1] in kinds)

    assert total("connections_total") == total("closed_total") + total("connections") == 5
    answered = total("replies_total") + total("silences_total")
    unanswered = total("errors_total", "reply", "reply_timeout", "abandoned")
    assert total("messages_total") == answered + unanswered == 7


def test_several_services() -> None:
    """Each service has its own counts."""
    one, two = served(), served()
    two.say(b"x\n")
    samples = scrape(Daemon(one=one.factory, two=two.factory))
    assert samples["sockreply_messages_total", ("one",)] == 0
    assert samples["sockreply_messages_total", ("two",)] == 1


def test_daemon_without_services() -> None:
    """What is about the daemon is there without any."""
    daemon = Daemon()
    daemon.reloads["bad"], daemon.record_lost = 2, 3
    samples = scrape(daemon)
    assert samples["sockreply_reloads_total", ("bad",)] == 2
    assert samples["sockreply_record_lost_total", ()] == 3


def table(*names: str) -> RuleTable:
    """Rules without conditions."""
    return RuleTable([Rule(name, None, Recipe([SendPart(Constant(b"x"))])) for name in names])


def test_rules() -> None:
    """Each rule tells how often it answered, from 0, and the service how often none did."""
    talk = Talk()
    talk.factory.shared.dialect.responder = rules = table("first", "second")
    talk.say(b"x\ny\n")
    rules.unmatched = 5
    samples = scrape(Daemon(a=talk.factory, b=served().factory))
    found = {key[1]: value for key, value in samples.items() if "rule" in key[0]}
    assert found == {("a", "first"): 2, ("a", "second"): 0, ("a", "otherwise"): 5}


def test_rules_of_one_name() -> None:
    """Rules that cannot be told apart are counted together: a scrape has each name once."""
    talk = Talk()
    talk.factory.shared.dialect.responder = rules = table("twice", "twice", "otherwise")
    rules.unmatched = 1
    for rule in rules.rules:
        rule.matches = 2
    samples = scrape(Daemon(a=talk.factory))
    assert samples["sockreply_rule_matches_total", ("a", "twice")] == 4
    assert samples["sockreply_rule_matches_total", ("a", "otherwise")] == 3


class Tally:
    """A responder of a user's that counts.

    Args:
        counts: What it gives as its counts; an error is raised instead.
    """

    def __init__(self, counts: object) -> None:
        self._counts = counts

    def respond(self, message: bytes, session: object) -> bytes:
        return message

    def counts(self) -> object:
        """What it was made with."""
        if isinstance(self._counts, BaseException):
            raise self._counts
        return self._counts


def test_counts_of_a_responder() -> None:
    """One that counts by name, such as a user's, is read like a table of rules."""
    talk = Talk()
    talk.factory.shared.dialect.responder = as_responder(Tally({"good": 3, "bad\ud800": 1}))
    samples = scrape(Daemon(a=talk.factory))
    found = {key[1]: value for key, value in samples.items() if "rule" in key[0]}
    assert found == {("a", "good"): 3, ("a", "bad\\ud800"): 1}


@pytest.mark.parametrize(
    "counts",
    [
        *(LookupError("none"), SystemExit(3), None, [1]),
        *({"x": "many"}, {"x": "7"}, {3: 4}, {"x": -5}, {"x": 1.9}, {"x": 10**400}),
    ],
)
def test_counts_that_cannot_be_read(counts: object) -> None:
    """They are left out, with a line in the log; all else is there."""
    talk = Talk()
    talk.factory.shared.dialect.responder = as_responder(Tally(counts))
    with capturedLogs() as events:
        samples = scrape(Daemon(a=talk.factory))
    assert not [key for key in samples if "rule" in key[0]]
    assert samples["sockreply_messages_total", ("a",)] == 0
    said = "{service}: the counts of its responder cannot be read"
    assert [event["log_format"] for event in events] == [said]


def test_seconds() -> None:
    """Times of replies are told where they are measured, in ranges that include the lower ones."""
    measured, other = served(), served()
    histogram = measured.counters.reply_seconds = Histogram((0.001, 0.1))
    for seconds in (0.0005, 0.001, 0.05, 7):
        histogram.observe(seconds)
    samples = scrape(Daemon(a=measured.factory, b=other.factory))
    found = {key: value for key, value in samples.items() if "seconds" in key[0]}
    name = "sockreply_reply_seconds"
    assert found == {
        (f"{name}_bucket", ("a", "0.001")): 2,
        (f"{name}_bucket", ("a", "0.1")): 3,
        (f"{name}_bucket", ("a", "+Inf")): 4,
        (f"{name}_count", ("a",)): 4,
        (f"{name}_sum", ("a",)): pytest.approx(7.0515),
    }


ANY_TEXT = st.text(st.characters(exclude_categories=()), min_size=1, max_size=9)


@given(st.dictionaries(ANY_TEXT, st.integers(1, 9)), ANY_TEXT)
def test_odd_names(names: dict[str, int], service: str) -> None:
    """Whatever rules, reasons and services are called, a scrape can be read and is complete."""
    talk = Talk()
    talk.factory.shared.dialect.responder = rules = table(*names)
    for rule in rules.rules:
        rule.matches = names[rule.name]
    talk.counters.closed.update(names)
    talk.counters.connections += sum(names.values())
    samples = scrape(Daemon(**{service: talk.factory}))
    by_name = {name: sum(v for key, v in samples.items() if key[0] == name) for name, _ in samples}
    assert by_name["sockreply_rule_matches_total"] == sum(names.values())
    assert by_name["sockreply_closed_total"] == sum(names.values())
    for name, count in names.items():
        told = tuple(each.encode(errors="backslashreplace").decode() for each in (service, name))
        assert samples["sockreply_rule_matches_total", told] == count


def test_format() -> None:
    """The page says which format it is, and each name has one type."""
    status, head, body = Browser(Daemon(a=served().factory)).ask("/metrics")
    assert status == 200
    assert "content-type: text/plain; version=0.0.4; charset=utf-8" in head
    types = [line.split()[2] for line in body.splitlines() if line.startswith("# TYPE")]
    assert len(types) == len(set(types))
    assert "sockreply_connections" in types
    assert "sockreply_connections_total" in types


@pytest.mark.parametrize(
    ("path", "ready", "status", "body"),
    [
        ("/healthz", True, 200, "ok\n"),
        ("/healthz", False, 200, "ok\n"),
        ("/readyz", True, 200, "ready\n"),
        ("/readyz", False, 503, "draining\n"),
        ("/", True, 200, "/metrics\n/healthz\n/readyz\n"),
        ("/readyz?verbose", True, 200, "ready\n"),
        ("/other", True, 404, "there are /metrics, /healthz and /readyz\n"),
        ("/metrics/", True, 404, "there are /metrics, /healthz and /readyz\n"),
        ("//", True, 404, "there are /metrics, /healthz and /readyz\n"),
    ],
)
def test_pages(path: str, ready: bool, status: int, body: str) -> None:
    """What is found where."""
    daemon = Daemon()
    daemon.ready = ready
    found = Browser(daemon).ask(path)
    assert (found[0], found[2]) == (status, body)
    assert "content-type: text/plain" in found[1]


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz", "/readyz", "/other"])
def test_head(path: str, events: list[LogEvent]) -> None:
    """HEAD tells what GET would, without the body."""

    def but_the_date(head: str) -> list[str]:
        return [line for line in head.splitlines() if not line.startswith("date:")]

    browser = Browser(Daemon(a=served().factory))
    status, head, body = browser.ask(path)
    del events[:]
    told = browser.ask(path, "HEAD")
    assert (told[0], but_the_date(told[1]), told[2]) == (status, but_the_date(head), "")
    assert f"content-length: {len(body)}" in head
    assert not events


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "ODD"])
def test_other_methods(method: str) -> None:
    """Nothing can be changed."""
    status, head, _ = Browser(Daemon()).ask("/metrics", method)
    assert status == 405
    assert "allow: get, head" in head


def test_several_requests_on_a_connection() -> None:
    """A connection is kept for the next scrape."""
    browser = Browser(Daemon())
    assert browser.ask("/healthz")[0] == browser.ask("/metrics")[0] == 200


def test_bodies_are_not_kept() -> None:
    """However much is sent with a request, nothing of it is stored or read."""
    browser = Browser(Daemon())
    form = b"Content-Type: application/x-www-form-urlencoded\r\n"
    head = form + b"Content-Length: 1000000\r\n\r\n"
    browser.transport.clear()
    browser.channel.dataReceived(b"POST / HTTP/1.1\r\nHost: x\r\n" + head)
    request = browser.channel._channel.requests[0]
    for _ in range(99):
        browser.channel.dataReceived(b"x" * 10_000)
    assert request.content.getvalue() == b""
    browser.channel.dataReceived(b"x" * 10_000)
    assert b" 405 " in browser.transport.value()


def test_long_requests_are_refused() -> None:
    """A head without an end is not read for ever."""
    browser = Browser(Daemon())
    browser.channel.dataReceived(b"GET / HTTP/1.1\r\n")
    for _ in range(2_000):
        if not browser.transport.disconnecting:
            browser.channel.dataReceived(b"X: " + b"x" * 100 + b"\r\n")
    assert browser.transport.disconnecting


def test_silent_peers_are_let_go() -> None:
    """Who asks nothing for the time that is given is disconnected."""
    browser = Browser(Daemon())
    browser.clock.advance(TIMEOUT - 1)
    assert not browser.transport.disconnecting
    browser.clock.advance(1)
    assert browser.transport.disconnecting


def test_quiet(events: list[LogEvent]) -> None:
    """Nothing is logged of who asks, and nothing runs while nobody does."""
    browser = Browser(Daemon())
    assert not browser.site.noisy
    browser.ask("/metrics")
    browser.ask("/other")
    browser.channel.connectionLost(None)
    assert not events
    assert not browser.clock.getDelayedCalls()
    browser.site.stopFactory()


def test_error_of_ours(events: list[LogEvent]) -> None:
    """An error while a page is made is logged, and the peer learns nothing of it."""
    daemon = Daemon()
    daemon.factories = None  # type: ignore[assignment]
    status, _, body = Browser(daemon).ask("/metrics")
    assert status == 500
    assert "Traceback" not in body
    assert "NoneType" not in body
    assert [event["log_level"] for event in events] == [LogLevel.critical]


def test_no_reactor_is_installed() -> None:
    """Making a site, and asking it, leaves the choice of a reactor open."""
    code = """
import sys
from tests.observing.test_metrics import Browser, Daemon
Browser(Daemon()).ask("/metrics")
assert "twisted.internet.reactor" not in sys.modules
"""
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=root)
