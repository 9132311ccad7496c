"""Services, made of what a configuration says, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sockreply.config import read
from sockreply.replies import Reply, Send
from tests.config.refusals import SERVICES
from tests.config.texts import SERVICE, answer, begins, problems_of, service, settings_of, short
from tests.rules.stand_ins import session


@pytest.mark.parametrize(("text", "problem"), SERVICES, ids=short)
def test_refused_services(text: str, problem: str) -> None:
    """What is wrong in a service has its place, and what is right there is no problem."""
    problems = problems_of(f"{SERVICE}{text}")
    assert begins(problems, problem)
    assert len(set(problems)) == 1


def test_a_service_that_never_speaks() -> None:
    """Without anything that answers, each message is answered with silence."""
    assert answer(service(""), b"x") == Reply()


def test_a_responder_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that a file names is looked for beside the file first."""
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    for directory in (tmp_path / "elsewhere", tmp_path):
        directory.mkdir(exist_ok=True)
        text = f"def answer(message, session):\n    return b'{directory.name}'\n"
        (directory / "beside_the_file.py").write_text(text)
    path = tmp_path / "a.toml"
    path.write_text(f"{SERVICE}responder = 'beside_the_file:answer'\n")
    responder = read(path).services["s"].responder
    assert responder.respond(b"", session()) == tmp_path.name.encode()


def test_code_is_called_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A responder's code is loaded by what is given for that: it may need the loop's thread."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "in_the_loop.py").write_text("def answer(message, session): return b''\n")
    path = tmp_path / "a.toml"
    path.write_text(f"{SERVICE}responder = 'in_the_loop:answer'\n")
    called: list[object] = []

    def in_loop(load: Callable[[], Any]) -> Any:
        called.append(load())
        return called[0]

    assert read(path, in_loop).services["s"].responder is called[0]


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


def test_udp() -> None:
    """A service may listen on UDP alone, in each of the forms, and its replies may be in steps."""
    text = (
        "[services.s]\nlisten = ['udp:53', { endpoint = 'udp:54:interface=\\:\\:1' }]\n"
        "rules = [{ reply = [{ drip = 'abc' }, { raw = '' }, { delay = 1 }, { close = true }] }]"
    )
    read_ = settings_of(text).services["s"]
    assert [each.endpoint for each in read_.listen] == ["udp:53", r"udp:54:interface=\:\:1"]
    assert read_.limits.amplification == 3
    assert settings_of(text.replace("rules", "amplification = 0\nrules"))


def test_udp_beside_streams() -> None:
    """What only streams can do is for a service that listens on both, too."""
    both = settings_of(
        "[services.s]\nlisten = ['udp:53', 'tcp:53']\ngreeting = 'hello'\n"
        "rules = [{ when = { equals = 'a' }, reply = { reset = true } },"
        " { reply = { close = 'half' } }]"
    )
    assert both.services["s"].greeting == b"hello"
