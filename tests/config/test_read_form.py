"""What is left of a document when what is wrong is left out."""

from __future__ import annotations

import pytest

from tests.config.texts import EVERYTHING, problems_of


@pytest.mark.parametrize(
    "rule",
    [
        "when = { regex = 3, ignore_case = true }\nreply = 'x'",
        "when = { regex = 3, equals = 'a' }\nreply = { template = '{{ match[1] }}' }",
        "when.length = { min = 'a' }\nreply = 'x'",
        "when = [{ equals = 3 }, { equals = 'a' }]\nreply = 'x'",
        "reply = { truncate = 'a', at = 'b' }",
        "reply = { truncate = 'a', size = 1, at = 2 }",
        "reply = { template = '{{ message }}', as = 'text' }",
        "reply = { drip = { hex = 1 }, size = 2 }",
        "reply = { raw = { truncate = 'a' }, close = true }",
        "replies = []",
        "reply = 'x'\nstate = 3\nnext_state = 'y'",
    ],
)
def test_nothing_follows_from_what_is_wrong(rule: str) -> None:
    """What is left out because it is wrong is missed by nobody."""
    head = "[services.a]\nlisten = 'tcp:0'\nkeep_alive = true\n"
    assert len(problems_of(f"{head}[[services.a.rules]]\n{rule}")) == 1


def test_places_are_in_every_text() -> None:
    """Each key that stands in the file can be said to be wrong by its place."""
    wrong = EVERYTHING.replace("max_message = 900", "max_message = 0")
    assert problems_of(wrong) == (
        "services.scale.max_message: 0 is not a whole number from 1 to 2147483647",
    )
