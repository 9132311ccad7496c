"""When one rule answers."""

from __future__ import annotations

import re
from random import Random

import pytest

from sockreply.replies import Reply
from sockreply.rules.conditions import Equals, Length, Mask, Regex
from sockreply.rules.rule import ANY_MESSAGE, Rule
from tests.rules.stand_ins import Makes, Says, asked

SAYS = Says(b"reply")
READY = frozenset({"ready", "done"})


class NeverDraws(Random):
    """A generator that must not be used."""

    def random(self) -> float:
        raise AssertionError("a chance was drawn")


def test_no_condition() -> None:
    """A rule without one holds for every message."""
    assert Rule("all", None, SAYS).holds(asked(b"anything"))


def test_the_condition() -> None:
    """A rule holds when its condition does."""
    rule = Rule("one", Equals(Mask.of(b"1")), SAYS)
    assert rule.holds(asked(b"1"))
    assert not rule.holds(asked(b"2"))
    assert rule.why_not(asked(b"2")).reason == "equals: byte 0 (from 0) is 0x32 '2', not 0x31 '1'"


def test_states() -> None:
    """A rule holds in its states only."""
    rule = Rule("stateful", None, SAYS, states=READY)
    assert rule.holds(asked(state="ready"))
    assert not rule.holds(asked(state="start"))
    assert not rule.holds_for_key(asked(state="start"))
    reason = "the state is start, not done or ready"
    assert rule.why_not(asked(state="start")) == (reason, ANY_MESSAGE)
    right = Rule("right", Length(0, None), SAYS, states=READY)
    assert right.why_not(asked(state="start")) == (reason, 1.0)


def test_the_condition_is_the_first_reason() -> None:
    """Where neither the condition nor the state is right, the condition tells more."""
    rule = Rule("both", Length(1, 1), SAYS, states=READY)
    assert rule.why_not(asked(state="start")).reason == "length is 0, not 1"


def test_chance() -> None:
    """A rule with a chance holds about as often as that."""
    rule = Rule("rare", None, SAYS, chance=0.25)
    message = asked(random=Random(7))
    assert 200 < sum(rule.holds(message) for _ in range(1000)) < 300
    assert rule.why_not(asked()) == ("skipped by its chance of 0.25", 1.0)


def test_no_chance() -> None:
    """A chance of nothing never comes."""
    assert not any(Rule("never", None, SAYS, chance=0).holds(asked()) for _ in range(100))


@pytest.mark.parametrize(
    "rule",
    [
        Rule("certain", None, SAYS),
        Rule("condition fails", Length(9, 9), SAYS, chance=0.5),
        Rule("state is another", None, SAYS, states=READY, chance=0.5),
    ],
    ids=lambda rule: str(rule.name),
)
def test_luck_is_tried_last(rule: Rule) -> None:
    """Chances are drawn only when everything else holds, so that a seed's draws stay the same."""
    assert rule.holds(asked(b"m", random=NeverDraws())) is (rule.chance == 1)


def test_bad_luck_leaves_no_match() -> None:
    """What a regex found is gone when its rule's chance did not come."""
    message = asked(b"m")
    assert not Rule("never", Regex(re.compile(b"m")), SAYS, chance=0).holds(message)
    assert message.match is None


def test_plain() -> None:
    """A rule is plain when nothing but its condition matters, and it does nothing but reply."""
    assert Rule("text", None, SAYS).plain
    assert Rule("nothing", None, Says(b"")).plain
    assert Rule("silence", None, Says(Reply())).plain
    assert Rule("made", None, Makes(lambda asked: b"")).plain
    assert not Rule("state", None, SAYS, states=READY).plain
    assert not Rule("next", None, SAYS, next_state="done").plain
    assert not Rule("chance", None, SAYS, chance=0.5).plain
