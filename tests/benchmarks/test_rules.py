"""The files of rules that the daemon is measured with."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.rules import rules, template
from sockreply.config import read

PORT = 12345


@pytest.mark.parametrize("count", [1, 100])
def test_file_has_that_many_rules_of_which_the_last_answers(tmp_path: Path, count: int) -> None:
    """So every rule before it has to be passed over."""
    text = rules(count, PORT)
    assert text.count("[[services.default.rules]]") == count
    assert text.rstrip().endswith('when = { equals = "PING" }\nreply = "+PONG"')
    assert text.count("PING") == 2  # the other one is in a comment


@pytest.mark.parametrize("text", [rules(3, PORT), template(PORT)], ids=["rules", "template"])
def test_file_is_right(tmp_path: Path, text: str) -> None:
    """The daemon takes it."""
    file = tmp_path / "rules.toml"
    file.write_text(text)
    assert read(file).services["default"].keep_alive
