"""Finding rules without asking every one."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from sockreply.rules.conditions import (
    AllOf,
    AnyOf,
    Condition,
    EndsWith,
    Equals,
    Length,
    Mask,
    Not,
    Regex,
    StartsWith,
)
from sockreply.rules.index import Index
from sockreply.rules.rule import Rule
from sockreply.rules.table import RuleTable
from tests.rules.stand_ins import Makes, Says, asked, session

texts = st.text("aAb", max_size=2).map(str.encode)
masks = st.one_of(
    texts.map(Mask.of), st.sampled_from([Mask.from_hex("61 ??"), Mask.from_hex("??")])
)
comparisons = st.one_of(
    st.builds(Equals, texts.map(Mask.of), st.booleans()),
    st.builds(Equals, masks, st.booleans()),
    st.builds(StartsWith, masks, st.booleans()),
    st.builds(EndsWith, masks, st.booleans()),
    st.sampled_from([b"^a", b"b", b"(?i)aa"]).map(re.compile).map(Regex),
    st.builds(Length, st.integers(0, 2), st.just(2)),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(AnyOf),
        st.lists(inner, max_size=3).map(AllOf),
        inner.map(Not),
    ),
    max_leaves=4,
)
states = st.sampled_from(["start", "other"])


def makes(reply: bytes) -> Makes:
    """Makes the same reply each time, without saying that it does."""
    return Makes(lambda _: reply)


@st.composite
def tables(draw: st.DrawFn) -> list[Rule]:
    """Rules of all kinds, each with its own reply."""
    return [
        Rule(
            f"rule-{at}",
            draw(st.none() | conditions),
            Says(b"%d" % at) if draw(st.booleans()) else makes(b"%d" % at),
            draw(st.none() | st.frozensets(states, min_size=1)),
            draw(st.none() | states),
            draw(st.sampled_from([1.0, 1.0, 1.0, 0.5])),
        )
        for at in range(draw(st.integers(0, 8)))
    ]


@given(tables(), st.lists(texts, max_size=6))
def test_the_first_rule_answers(rules: list[Rule], messages: list[bytes]) -> None:
    """The same rules answer as if all were asked one after the other, and draw the same chances."""
    table = RuleTable(rules, otherwise=Says(b"otherwise"), seed=1)
    indexed = session()
    state, random = "start", RuleTable([], seed=1).asked(b"", session()).random
    answered: list[str] = []
    for message in messages:
        reply = table.respond(message, indexed)
        seen = asked(message, state=state, random=random)
        first = next((rule for rule in rules if rule.holds(seen)), None)
        if first is None:
            assert (indexed.rule, reply) == ("otherwise", b"otherwise")
            continue
        assert (indexed.rule, reply) == (first.name, first.reply.make(seen))
        state = first.next_state or state
        answered.append(first.name)
    assert [rule.matches for rule in rules] == [answered.count(rule.name) for rule in rules]
    assert table.unmatched == len(messages) - len(answered)


def exact(name: str, message: bytes, ignore_case: bool = False) -> Rule:
    """A rule that can be looked up."""
    return Rule(name, Equals(Mask.of(message), ignore_case), Says(name.encode()))


def names(index: Index, message: bytes) -> list[str]:
    """The rules that may answer."""
    return [candidate.rule.name for candidate in index.candidates(message)]


def test_only_what_may_answer_is_asked() -> None:
    """Of the rules for exact messages only those for this one are seen, at their place."""
    rules = [exact(f"{at}", b"%d" % at) for at in range(1000)]
    rules.insert(500, Rule("all", Length(0, None), Says(b"")))
    rules.append(exact("1 again", b"1"))
    index = Index(rules)
    assert names(index, b"1") == ["1", "all", "1 again"]
    assert names(index, b"700") == ["all", "700"]
    assert names(index, b"none") == ["all"]


def test_a_rule_is_asked_once() -> None:
    """One that can be found in two ways is still one, in its place in the file."""
    either = AnyOf([Equals(Mask.of(b"AB")), Equals(Mask.of(b"ab"), True)])
    rules = [exact("any case", b"aB", True), Rule("either", either, Says(b"")), exact("AB", b"AB")]
    index = Index(rules)
    assert names(index, b"AB") == ["any case", "either", "AB"]
    assert names(index, b"Ab") == ["any case", "either"]


def test_what_is_certain() -> None:
    """A plain rule that nothing comes before is known at once; a rule that asks more is not."""
    first, second = exact("first", b"1"), exact("second", b"2")
    long = Rule("long", Length(9, None), Says(b""))
    assert Index([first, long, second]).plain == {b"1": first, b"2": None}
    made = Rule("made", first.when, makes(b""))
    assert Index([made, first]).plain == {b"1": made}
    stateful = Rule("stateful", first.when, Says(b""), states=frozenset({"ready"}))
    assert Index([stateful, first]).plain == {b"1": None}


def test_what_answers_all() -> None:
    """A plain rule without condition is certain for all that stands behind it."""
    first, second = exact("first", b"1"), exact("second", b"2")
    rest, more = Rule("rest", None, Says(b"")), Rule("more", None, Says(b""))
    index = Index([first, rest, second, more])
    assert index.plain == {b"1": first, b"2": rest}
    assert Index([rest, first]).plain == {b"1": rest}
    assert index.plain_rest is rest
    assert Index([Rule("long", Length(9, None), Says(b"")), rest]).plain_rest is None


def test_the_rest_of_a_condition_is_asked() -> None:
    """That the message is right is not enough for a rule that asks more."""
    more = Rule("more", AllOf([Equals(Mask.of(b"1")), Length(9, 9)]), Says(b"more"))
    table = RuleTable([more, exact("exact", b"1")])
    assert table.respond(b"1", session()) == b"exact"


def test_a_rule_for_this_very_case_comes_first() -> None:
    """A rule for any case does not pass one before it that knows the message as it is."""
    very = Rule("very", Equals(Mask.of(b"AB")), makes(b"very"))
    table = RuleTable([very, exact("any case", b"ab", True)])
    replies = [table.respond(message, session()) for message in (b"AB", b"ab", b"aB")]
    assert replies == [b"very", b"any case", b"any case"]
