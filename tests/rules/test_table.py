"""Tables of rules as responders."""

from __future__ import annotations

import ast
import gc
import re
import weakref
from pathlib import Path
from random import Random

import pytest

import sockreply
from sockreply.replies import Close, Reply
from sockreply.rules.asked import Asked
from sockreply.rules.conditions import Condition, Equals, Mask, Miss, Regex, StartsWith
from sockreply.rules.replies import InTurn
from sockreply.rules.table import Rule, RuleTable
from tests.rules.stand_ins import Makes, Says, StandInConnection, session


def equals(message: bytes, ignore_case: bool = False) -> Condition:
    """The condition of most rules."""
    return Equals(Mask.of(message), ignore_case)


STATES = [
    Rule("log in", equals(b"login"), Says(b"welcome"), frozenset({"start"}), "in"),
    Rule("log out", equals(b"logout"), Says(b"bye"), frozenset({"in"}), "start"),
]


def test_the_first_rule_answers() -> None:
    """The first in the file counts; what it sends is what its source gives."""
    silence = Reply()
    table = RuleTable(
        [
            Rule("one", equals(b"1"), Says(b"first")),
            Rule("again", equals(b"1"), Says(b"second")),
            Rule("silent", equals(b"2"), Says(silence)),
            Rule("empty", equals(b"3"), Says(b"")),
            Rule("rest", None, Makes(lambda asked: asked.message.upper())),
        ]
    )
    connection = session()
    assert table.respond(b"1", connection) == b"first"
    assert connection.rule == "one"
    assert table.respond(b"2", connection) is silence
    assert table.respond(b"3", connection) == b""
    assert table.respond(b"more", connection) == b"MORE"
    assert connection.rule == "rest"
    assert [rule.matches for rule in table.rules] == [1, 0, 1, 1, 1]
    assert table.unmatched == 0


def test_a_plain_rule_leaves_no_trace() -> None:
    """Where looking up is enough nothing is remembered of the connection."""
    table = RuleTable(
        [
            Rule("exact", equals(b"1"), Says(b"a")),
            Rule("any case", equals(b"AB", True), Says(b"b")),
            Rule("rest", None, Says(b"c")),
        ]
    )
    connection = session()
    replies = [table.respond(message, connection) for message in (b"1", b"aB", b"x")]
    assert replies == [b"a", b"b", b"c"]
    assert connection.rule == "rest"
    assert connection.state == {}
    assert [rule.matches for rule in table.rules] == [1, 1, 1]


def test_a_plain_rule_that_makes_its_reply() -> None:
    """Where looking up is enough its reply knows no less, and counts as it does elsewhere."""

    def make(asked: Asked) -> bytes:
        assert asked.match is None
        return b"%b %b %d" % (asked.message, asked.state.encode(), asked.session.count)

    table = RuleTable(
        [
            Rule("exact", equals(b"1"), Makes(make)),
            Rule("any case", equals(b"AB", True), Makes(make)),
            Rule("log in", equals(b"login"), Says(b"welcome"), next_state="in"),
            Rule("in turn", None, InTurn([Makes(make), Says(b"last")])),
        ]
    )
    connection = session(count=7)
    messages = (b"1", b"login", b"1", b"aB", b"x", b"y")
    replies = [table.respond(message, connection) for message in messages]
    assert replies == [b"1 start 7", b"welcome", b"1 in 7", b"aB in 7", b"x in 7", b"last"]
    assert connection.rule == "in turn"
    assert [rule.matches for rule in table.rules] == [2, 1, 1, 2]


def test_description_without_otherwise() -> None:
    """What happens without a rule is not said where one answers every message."""
    fixed, made = Rule("all", None, Says(b"")), Rule("all", None, Makes(lambda asked: b""))
    for rule in (fixed, made):
        assert list(RuleTable([rule]).describe()) == ["1 rule", "rule all: every message"]
    assert list(RuleTable(STATES).describe())[-1] == "otherwise silence"


def test_nothing_matches() -> None:
    """A message that no rule answers meets silence and is counted."""
    table = RuleTable([Rule("one", equals(b"1"), Says(b"first"))])
    connection = session()
    connection.rule = "of the message before"
    assert table.respond(b"2", connection) == Reply()
    assert connection.rule is None
    assert (table.unmatched, table.rules[0].matches) == (1, 0)


def test_otherwise() -> None:
    """A reply for what no rule answers; it is counted as unmatched all the same."""
    made: list[Asked] = []

    def make(asked: Asked) -> Reply:
        made.append(asked)
        return Reply(asked.message, Close())

    regex = Rule("never", Regex(re.compile(b"m")), Says(b""), chance=0)
    table = RuleTable([regex], otherwise=Makes(make))
    connection = session()
    assert table.respond(b"m", connection) == Reply(b"m", Close())
    assert connection.rule == "otherwise"
    assert table.unmatched == 1
    assert made[0].match is None


def test_what_a_reply_knows() -> None:
    """A reply sees the message, its connection and state, and what the regex found."""
    seen: list[Asked] = []

    def make(asked: Asked) -> bytes:
        seen.append(asked)
        return b""

    condition = Regex(re.compile(b"^UNIT (kg|lb)$"))
    table = RuleTable([Rule("unit", condition, Makes(make), next_state="set")])
    connection = session()
    table.respond(b"UNIT kg", connection)
    table.respond(b"UNIT lb", connection)
    assert [asked.state for asked in seen] == ["start", "set"]
    assert [asked.match and asked.match[1] for asked in seen] == [b"kg", b"lb"]
    assert seen[0].session is connection
    assert seen[0].message == b"UNIT kg"


def test_only_the_rule_that_answers_leaves_its_match() -> None:
    """What the regex of another rule found is not seen."""
    matches: list[re.Match[bytes] | None] = []

    def make(asked: Asked) -> bytes:
        matches.append(asked.match)
        return b""

    never = Rule("never", Regex(re.compile(b"m")), Says(b""), chance=0)
    table = RuleTable([never, Rule("rest", None, Makes(make))])
    table.respond(b"m", session())
    assert matches == [None]


def test_states() -> None:
    """A rule's next state holds from the next message on, on this connection only."""
    table = RuleTable(STATES, otherwise=Says(b"no"))
    one, other = session(), session()
    messages = [b"logout", b"login", b"login", b"logout", b"logout"]
    replies = [table.respond(message, one) for message in messages]
    assert replies == [b"no", b"welcome", b"no", b"bye", b"no"]
    assert table.respond(b"logout", other) == b"no"


def test_initial_state() -> None:
    """Connections may begin in another state."""
    table = RuleTable(STATES, initial_state="in")
    assert table.respond(b"logout", session()) == b"bye"


def test_a_reply_that_fails() -> None:
    """The failure is the caller's to deal with; the rule's name, count and state stand by then."""

    def fail(asked: Asked) -> bytes:
        raise KeyError("reply")

    table = RuleTable([Rule("bad", None, Makes(fail), next_state="failed")])
    connection = session()
    with pytest.raises(KeyError, match="reply"):
        table.respond(b"m", connection)
    assert connection.rule == "bad"
    assert table.rules[0].matches == 1
    assert table.asked(b"m", connection).state == "failed"


def chances(table: RuleTable, number: int) -> list[bytes | Reply]:
    """What a table of chances answers to a connection's messages."""
    connection = session(number=number)
    return [table.respond(b"m", connection) for _ in range(64)]


def test_a_seed_repeats_chances() -> None:
    """With a seed each connection's chances are those of its number, whatever others do."""
    rules = [Rule("rare", None, Says(b"rare"), chance=0.5), Rule("rest", None, Says(b"rest"))]
    table = RuleTable(rules, seed=1)
    first, second = chances(table, 1), chances(table, 2)
    assert first != second
    assert chances(RuleTable(rules, seed=1), 2) == second
    assert chances(table, 1) == first
    assert chances(RuleTable(rules, seed=2), 1) != first
    random = Random("1:1")
    assert first == [b"rare" if random.random() < 0.5 else b"rest" for _ in range(64)]


def test_without_a_seed_chances_differ() -> None:
    """Without one even connections of the same number do not draw the same."""
    rules = [Rule("rare", None, Says(b"rare"), chance=0.5)]
    assert chances(RuleTable(rules), 1) != chances(RuleTable(rules), 1)


def test_what_nearly_answered() -> None:
    """The log of a message that no rule answers names the nearest rule and what it misses."""
    connection = StandInConnection()
    rules = [
        Rule("identify", equals(b"*IDN?"), Says(b"")),
        Rule("unit", StartsWith(Mask.of(b"UNIT ")), Says(b"")),
    ]
    table = RuleTable(rules)
    for message in (b"*IDX?", b"UNIX"):
        table.respond(message, session(connection=connection))
    RuleTable(rules[1:]).respond(b"m", session(connection=connection))
    table.respond(b"*IDN?", session(connection=connection))
    assert connection.remarks == [
        "no rule matches; nearest is identify: equals: byte 3 (from 0) is 0x58 'X', not 0x4e 'N'",
        "no rule matches; nearest is unit: starts_with: byte 3 (from 0) is 0x58 'X', not 0x54 'T'",
        "no rule matches",
    ]


@pytest.mark.parametrize(
    ("table", "never"),
    [
        (RuleTable([]), True),
        (RuleTable([], otherwise=Says(Reply())), True),
        (RuleTable([], otherwise=b""), False),
        (RuleTable([], otherwise=Says(Reply(Close()))), False),
        (RuleTable([], otherwise=Makes(lambda asked: Reply())), False),
        (RuleTable([Rule("silent", None, Says(Reply()))]), False),
    ],
)
def test_without_rules(table: RuleTable, never: bool) -> None:
    """Nothing is said of rules that there are not; it is known if nothing is ever answered."""
    connection = StandInConnection()
    table.respond(b"m", session(connection=connection))
    assert connection.remarks == []
    assert table.never_answers is never
    assert (list(table.describe()) == ["never answers"]) is never


def test_nobody_looks_for_the_nearest_unseen() -> None:
    """Where the log does not show the message the rules are not asked again."""

    class Secretive(StartsWith):
        def why_not(self, asked: Asked) -> Miss:
            raise AssertionError("asked why not")

    connection = StandInConnection(shown=False)
    table = RuleTable([Rule("one", Secretive(Mask.of(b"1")), Says(b""))])
    assert table.respond(b"m", session(connection=connection)) == Reply()
    assert table.unmatched == 1


def test_another_table_keeps_the_state() -> None:
    """After the file was read again a connection is where it was; sequences and chances are not."""

    def table() -> RuleTable:
        return RuleTable(
            [
                *STATES,
                Rule("rare", equals(b"chance"), Says(b"rare"), chance=0.5),
                Rule("turn", equals(b"turn"), InTurn([Says(b"1"), Says(b"2"), Says(b"3")])),
            ],
            seed=1,
        )

    before, after, connection = table(), table(), session()
    before.respond(b"login", connection)
    draws = [before.respond(b"chance", connection) for _ in range(64)]
    assert [before.respond(b"turn", connection) for _ in range(2)] == [b"1", b"2"]
    assert after.asked(b"", connection).state == "in"
    assert [after.respond(b"chance", connection) for _ in range(64)] == draws
    assert [after.respond(b"turn", connection) for _ in range(2)] == [b"1", b"2"]


def test_old_tables_are_let_go() -> None:
    """A connection that lives through many tables keeps none of them, nor what they remembered."""
    connection = session()
    old: list[weakref.ref[object]] = []
    for _ in range(1000):
        turns = InTurn([Says(b"1"), Says(b"2")])
        table = RuleTable([*STATES, Rule("turn", None, turns)])
        table.respond(b"m", connection)
        old += [weakref.ref(table), weakref.ref(turns)]
    del table, turns
    gc.collect()
    assert [thing for thing in old if thing() is not None] == []
    assert len(connection.state) == 1
    assert RuleTable([]).asked(b"", connection).positions == {}


def test_counts_go_on() -> None:
    """Rules of the same name go on counting; new ones begin, and old ones are forgotten."""

    def table(*names: str) -> RuleTable:
        return RuleTable([Rule(name, equals(name.encode()), Says(b"")) for name in names])

    before, after = table("a", "b"), table("b", "c")
    for message in (b"a", b"b", b"b", b"none"):
        before.respond(message, session())
    after.take_over(before)
    after.respond(b"b", session())
    assert {rule.name: rule.matches for rule in after.rules} == {"b": 3, "c": 0}
    assert after.unmatched == 1


def test_all_states() -> None:
    """A table knows all states, the one that connections begin in first."""
    reply = Says(b"x")
    rules = [
        Rule("a", None, reply, frozenset({"z", "b"}), "c"),
        Rule("b", None, reply, None, "a"),
    ]
    assert RuleTable(rules, initial_state="b").states() == ["b", "a", "c", "z"]


def test_nobody_asks_whether_it_is_a_table() -> None:
    """What others want of a responder they ask it for: the rest of the source knows no class."""
    source = Path(sockreply.__file__).parent
    for path in source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func)
                in (
                    "isinstance",
                    "issubclass",
                )
            ) or isinstance(node, ast.Compare):
                assert "RuleTable" not in ast.unparse(node), path
            elif isinstance(node, ast.MatchClass):
                assert "RuleTable" not in ast.unparse(node.cls), path
