"""What is counted of a daemon."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from twisted.logger import capturedLogs

import sockreply
from sockreply.conversation.counters import Histogram
from sockreply.observing.metrics import _KINDS, Counts
from sockreply.replies import Await, Reply, Wait, as_responder
from sockreply.rules.replies import Constant, Recipe, SendPart
from sockreply.rules.table import Rule, RuleTable
from tests.observing.stand_ins import Daemon, served
from tests.server.stand_ins import FakeTransport, Talk

Samples = dict[tuple[str, tuple[str, ...]], float]
"""What was measured, by the name and the values of the labels, these by the order of their names,
but with the service first."""


def only(counts: Counts) -> CollectorRegistry:
    """A registry of nothing else."""
    registry = CollectorRegistry()
    registry.register(counts)
    return registry


def scrape(daemon: Daemon) -> Samples:
    """What is measured."""
    body = generate_latest(only(Counts(daemon))).decode()
    samples: Samples = {}
    for family in text_string_to_metric_families(body):
        assert family.documentation.endswith("."), family.name
        for sample in family.samples:
            labels = sorted(sample.labels.items(), key=lambda label: (label[0] != "service", label))
            key = sample.name, tuple(value for _, value in labels)
            assert key not in samples
            samples[key] = sample.value
    return samples


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


def test_each_name_has_one_type() -> None:
    """A gauge and a counter may differ in `_total` only."""
    body = generate_latest(only(Counts(Daemon(a=served().factory)))).decode()
    types = [line.split()[2] for line in body.splitlines() if line.startswith("# TYPE")]
    assert len(types) == len(set(types))
    assert "sockreply_connections" in types
    assert "sockreply_connections_total" in types
