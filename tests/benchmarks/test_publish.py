"""What is shown of the committed results is what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.publish import BEGIN, END, PAGE, README, latest, pages
from benchmarks.servers import SERVERS
from tests.benchmarks.samples import complete

SHOWN = pages(latest(), README.read_text(), PAGE.read_text())


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.name)
def test_page_is_what_the_results_make(path: Path) -> None:
    """README, docs/speed.md, the tables and the picture have no figure that was not measured."""
    assert path.read_text() == SHOWN[path]


def test_the_committed_results_are_complete() -> None:
    """Every round has every work of every server."""
    taken = latest()
    expected = {
        (number, name, work)
        for number in range(1, taken.rounds + 1)
        for name, server in SERVERS.items()
        for work in server.works
    }
    assert {(s.round, s.server, s.work) for s in taken.samples} == expected


@pytest.mark.parametrize("path", [README, PAGE], ids=lambda path: path.name)
def test_only_the_marked_part_is_replaced(path: Path) -> None:
    """What stands before and after it stays."""
    text = f"before\n{BEGIN}old\n{END}after\n"
    made = pages(complete(), text, text)[path]
    assert made.startswith(f"before\n{BEGIN}")
    assert made.endswith(f"\n{END}after\n")
    assert "old" not in made
    assert "| Redis | 1.00 |" in made
