"""Which rule answers, and why the others do not."""

from __future__ import annotations

import re
from ipaddress import ip_network

import pytest

from sockreply.errors import TemplateFailed
from sockreply.framing import parse_framing
from sockreply.rules.asked import Asked
from sockreply.rules.conditions import (
    AllOf,
    Contains,
    Equals,
    Length,
    Mask,
    PeerIn,
    Regex,
    StartsWith,
)
from sockreply.rules.explaining.explain import Explanation, explain, imagined_session
from sockreply.rules.explaining.imagined import LOCAL
from sockreply.rules.replies import InTurn
from sockreply.rules.table import Rule, RuleTable
from tests.rules.stand_ins import Makes, Says, StandInConnection, session

IDENTIFY = Rule("identify", Equals(Mask.of(b"*IDN?")), Says(b"ACME"))


def explained(table: RuleTable, message: bytes, state: str | None = None) -> Explanation:
    """The explanation for a connection's first message."""
    return explain(table, message, imagined_session(parse_framing("line"), state=state))


def said(*rules: Rule, message: bytes = b"m") -> list[str]:
    """What is said of a message, line by line."""
    return list(explained(RuleTable(rules), message).lines())


def test_a_rule_answers() -> None:
    """Those before it say why they do not, those behind it that nobody asked."""
    explanation = explained(
        RuleTable(
            [
                Rule("short", Length(1, 2), Says(b"")),
                IDENTIFY,
                Rule("rest", None, Says(b"")),
            ],
            otherwise=Says(b"ERR"),
        ),
        b"*IDN?",
    )
    assert explanation.answered
    assert explanation.by == "identify"
    assert list(explanation.lines()) == [
        "short: does not match - length is 5, not 1 to 2",
        "identify: answers",
        "rest: not reached",
        "identify:",
        "  says b'ACME'",
    ]


def test_no_rule_answers() -> None:
    """The nearest is named, and what is said instead."""
    table = RuleTable([IDENTIFY, Rule("short", Length(9, 9), Says(b""))], otherwise=Says(b"ERR"))
    explanation = explained(table, b"*IDX?")
    assert not explanation.answered
    assert explanation.by == "otherwise"
    assert list(explanation.lines()) == [
        "identify: does not match - equals: byte 3 (from 0) is 0x58 'X', not 0x4e 'N'",
        "short: does not match - length is 5, not 9",
        "no rule answers; nearest is identify: equals: byte 3 (from 0) is 0x58 'X', not 0x4e 'N'",
        "otherwise:",
        "  says b'ERR'",
    ]


def test_what_was_asked_is_nearer_than_what_comes_first() -> None:
    """Neither a length, nor another command that begins alike, is nearer than blanks or case."""
    rules = [
        Rule("long", Length(8, 99), Says(b"")),
        Rule("idle", Equals(b"*idle?"), Says(b"")),
        Rule("more", StartsWith(b"*IDN? ALL"), Says(b"")),
        Rule("peer", AllOf([PeerIn([ip_network("127.0.0.0/8")]), Contains(b"?!")]), Says(b"")),
        Rule("any", None, Says(b""), states=frozenset({"ready"})),
        IDENTIFY,
        Rule("self test", Equals(b"*TST?"), Says(b"")),
    ]
    nearest = "no rule answers; nearest is identify: equals: "
    blank = f"{nearest}1 byte too long; it differs only in white space"
    case = f"{nearest}byte 1 (from 0) is 0x69 'i', not 0x49 'I'; it differs only in case"
    for message, line in ((b"*IDN? ", blank), (b"*idn?", case)):
        for order in (rules, rules[::-1]):
            assert said(*order, message=message)[-2] == line
            connection = StandInConnection(LOCAL)
            RuleTable(order).respond(message, session(connection=connection))
            assert connection.remarks == [line.replace("answers", "matches")]  # so does the log


def test_silence() -> None:
    """Without a reply for that, and without rules, there is silence; none has to be near."""
    assert said(IDENTIFY, message=b"") == [
        "identify: does not match - equals: 5 bytes too short",
        "no rule answers",
        "silence",
    ]
    assert said() == ["there are no rules", "silence"]


def test_states() -> None:
    """A rule that counts in another state says in which; one that changes it says to what."""
    ready = frozenset({"ready", "done"})
    table = RuleTable(
        [
            Rule("stateful", None, Says(b"1"), states=ready),
            Rule("both", Length(9, 9), Says(b"1"), states=ready),
            Rule("begin", None, Says(b"2"), next_state="ready"),
        ]
    )
    assert list(explained(table, b"m").lines()) == [
        "stateful: not in state done or ready - the state is start, not done or ready",
        "both: does not match - length is 1, not 9",
        "begin: answers - the state becomes ready",
        "begin:",
        "  says b'2'",
    ]
    assert explained(table, b"m", "ready").by == "stateful"


def test_chances() -> None:
    """A rule with a chance may answer; who does if not is told too."""
    rare = Rule("rare", None, Says(b"1"), chance=0.1)
    assert said(rare, Rule("rest", None, Says(b"2"))) == [
        "rare: may answer (chance 0.1)",
        "rest: answers",
        "rest:",
        "  says b'2'",
    ]
    assert said(rare) == [
        "rare: may answer (chance 0.1)",
        "no rule is certain to answer",
        "silence",
    ]
    assert said(rare, IDENTIFY)[2] == "no rule is certain to answer"
    assert said(rare, IDENTIFY, message=b"*IDN")[2] == (
        "no rule is certain to answer; nearest is identify: equals: 1 byte too short"
    )


def test_the_reply_knows_what_its_own_rule_found() -> None:
    """The groups of a regex are those of the rule that answers, not of one that only might."""
    maybe = Rule("maybe", Regex(re.compile(b"(m)")), Says(b""), chance=0.5)
    groups = Makes(lambda asked: b"none" if asked.match is None else asked.match[1])
    assert said(maybe, Rule("rest", None, groups))[-1] == "  makes b'none'"
    assert said(Rule("regex", Regex(re.compile(b"(.)")), groups))[-1] == "  makes b'm'"


def test_a_reply_that_fails() -> None:
    """A reply that cannot be made is told with the reason."""

    def fail(asked: Asked) -> bytes:
        raise TemplateFailed("'unit' is undefined")

    assert said(Rule("bad", None, Makes(fail)))[-2:] == [
        "bad:",
        "  fails: template: 'unit' is undefined",
    ]


def test_nothing_happens() -> None:
    """Nothing is counted, drawn, moved on or changed by explaining."""
    turns = InTurn([Says(b"1"), Says(b"2")], scope="service")
    table = RuleTable(
        [Rule("rare", None, Says(b""), chance=0.5), Rule("all", None, turns, next_state="next")],
        seed=1,
    )
    session = imagined_session(parse_framing("line"))
    drawn = table.asked(b"", session).random.getstate()
    assert explain(table, b"m", session) == explain(table, b"m", session)
    assert table.asked(b"", session).random.getstate() == drawn
    assert table.asked(b"", session).state == "start"
    assert [rule.matches for rule in table.rules] == [0, 0]
    assert session.rule is None


@pytest.mark.parametrize("message", [b"*IDN?", b"m"])
def test_the_same_rule_as_in_earnest(message: bytes) -> None:
    """What is explained is what happens."""
    table = RuleTable([IDENTIFY, Rule("one", Length(1, 1), Says(b""))])
    session = imagined_session(parse_framing("line"))
    explanation = explain(table, message, session)
    table.respond(message, session)
    assert session.rule == explanation.by
