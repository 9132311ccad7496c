"""Which rule came nearest."""

from __future__ import annotations

from sockreply.rules.asked import Asked
from sockreply.rules.conditions import AllOf, Condition, Contains, Equals, Length, Mask, StartsWith
from sockreply.rules.explaining.nearest import ASKED_AT_MOST, Nearest
from sockreply.rules.index import Index
from sockreply.rules.rule import Rule
from tests.rules.stand_ins import Says, asked


def rule(name: str, when: Condition | None, *states: str) -> Rule:
    """A rule that answers something."""
    return Rule(name, when, Says(b""), frozenset(states) or None)


def equals(message: bytes, ignore_case: bool = False) -> Equals:
    """A condition by which a rule can be looked up."""
    return Equals(Mask.of(message), ignore_case)


def nearest(rules: list[Rule], message: bytes) -> tuple[str, str] | None:
    """The name of the nearest, and what it misses."""
    near = Nearest(Index(rules)).to(asked(message))
    return near and (near.rule.name, near.miss.reason)


def test_no_rules() -> None:
    """Where there are no rules none is near."""
    assert nearest([], b"m") is None


def test_among_many() -> None:
    """Of many exact rules the one is found that is most alike at one end, or but for blanks."""
    rules = [rule(f"{at}", equals(b"%05d-" % at)) for at in range(10_000)]
    expected = ("1234", "equals: byte 5 (from 0) is 0x2b '+', not 0x2d '-'")
    assert nearest(rules, b"01234+") == expected
    assert nearest(rules, b"01234") == ("1234", "equals: 1 byte too short")
    assert nearest(rules, b"01234-x") == ("1234", "equals: 1 byte too long")
    at_end = "equals: byte 0 (from 0) is 0x78 'x', not 0x30 '0'"
    assert nearest(rules, b"x1234-") == ("1234", at_end)
    unseen = "equals: byte 0 (from 0) is 0x20 ' ', not 0x30 '0'; it differs only in white space"
    assert nearest(rules, b" 01 23 4-") == ("1234", unseen)


def test_before_and_behind_all() -> None:
    """A message that would stand first or last has one neighbour."""
    rules = [rule("b", equals(b"bb")), rule("c", equals(b"cc"))]
    assert nearest(rules, b"ba") == ("b", "equals: byte 1 (from 0) is 0x61 'a', not 0x62 'b'")
    assert nearest(rules, b"cd") == ("c", "equals: byte 1 (from 0) is 0x64 'd', not 0x63 'c'")


def test_in_any_case() -> None:
    """Where case does not count it does not count here either."""
    rules = [rule("exact", equals(b"ABCDXX")), rule("any case", equals(b"abcd*", True))]
    assert nearest(rules, b"ABcd") == ("any case", "equals: 1 byte too short")


def test_the_message_is_right_and_something_else_is_not() -> None:
    """A rule for this very message is the nearest, whatever else it asks."""
    rules = [
        rule("other", equals(b"message!")),
        rule("state", equals(b"message"), "ready"),
        rule("length", AllOf([equals(b"message"), Length(1, 2)])),
    ]
    assert nearest(rules, b"message") == ("state", "the state is start, not ready")


def test_any_message_in_another_state() -> None:
    """Such a rule is the nearest only if no message is like this one."""
    rules = [
        rule("text", None, "text"),
        rule("hello", StartsWith(Mask.of(b"HELO "))),
        rule("quit", equals(b"QUIT")),
    ]
    unseen = "it differs only in white space"
    assert nearest(rules, b"HELO") == ("hello", f"starts_with: 1 byte too short; {unseen}")
    assert nearest(rules, b"QUIT!") == ("quit", "equals: 1 byte too long")
    assert nearest(rules, b"x") == ("text", "the state is start, not text")


def test_rules_of_other_kinds() -> None:
    """They are compared with each other and with the exact ones by how little is missing."""
    rules = [
        rule("exact", equals(b"abxxxxxx")),
        rule("prefix", StartsWith(Mask.of(b"abd"))),
        rule("within", Contains(Mask.of(b"xy"))),
    ]
    expected = ("prefix", "starts_with: byte 2 (from 0) is 0x63 'c', not 0x64 'd'")
    assert nearest(rules, b"abc") == expected


def test_not_all_are_asked() -> None:
    """However long the table, only so many rules are asked."""
    questions: list[bytes] = []

    class Curious(Length):
        def holds(self, asked: Asked) -> bool:
            questions.append(asked.message)
            return super().holds(asked)

    looked_up = [rule("l", AllOf([equals(b"m"), Curious(9, 9)])) for _ in range(2 * ASKED_AT_MOST)]
    others = [rule("o", Curious(9, 9)) for _ in range(2 * ASKED_AT_MOST)]
    assert nearest(others, b"m") == ("o", "length is 1, not 9")
    assert len(questions) == ASKED_AT_MOST
    questions.clear()
    assert nearest(looked_up, b"m") == ("l", "length is 1, not 9")
    assert len(questions) == 2 * ASKED_AT_MOST  # whether it holds, and how far it got
