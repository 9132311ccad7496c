"""Rules, made of what a configuration says, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockreply.errors import ConfigError
from sockreply.replies import Reply
from sockreply.rules.table import RuleTable
from tests.config.refusals import RULES
from tests.config.texts import SERVICE, problems_of, rule, service, settings_of, short
from tests.rules.stand_ins import session


@pytest.mark.parametrize(("text", "problem"), RULES, ids=short)
def test_refused_rules(text: str, problem: str) -> None:
    """What is wrong in a rule has its place."""
    (only,) = problems_of(f"{SERVICE}keep_alive = true\n[[services.s.rules]]\n{text}")
    assert only.startswith(f"services.s.rules.rule-1{problem}")


def test_states_and_chances() -> None:
    """States, and chances that a seed repeats, reach the table."""
    first = rule("state = 'a'\nnext_state = 'b'\nreply = 'to b'")
    second = rule("state = ['b']\nchance = 0.5\nreply = 'sometimes'")
    text = f"seed = 5\ninitial_state = 'a'\n{first}{second}"
    runs = []
    for _ in range(2):
        built, connection = service(text), session()
        runs.append([built.responder.respond(b"", connection) for _ in range(50)])
    assert runs[0] == runs[1]
    assert runs[0][0] == b"to b"
    assert set(runs[0][1:]) == {b"sometimes", Reply()}


def test_another_encoding(tmp_path: Path) -> None:
    """The same rules can be had in another encoding, even when their files are gone."""
    (tmp_path / "reply").write_bytes(b"from a file")
    text = rule("when = { equals = 'é' }\nreply = 'è'") + rule("reply = { file = 'reply' }")
    built = service(text, tmp_path)
    (tmp_path / "reply").unlink()
    assert built.responder_in is not None
    latin = built.responder_in("latin-1")
    assert isinstance(latin, RuleTable)
    assert latin.respond(b"\xe9", session()) == b"\xe8"
    assert latin.respond("é".encode(), session()) == b"from a file"
    with pytest.raises(ConfigError) as caught:
        built.responder_in("ascii")
    place = "services.s.rules.rule-1.when.equals"
    assert str(caught.value) == f"{place}: ascii cannot encode 'é'"
    code = settings_of(f"{SERVICE}responder = 'tests.config.texts:shout'").services["s"]
    assert code.responder_in is None
