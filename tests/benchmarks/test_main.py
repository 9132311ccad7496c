"""The command line."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import options


def test_nothing_is_selected_without_words() -> None:
    """Then everything is measured, and written."""
    asked = options([])
    assert (asked.rounds, asked.only, asked.works, asked.render) == (None, None, None, False)


def test_a_selection_is_taken_apart() -> None:
    """Names of servers and works, with commas."""
    asked = options(["--only", "c,lines", "--works", "single pipelined,memory", "--rounds", "2"])
    assert asked.only == {"c", "lines"}
    assert asked.works == {"single pipelined", "memory"}
    assert asked.rounds == 2


@pytest.mark.parametrize("words", [["--only", "c,nginx"], ["--works", "both"]])
def test_an_unknown_name_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With the name; it would select nothing."""
    with pytest.raises(SystemExit):
        options(words)
    assert f"not known: {words[1].rpartition(',')[2]}" in capsys.readouterr().err
