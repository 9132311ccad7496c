"""Replies, made of what a configuration says, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockreply.replies import Close, Raw, Reply, Step, Wait
from tests.config.refusals import REPLIES
from tests.config.texts import SERVICE, answer, problems_of, rule, service, short


@pytest.mark.parametrize(("text", "problem"), REPLIES, ids=short)
def test_refused_replies(text: str, problem: str) -> None:
    """What is wrong in a reply has its place, wherever a reply can stand."""
    framing = f"{SERVICE}framing = 'length:bytes=1'\n"
    (only,) = problems_of(f"{framing}[[services.s.rules]]\nname = 'r'\nreply = {text}")
    assert only.startswith(f"services.s.rules.r.reply{problem}")
    (only,) = problems_of(f"{framing}otherwise = {text}")
    assert only.startswith(f"services.s.otherwise{problem}")
    (only,) = problems_of(f"{framing}otherwise = 'x'\ngreeting = {text}")
    assert only.startswith(f"services.s.greeting{problem}")
    rule = f"[[services.s.rules]]\nreplies = ['x', {text}]\nscope = 'service'"
    if not text.startswith("[["):
        (only, *_) = problems_of(f"{framing}{rule}")
        assert only.startswith(f"services.s.rules.rule-1.replies[2]{problem}")


def test_a_reply_that_is_shorter_than_the_trailer() -> None:
    """It is found when the file is read, as far as it is fixed; raw bytes need no trailer."""
    framing = f"{SERVICE}framing = 'enclosed:start=$,end=#,trailer=2'\n"
    (only,) = problems_of(f"{framing}otherwise = ['9a', {{ raw = '+' }}, 'x']")
    assert only.endswith(
        "otherwise[3]: the framing cannot carry it: 1 bytes, but a message has at least 2"
    )


def test_steps() -> None:
    """Each step of the file is a step of the reply."""
    steps = "['a', { raw = 'b' }, { delay = 0.5 }, { truncate = 'abc', at = 2 }, { drip = 'cd' }"
    reply = answer(service(f"otherwise = {steps}, {{ close = 'half' }}]"), b"")
    drips: list[Step] = [Raw(b"c"), Wait(0.05), Raw(b"d"), Wait(0.05), Raw(b"\n")]
    assert reply == Reply(b"a", Raw(b"b"), Wait(0.5), Raw(b"ab"), drips, Close("half"))
    assert answer(service("otherwise = { close = true }"), b"") == Reply(Close())
    assert answer(service("otherwise = { reset = true }"), b"") == Reply(Close("reset"))
    assert answer(service("otherwise = []"), b"") == Reply()
    assert answer(service("otherwise = ['']"), b"") == b""


def test_replies_in_turn() -> None:
    """`replies` take turns, on each connection or in the whole service."""
    for scope, second in (("connection", b"a"), ("service", b"b")):
        built = service(rule(f"replies = ['a', 'b']\nscope = '{scope}'"))
        assert answer(built, b"") == b"a"
        assert answer(built, b"") == second


def test_match_in_templates() -> None:
    """A template knows the groups that the regex has in any case; a wrong regex hides no more."""
    when = "when = [{ regex = '(?P<a>.)(?P<b>.)' }, { regex = '(?P<a>.)' }]"
    good = rule(f"{when}\nreply = {{ template = '{{{{ match.a }}}}' }}")
    assert answer(service(good), b"xy") == b"x"
    (problem,) = problems_of(f"{SERVICE}{good.replace('match.a', 'match.b')}")
    assert problem.startswith("services.s.rules.rule-1.reply.template: ")
    (problem,) = problems_of(f"{SERVICE}{good.replace('(?P<b>.)', '(')}")
    assert problem.startswith("services.s.rules.rule-1.when[1].regex: ")


def test_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program is found on the PATH, or beside the file if its name has a slash."""
    program = tmp_path / "answer"
    program.write_text("#!/bin/sh\n")
    rules = rule("when = { equals = 'a' }\nreply = { command = ['./answer', 'x'] }")
    place = "services.s.rules.rule-1.reply.command"
    text = f"{SERVICE}{rules}"
    assert problems_of(text, tmp_path) == (f"{place}: {program} is not executable",)
    program.chmod(0o700)
    assert problems_of(text, tmp_path) == ()
    assert problems_of(text.replace("./", ""), tmp_path) != ()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert problems_of(text.replace("./", ""), tmp_path) == ()
