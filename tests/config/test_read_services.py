"""Services, made of what a configuration says, or refused."""

from __future__ import annotations

import pytest

from sockreply.replies import Reply, Send
from tests.config.refusals import SERVICES
from tests.config.texts import SERVICE, begins, problems_of, service, settings_of, short
from tests.rules.stand_ins import session


@pytest.mark.parametrize(("text", "problem"), SERVICES, ids=short)
def test_refused_services(text: str, problem: str) -> None:
    """What is wrong in a service has its place, and what is right there is no problem."""
    problems = problems_of(f"{SERVICE}{text}")
    assert begins(problems, problem)
    nothing = "services.s: nothing answers: it takes rules, otherwise, a greeting or a responder"
    assert len(set(problems) - {nothing}) <= 1 or "nothing answers" in problem


def test_greeting() -> None:
    """A greeting that is always the same is one; another is made for each connection."""
    assert service("otherwise = 'x'\ngreeting = 'hi'").greeting == b"hi"
    two = service("otherwise = 'x'\ngreeting = ['a', 'b']").greeting
    assert two == Reply(Send(b"a"), Send(b"b"))
    made = service("otherwise = 'x'\ngreeting = { template = 'hi {{ peer.host }}' }").greeting
    assert callable(made)
    assert made(session()) == b"hi 192.0.2.1"
    code = f"{SERVICE}responder = 'tests.config.texts:shout'\ngreeting = {{ echo = true }}"
    made = settings_of(code).services["s"].greeting
    assert callable(made)
    assert made(session()) == b""
