"""The tables, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.results import Results, Summary
from benchmarks.servers import OURS, REDIS, SERVERS
from benchmarks.works import LOADS, MEMORY, START

LOAD_COLUMNS = {
    "cpu_us": "CPU µs a request",
    "per_second": "requests a second",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
}
PEERS = ("c", REDIS, "uvloop", "asyncio", "streams", "twisted", "lines", OURS)
"""Who is compared with whom in README, in this order."""


@dataclass(frozen=True)
class Figure:
    """A line of the last table: a figure of ours, and a ratio.

    Args:
        title: What is done.
        server: By whom.
        work: As `works` calls it.
        beside: The server and the work that the ratio is to.
        beside_title: How the table calls that.
    """

    title: str
    server: str
    work: str
    beside: tuple[str, str]
    beside_title: str


_REDIS = "Redis"
_PLAIN = (OURS, "one")
FIGURES = (
    Figure("one request in flight", OURS, "one", (REDIS, "one"), _REDIS),
    Figure("16 in flight", OURS, "pipelined", (REDIS, "pipelined"), _REDIS),
    Figure(
        "16 in flight, answered by a rule", "rules-1", "pipelined", (REDIS, "pipelined"), _REDIS
    ),
    Figure("1 connection, one in flight", OURS, "single", (REDIS, "single"), _REDIS),
    Figure(
        "1 connection, 16 in flight",
        OURS,
        "single pipelined",
        (REDIS, "single pipelined"),
        _REDIS,
    ),
    Figure("a connection a request", OURS, "reconnecting", (REDIS, "reconnecting"), _REDIS),
    Figure("the last of 100 exact rules", "rules-100", "one", ("rules-1", "one"), "1 rule"),
    Figure("the last of 1,000 exact rules", "rules-1000", "one", ("rules-1", "one"), "1 rule"),
    Figure("the last of 10,000 exact rules", "rules-10000", "one", ("rules-1", "one"), "1 rule"),
    Figure("a reply made by a template", "template", "one", ("rules-1", "one"), "1 rule"),
    Figure("the exchange log, capped", "log", "one", _PLAIN, "no exchange log"),
    Figure("TLS", "tls", "one", ("redis-tls", "one"), "Redis with TLS"),
    Figure("10,000 idle connections beside", OURS, "beside idle", _PLAIN, "none beside"),
    Figure("memory of an idle connection", OURS, MEMORY, (REDIS, MEMORY), _REDIS),
    Figure(
        "start of `twistd sockreply`, to the first reply",
        "twistd",
        START,
        ("twistd-alone", START),
        "`twistd` with an empty service",
    ),
)

_UNITS: dict[str, tuple[str, float]] = {
    "cpu_us": ("µs", 1.0),
    "bytes": ("KiB", 1024.0),
    "seconds": ("s", 1.0),
}


def full(results: Results) -> str:
    """Every figure of every server, with its ratio to Redis in the same round."""
    parts = [about(results)]
    for work, load in LOADS.items():
        parts.append(_section(load.title, _load_table(results, work)))
    parts.append(_section("Memory of each of 10,000 idle connections", _memory_table(results)))
    parts.append(_section("Start", _start_table(results)))
    parts.append(_section("Figures", figures(results)))
    return "\n\n".join(part for part in parts if part) + "\n"


def about(results: Results) -> str:
    """When and where it was."""
    facts = ", ".join(
        value if name in ("processor", "kernel") else f"{name} {value}"
        for name, value in results.machine.items()
    )
    rounds = f"{results.rounds} round{'s' * (results.rounds > 1)}"
    return f"{results.date[:10]}, {rounds}. {facts}."


def comparison(results: Results) -> str:
    """CPU time a request as a ratio to Redis, by server and load."""
    loads = [work for work, load in LOADS.items() if not load.idle]
    heads = ["", *(LOADS[work].title for work in loads)]
    rows = [
        [
            SERVERS[name].title,
            *(_median(results.ratio(name, work, "cpu_us", to=(REDIS, work))) for work in loads),
        ]
        for name in PEERS
    ]
    return _markdown(heads, rows)


def figures(results: Results) -> str:
    """What the daemon is measured by."""
    rows = []
    for line in FIGURES:
        figure = {MEMORY: "bytes", START: "seconds"}.get(line.work, "cpu_us")
        unit, scale = _UNITS[figure]
        value = results.summary(line.server, line.work, figure)
        ratio = results.ratio(line.server, line.work, figure, to=line.beside)
        if value is not None:
            to = "" if ratio is None else line.beside_title
            rows.append([line.title, f"{_spread(value, scale)} {unit}", _spread(ratio), to])
    return _markdown(["", "sockreply", "ratio", "to"], rows) if rows else ""


def _load_table(results: Results, work: str) -> str:
    heads = [""]
    for head in LOAD_COLUMNS.values():
        heads += [head, "to Redis"]
    return _by_server(results, work, list(LOAD_COLUMNS), heads)


def _memory_table(results: Results) -> str:
    return _by_server(results, MEMORY, ["bytes"], ["", "bytes", "to Redis"])


def _by_server(results: Results, work: str, names: Sequence[str], heads: Sequence[str]) -> str:
    rows = []
    for server in SERVERS:
        cells = [SERVERS[server].title]
        for figure in names:
            cells.append(_spread(results.summary(server, work, figure)))
            cells.append(_spread(results.ratio(server, work, figure, to=(REDIS, work))))
        if any(cells[1:]):
            rows.append(cells)
    return _markdown(heads, rows) if rows else ""


def _start_table(results: Results) -> str:
    rows = [
        [server.title, _spread(results.summary(name, START, "seconds"))]
        for name, server in SERVERS.items()
        if results.summary(name, START, "seconds")
    ]
    return _markdown(["", "s"], rows) if rows else ""


def _section(title: str, table: str) -> str:
    return f"### {title}\n\n{table}" if table else ""


def _markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _median(summary: Summary | None) -> str:
    return "" if summary is None else shown(summary.median)


def _spread(summary: Summary | None, scale: float = 1.0) -> str:
    if summary is None:
        return ""
    median, least, most = (
        shown(value / scale) for value in (summary.median, summary.least, summary.most)
    )
    return f"{median} ({least}–{most})"


def shown(value: float) -> str:
    """A figure with what can be told of it: three digits or so."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"
