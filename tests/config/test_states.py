"""Framings by state, made of what a file says, or refused."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sockreply.framing import Framing, Switched, parse_framing
from sockreply.rules import RuleTable
from sockreply.settings import ServiceSettings
from tests.config.texts import SERVICE, problems_of, service

LINE, ONE = parse_framing("line"), parse_framing("length:bytes=1")
TO_B = "rules = [{ when.equals = 'b', reply = [], next_state = 'b' }]\n"


def framings_of(built: ServiceSettings) -> Mapping[str, Framing | None]:
    """Those that the rules know, by state."""
    assert isinstance(built.responder, RuleTable)
    return {state: built.responder.framing_in(state) for state in built.responder.states()}


def test_framings_by_state() -> None:
    """A connection begins with that of its first state, or with the service's."""
    text = f"framing = 'line'\n{TO_B}states.b.framing = 'length:bytes=1'\n"
    built = service(text)
    assert built.framing == Switched(LINE, LINE, (ONE,))
    assert framings_of(built) == {"start": None, "b": ONE}
    built = service(f"{text}initial_state = 'a'\nstates.a.framing = 'netstring'\n")
    first = parse_framing("netstring")
    assert built.framing == Switched(first, LINE, (ONE, first))
    assert framings_of(built) == {"a": first, "b": ONE}
    assert service(f"framing = 'line'\n{TO_B}").framing == LINE


def states(*, of: str = TO_B, keep_alive: str = "true") -> str:
    """A file with one state of its own."""
    return (
        f"{SERVICE}keep_alive = {keep_alive}\nframing = 'line'\n{of}\n"
        "states.b.framing = 'length:bytes=1'\n"
    )


def test_states_that_nothing_leads_to() -> None:
    """They are errors, as they are for rules."""
    assert problems_of(states()) == ()
    assert problems_of(states(of="initial_state = 'b'")) == ()
    unknown = "services.s.states.b: no rule leads to state 'b'; known: start"
    assert problems_of(states(of="rules = [{ reply = [] }]")) == (unknown,)
    assert unknown in problems_of(states(of="rules = [{ state = 'b', reply = [] }]"))


def test_states_need_keep_alive() -> None:
    """Without it, no connection comes to another state."""
    assert (
        "services.s.states: has no effect without keep_alive = true, because a connection then "
        "carries one message"
    ) in problems_of(states(keep_alive="false"))


def test_code_has_no_states() -> None:
    """Code exchanges framings itself."""
    problems = problems_of(states(of="responder = 'tests.config.texts:shout'"))
    assert problems == ("services.s.states: responder and states cannot be combined",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("states = 5", "states: expected a table, found number 5"),
        ("states.b = 5", "states.b: expected a table, found number 5"),
        ("states.b = {}", "states.b.framing: is missing"),
        ("states.b = { framing = 'line', x = 1 }", "states.b.x: unknown key; known: framing"),
        ("states.b.framing = 'x'", "states.b.framing: unknown framing 'x'; known: "),
        ("states.b.framing = []", "states.b.framing: an empty list"),
        (
            "states.b.framing = [{ framing = 'eof' }]",
            "states.b.framing[1].framing: eof cannot be in a list",
        ),
        (
            "states.b.framing = 'fixed:size=9'\nmax_message = 8",
            "states.b.framing: fixed: size=9 is more than max_message = 8",
        ),
    ],
)
def test_refused_states(text: str, problem: str) -> None:
    """What is wrong in a state has its place, and is one problem."""
    (only,) = problems_of(f"{SERVICE}keep_alive = true\n{TO_B}{text}")
    assert only.startswith(f"services.s.{problem}")


LONG = "x" * 300
CANNOT = "the framing of state 'b' cannot carry it: 300 bytes"


def rules(
    *written: str, more: str = "", states: str = "states.b.framing = 'length:bytes=1'"
) -> str:
    """A file with these rules."""
    listed = ", ".join(f"{{ {each} }}" for each in written)
    head = f"{SERVICE}keep_alive = true\nframing = 'line'\n{states}\n{more}\n"
    return f"{head}rules = [{listed}]\n"


GO = "when.equals = 'go', next_state = 'b', reply = []"
LEAVES_B = "state = 'b', reply = []"


def test_replies_that_the_framing_of_a_state_cannot_carry() -> None:
    """A reply has to fit where its rule can act: in its states, or in all that are left."""
    reply = f"when.equals = 'x', reply = '{LONG}'"
    (wrong,) = problems_of(rules(GO, reply))
    assert wrong.startswith(f"services.s.rules.rule-2.reply: {CANNOT}")
    (wrong,) = problems_of(rules(GO, f"{reply}, state = ['start', 'b']"))
    assert wrong.startswith(f"services.s.rules.rule-2.reply: {CANNOT}")
    assert problems_of(rules(GO, f"{reply}, state = 'start'")) == ()
    assert problems_of(rules(GO, LEAVES_B, reply)) == ()
    assert len(problems_of(rules(GO, f"{LEAVES_B}, chance = 0.5", reply))) == 1
    (wrong,) = problems_of(rules(GO, more=f"otherwise = '{LONG}'"))
    assert wrong.startswith(f"services.s.otherwise: {CANNOT}")
    assert problems_of(rules(GO, LEAVES_B, more=f"otherwise = '{LONG}'")) == ()


def test_a_greeting_has_the_first_framing() -> None:
    """It is sent in the state that connections begin in."""
    greeting = f"greeting = '{LONG}'"
    assert problems_of(rules(GO, more=greeting)) == ()
    (wrong,) = problems_of(rules(GO, more=f"{greeting}\ninitial_state = 'b'"))
    assert wrong.startswith(f"services.s.greeting: {CANNOT}")


def test_conditions_on_what_no_message_is_in_a_state() -> None:
    """A condition has to be possible where its rule can act."""
    lines = "when.contains = \"a\\n\", reply = 'x'"
    never = r"when.contains: no message has '\n' in it: the framing ends it there"
    assert problems_of(rules(GO, lines)) == ()
    assert problems_of(rules(GO, f"{lines}, state = 'b'")) == ()
    assert problems_of(rules(GO, f"{lines}, state = 'start'")) == (
        f"services.s.rules.rule-2.{never}",
    )
    assert problems_of(rules(GO, LEAVES_B, lines)) == (f"services.s.rules.rule-3.{never}",)
    three = "states.b.framing = 'fixed:size=3'"
    two = "when.equals = 'ab', reply = 'x'"
    assert problems_of(rules(GO, two, states=three)) == ()
    (wrong,) = problems_of(rules(GO, f"{two}, state = 'b'", states=three))
    assert wrong.endswith("when.equals: 2 bytes, but every message of the framing has 3")
    (wrong,) = problems_of(rules(GO, "when.length = 2, reply = [], state = 'b'", states=three))
    assert wrong.endswith("when.length: every message of the framing has 3 bytes")


def test_a_rule_that_never_acts_is_only_that() -> None:
    """Its replies and conditions are seen as in any state, because one thing is wrong with it."""
    problems = problems_of(rules(GO, "reply = []", "when.equals = 'x', reply = 'x'"))
    assert len(problems) == 1
    assert "unreachable" in problems[0]
