"""Writes what a whole run gives: benchmarks/results/, and figures in README.md and docs/."""

from __future__ import annotations

from pathlib import Path

from benchmarks import plot, table
from benchmarks.results import Results
from benchmarks.servers import ROOT

README = ROOT / "README.md"
PAGE = ROOT / "docs" / "speed.md"
RESULTS = ROOT / "benchmarks" / "results"
LATEST = RESULTS / "latest.json"
BEGIN = "<!-- from here on written by `make bench` -->\n"
END = "<!-- to here -->\n"


def publish(results: Results) -> None:
    """Write the results, and all that is made of them."""
    RESULTS.mkdir(exist_ok=True)
    LATEST.write_text(results.to_json())
    for path, text in pages(results, README.read_text(), PAGE.read_text()).items():
        path.write_text(text)


def latest() -> Results:
    """What was written last."""
    return Results.from_json(LATEST.read_text())


def pages(results: Results, readme: str, page: str) -> dict[Path, str]:
    """What is made of results, by the file.

    Args:
        results: Of a whole run.
        readme: The text of README.md, whose marked part is replaced.
        page: That of docs/speed.md, likewise.
    """
    return {
        RESULTS / "latest.md": f"# The latest results\n\n{table.all_tables(results)}",
        RESULTS / "latest.svg": plot.picture(results),
        README: _with_marked_part(readme, in_short(results)),
        PAGE: _with_marked_part(page, in_full(results)),
    }


def in_short(results: Results) -> str:
    """What README shows."""
    return f"{table.summary(results)}\n\n{table.about(results)}\n"


def in_full(results: Results) -> str:
    """What docs/speed.md shows."""
    return f"""\
![CPU time per request, as a ratio to Redis](../benchmarks/results/latest.svg)

The server's CPU time per request, as a ratio to what Redis takes for a `PING` in the same round:

{table.comparison(results)}

How long a request takes while another connection sends requests without end:

{table.beside_flood(results)}

What the daemon takes for a request, in CPU time, and for an idle connection and its start:

{table.figures(results)}

{table.about(results)}
"""


def _with_marked_part(text: str, part: str) -> str:
    """A text in which a part stands between the marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{part}{END}{after}"
