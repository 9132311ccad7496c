"""What is shown of the committed results is what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.publish import BEGIN, END, README, latest, pages
from benchmarks.servers import SERVERS
from tests.benchmarks.samples import complete

SHOWN = pages(latest(), README.read_text())


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.name)
def test_page_is_what_the_results_make(path: Path) -> None:
    """README, the tables and the picture have no figure that was not measured."""
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


def test_only_the_marked_part_of_readme_is_replaced() -> None:
    """What stands before and after it stays."""
    readme = pages(complete(), f"before\n{BEGIN}old\n{END}after\n")[README]
    assert readme.startswith(f"before\n{BEGIN}![")
    assert readme.endswith(f"\n{END}after\n")
    assert "old" not in readme
