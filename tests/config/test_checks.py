"""What is right by itself and yet cannot be meant."""

from __future__ import annotations

import pytest

from tests.config.texts import SERVICE, problems_of


def rules(*texts: str, keep_alive: bool = True, more: str = "") -> str:
    """A file with rules that reply."""
    head = f"{SERVICE}keep_alive = {str(keep_alive).lower()}\n{more}\n"
    return head + "".join(
        f"[[services.s.rules]]\n{text}\n" + ("" if "repl" in text else "reply = 'x'\n")
        for text in texts
    )


A, B = "when = { equals = 'a' }", "when = { equals = 'b' }"
IN_B = "next_state = 'b'"

ACT = [
    [A, B, ""],
    [A, f"{A}\nname = 'x'\nstate = 'start'"][::-1],
    [f"{A}\nchance = 0.5", A, ""],
    ["chance = 0.5", ""],
    ["state = 'start'\nnext_state = 'b'", ""],
    ["state = 'start'\nnext_state = 'b'", "state = ['start', 'b']"],
    ["state = 'start'\nnext_state = 'b'", f"{A}\nstate = 'b'"],
    [A, "when = { equals = 'a', ignore_case = true }"],
    [A, "when = { equals = 'a', length = 1 }"],
]


@pytest.mark.parametrize("texts", ACT, ids=str)
def test_rules_that_act(texts: list[str]) -> None:
    """A rule behind one that answers less than it does is right."""
    assert problems_of(rules(*texts)) == ()


NEVER = [
    (["", A], "rule-2: unreachable: rule-1 already answers everything this rule would"),
    (
        ["", "chance = 0.5"],
        "rule-2: unreachable: rule-1 already answers everything this rule would",
    ),
    (
        ["", "state = 'start'"],
        "rule-2: unreachable: rule-1 already answers everything this rule would",
    ),
    (["name = 'all'", B, A], "rule-2: unreachable: all already answers everything this rule would"),
    ([A, B, A], "rule-3: unreachable: rule-1 already answers everything this rule would"),
    (
        [A, "when = [{ equals = 'a' }]"],
        "rule-2: unreachable: rule-1 already answers everything this rule would",
    ),
    (
        [A, f"{A}\nstate = 'start'"],
        "rule-2: unreachable: rule-1 already answers everything this rule would",
    ),
    (
        [A, f"{A}\nchance = 0.1"],
        "rule-2: unreachable: rule-1 already answers everything this rule would",
    ),
    (
        ["when = [{ equals = 'a' }, { length = 9 }]", "when = [{ length = 9 }, { equals = 'a' }]"],
        "rule-2: unreachable: rule-1 already answers everything this rule would",
    ),
    (
        [f"state = ['start', 'b']\n{IN_B}", f"{A}\nstate = 'b'"],
        "rule-2: unreachable: rule-1 already answers everything this rule would",
    ),
    (["state = 'b'"], "rule-1.state: no rule leads to state 'b'; known: start"),
    (
        [f"{A}\n{IN_B}", "state = ['start', 'c']"],
        "rule-2.state: no rule leads to state 'c'; known: b, start",
    ),
    (["name = 'a'\n" + A, "name = 'a'"], "a: an earlier rule is already named 'a'"),
    (["name = 'rule-2'\n" + A, B], "rule-2: an earlier rule is already named 'rule-2'"),
    (["name = 'otherwise'"], "otherwise: a rule cannot be named otherwise; choose another name"),
]


@pytest.mark.parametrize(("texts", "problem"), NEVER, ids=str)
def test_rules_that_never_act(texts: list[str], problem: str) -> None:
    """What can never act is an error that names what is before it."""
    assert f"services.s.rules.{problem}" in problems_of(rules(*texts))


def test_otherwise_never_acts() -> None:
    """No message is left for `otherwise` when a rule answers all."""
    text = rules(A, "name = 'all'", more="otherwise = 'x'")
    never = "services.s.otherwise: unreachable: all already answers every message"
    assert problems_of(text) == (never,)
    assert problems_of(rules(A, "chance = 0.5", more="otherwise = 'x'")) == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("state = 'start'", "state: has no effect without keep_alive = true"),
        (
            "next_state = 'b'",
            "next_state: has no effect without keep_alive = true, because a",
        ),
        ("replies = ['a']", "replies: only the first is used without keep_alive = true or scope ="),
        (
            "replies = ['a']\nscope = 'connection'",
            "replies: only the first is used without keep_alive",
        ),
    ],
)
def test_memory_needs_keep_alive(text: str, problem: str) -> None:
    """What is remembered of a connection is of no use when that has one message."""
    (only,) = problems_of(rules(text, keep_alive=False))
    assert only.startswith(f"services.s.rules.rule-1.{problem}")
    assert problems_of(rules(text)) == ()


def test_service_scope_needs_no_keep_alive() -> None:
    """Replies that all connections take turns with act without it."""
    assert problems_of(rules("replies = ['a', 'b']\nscope = 'service'", keep_alive=False)) == ()


def services(*listens: str, metrics: str | None = None) -> str:
    """A file with services that listen."""
    text = "" if metrics is None else f"[metrics]\nlisten = {metrics}\n"
    for number, listen in enumerate(listens):
        text += f"[services.s{number}]\nlisten = {listen}\notherwise = 'x'\n"
    return text


def test_two_on_one_address() -> None:
    """Two services, or a service and the metrics, cannot have one address."""
    local = "'tcp:9464:interface=127.0.0.1'"
    taken = "tcp port 9464 is already used by services.s0.listen"
    assert problems_of(services(local, local)) == (f"services.s1.listen: {taken}",)
    assert problems_of(services("['tcp:1', 'unix:/x']", "['unix:/x']")) == (
        "services.s1.listen[1]: unix socket /x is already used by services.s0.listen[2]",
    )
    assert problems_of(services(local, metrics="'tcp:9464'")) == (f"metrics.listen: {taken}",)
    assert problems_of(services("'tcp:9465'", metrics="'tcp:9464'")) == ()
    assert problems_of(services("'tcp:0'", "'tcp:0'")) == ()


def test_many_rules_are_checked_in_time() -> None:
    """Thousands of rules take a moment, not minutes."""
    rule = "[[services.s.rules]]\nwhen = {{ equals = 'a{}' }}\nreply = 'x'\n"
    text = SERVICE + "".join(map(rule.format, range(2_000)))
    assert problems_of(text) == ()
    assert len(problems_of(text.replace("equals", "equal"))) == 2_000
