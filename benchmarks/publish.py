"""What is written of a whole run: benchmarks/results/, and the figures in README.md."""

from __future__ import annotations

from pathlib import Path

from benchmarks import plot, table
from benchmarks.results import Results
from benchmarks.servers import ROOT

README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "results"
LATEST = RESULTS / "latest.json"
BEGIN = "<!-- from here on written by `make bench` -->\n"
END = "<!-- to here -->\n"


def publish(results: Results) -> None:
    """Write the results, and all that is made of them."""
    RESULTS.mkdir(exist_ok=True)
    LATEST.write_text(results.to_json())
    for path, text in pages(results, README.read_text()).items():
        path.write_text(text)


def latest() -> Results:
    """What was written last."""
    return Results.from_json(LATEST.read_text())


def pages(results: Results, readme: str) -> dict[Path, str]:
    """What is made of results, by the file.

    Args:
        results: Of a whole run.
        readme: The text of README.md, whose marked part is replaced.
    """
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return {
        RESULTS / "latest.md": f"# The latest results\n\n{table.all_tables(results)}",
        RESULTS / "latest.svg": plot.picture(results),
        README: f"{before}{BEGIN}{speed(results)}{END}{after}",
    }


def speed(results: Results) -> str:
    """What README shows."""
    return f"""\
![CPU time a request, as a ratio to Redis](benchmarks/results/latest.svg)

The server's CPU time for a request, as a ratio to Redis' for a `PING` in the same round:

{table.comparison(results)}

What the daemon takes for a request, in CPU time, and for an idle connection and its start:

{table.figures(results)}

{table.about(results)}
"""
