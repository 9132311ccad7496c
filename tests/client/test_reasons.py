"""The lines that say why; those for connections that were made are in test_protocol_ends."""

from __future__ import annotations

import pytest

from sockreply.client.reasons import why_unusable


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (ValueError("bad port"), "bad port"),
        (FileNotFoundError(2, "No such file"), "[Errno 2] No such file"),
        (TypeError("port missing"), "TypeError: port missing"),
        (AssertionError(), "AssertionError"),
    ],
)
def test_what_does_not_speak_for_itself_is_named(wrong: Exception, reason: str) -> None:
    """Endpoint plugins may raise anything, also without a word."""
    assert why_unusable(wrong) == reason
