"""The tables."""

from __future__ import annotations

import pytest

from benchmarks import table
from benchmarks.results import Sample
from benchmarks.servers import PEERS, SERVERS
from benchmarks.works import LOADS, WORKS
from tests.benchmarks.samples import complete, cpu, results


@pytest.mark.parametrize(
    ("value", "text"),
    [(88235.3, "88,235"), (100, "100"), (11.24, "11.2"), (1.157, "1.16"), (0.047, "0.047")],
)
def test_figures_have_about_three_digits(value: float, text: str) -> None:
    """No more than was measured."""
    assert table.shown(value) == text


def test_every_work_of_every_server_has_a_row() -> None:
    """All that is measured is printed."""
    text = table.all_tables(complete())
    for work, load in LOADS.items():
        section = text.split(f"### {load.title}\n")[1].split("###")[0]
        for name, server in SERVERS.items():
            assert (f"| {server.title} |" in section) == (work in server.works), (work, name)


def test_a_row_has_figures_with_spreads_and_ratios() -> None:
    """The median, the least and the greatest; once, when they are the same."""
    taken = results(
        *(cpu(1, "redis", 10.0), cpu(1, "c", 5.0)),
        *(cpu(2, "redis", 12.0), cpu(2, "c", 9.0)),
    )
    row = "| C, epoll | 7.00 (5.00-9.00) | 0.62 (0.50-0.75) | 1,000 | 1.00 | 0.50 | 1.00 |"
    assert row in table.all_tables(taken)


def test_a_table_without_figures_is_left_out() -> None:
    """A selection prints what it measured."""
    text = table.all_tables(results(cpu(1, "redis", 10.0), cpu(1, "c", 5.0)))
    assert text.count("###") == 1


def test_comparison_has_a_row_for_each_peer() -> None:
    """The first column of ratios is that of one request in flight."""
    rows = table.comparison(complete()).splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == [f"| {peer.title}" for peer in PEERS.values()]
    assert {row.split(" | ")[1] for row in rows} == {"1.00"}


def test_every_figure_has_a_line() -> None:
    """Of all that the daemon is measured by, with a ratio."""
    rows = table.figures(complete()).splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == [f"| {line.title}" for line in table.FIGURES]
    assert all(row.split(" | ")[2].startswith("1.00") for row in rows)


def test_figures_are_of_what_is_measured() -> None:
    """Each line names servers that have the work that it is about."""
    for line in table.FIGURES:
        for server, work in [(line.server, line.work), line.to]:
            assert work in SERVERS[server].works


def test_memory_is_told_in_kib() -> None:
    """And a start in seconds."""
    text = table.figures(complete())
    assert "| memory of an idle connection | 2.00 KiB |" in text
    assert "to its first reply | 0.25 s |" in text


def test_servers_have_works_that_there_are() -> None:
    """No name is misspelt."""
    assert {work for server in SERVERS.values() for work in server.works} == set(WORKS)


def test_disturbed_loads_are_counted() -> None:
    """Who reads the figures knows whether the machine was quiet."""
    quiet, loud = cpu(1, "c", 5.0), Sample(1, "redis", "one", {"cpu_us": 9.0, "others": 0.5})
    about = table.about(results(quiet, loud))
    assert "in 1 round: Abacus, 2 processors, Python 3.11.0." in about
    assert "during 1 of 2 loads" in about


def test_another_build_is_compared_row_by_row() -> None:
    """Each figure of this build has its ratio to the other one's; without one there are none."""
    both = results(cpu(1, "sockreply", 10.0), cpu(1, "before-sockreply", 20.0))
    assert "| **sockreply** | one | 10.0 µs | 0.50 |" in table.builds(both)
    assert not table.builds(complete())
