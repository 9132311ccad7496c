"""The tables, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.disturbance import TOO_MUCH
from benchmarks.results import Results, Summary
from benchmarks.servers import BEFORE, OURS, PEERS, REDIS, SERVERS
from benchmarks.works import LOADS, MEMORY, START, WORKS

OF_LOADS = {
    "cpu_us": "CPU µs per request",
    "per_second": "requests per second",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "max_ms": "longest ms",
}
OF_MEMORY = {"bytes": "bytes", "bytes_at_first": "bytes at first"}
OF_START = {"seconds": "s"}
KIB = 1024

IN_FEW_WORDS = {
    "one": "1 in flight",
    "pipelined": "16 in flight",
    "reconnecting": "new connection each",
}
"""The loads that the table in README compares, all of 50 connections."""

TO = {REDIS: "Redis", "asyncio": "asyncio"}
"""What the ratios there are to."""

IN_SHORT = (REDIS, "asyncio", "streams", "twisted", "lines", OURS)
"""The servers that the table in README compares."""


@dataclass(frozen=True)
class Figure:
    """A line about the daemon: a figure of its own, and a ratio.

    Args:
        title: What it does.
        server: Set up how.
        work: At what.
        to: The server and the work that the ratio is to.
        to_title: What the table calls that.
    """

    title: str
    server: str
    work: str
    to: tuple[str, str]
    to_title: str


def _to_redis(title: str, work: str, server: str = OURS) -> Figure:
    return Figure(title, server, work, (REDIS, work), "Redis")


def _to_one_rule(title: str, server: str) -> Figure:
    return Figure(title, server, "one", ("rules-1", "one"), "1 exact rule")


def _tls(title: str, work: str) -> Figure:
    return Figure(title, "tls", work, ("redis-tls", work), "Redis with TLS")


FIGURES = (
    _to_redis("50 connections, 1 in flight", "one"),
    _to_redis("50 connections, 16 in flight", "pipelined"),
    _to_redis("50 connections, 16 in flight, answered by a rule", "pipelined", "rules-1"),
    _to_redis("1 connection, 1 in flight", "single"),
    _to_redis("1 connection, 16 in flight", "single pipelined"),
    _to_redis("one connection per request", "reconnecting"),
    _to_one_rule("the last of 100 exact rules", "rules-100"),
    _to_one_rule("the last of 1,000 exact rules", "rules-1000"),
    _to_one_rule("the last of 10,000 exact rules", "rules-10000"),
    _to_one_rule("a template", "template"),
    Figure("the exchange log at info, capped", "log", "one", (OURS, "one"), "no exchange log"),
    _tls("TLS, 50 connections, 1 in flight", "one"),
    _tls("TLS, 50 connections, 16 in flight", "pipelined"),
    _tls("TLS, one connection per request, with its handshake", "reconnecting"),
    Figure("beside 10,000 idle connections", OURS, "beside idle", (OURS, "one"), "none beside"),
    _to_redis("memory of an idle connection", MEMORY),
    Figure(
        "start of `twistd sockreply`, to its first reply",
        "twistd",
        START,
        ("twistd-alone", START),
        "`twistd` with an empty service",
    ),
)


def all_tables(results: Results) -> str:
    """Every figure of every server, with its ratio to Redis in the same round."""
    redis = {work: (REDIS, work) for work in (*LOADS, MEMORY)}
    tables = [
        (load.title, _by_server(results, work, OF_LOADS, "Redis", redis[work]))
        for work, load in LOADS.items()
    ]
    tables += [
        ("Memory", _by_server(results, MEMORY, OF_MEMORY, "Redis", redis[MEMORY])),
        ("Start", _by_server(results, START, OF_START, "empty", ("twistd-alone", START))),
        ("Figures", figures(results)),
        ("Beside the other build", builds(results)),
    ]
    parts = [f"### {title}\n\n{table}" for title, table in tables if table]
    return "\n\n".join([about(results), *parts]) + "\n"


def about(results: Results) -> str:
    """When and where it was, and whether others disturbed it."""
    rounds = f"{results.rounds} round{'s' * (results.rounds != 1)}"
    facts = ", ".join(f"{name} {value}".strip() for name, value in results.machine.items())
    return f"Taken on {results.date[:10]} in {rounds}: {facts}. {_disturbed(results)}"


def comparison(results: Results) -> str:
    """CPU time per request as a ratio to Redis, by server and load."""
    works = [work for work, load in LOADS.items() if not (load.idle or load.flood)]
    return _compared(results, list(PEERS), [(work, REDIS) for work in works])


def summary(results: Results) -> str:
    """The same of some servers and loads, and to asyncio too: it fits on a front page."""
    return _compared(results, IN_SHORT, [(work, to) for work in IN_FEW_WORDS for to in TO])


def beside_flood(results: Results) -> str:
    """How long replies take while another connection sends requests without end."""
    rows = []
    for name, server in PEERS.items():
        told = [results.summary(name, "beside flood", figure) for figure in ("p99_ms", "max_ms")]
        if any(told):
            rows.append([server.title, *map(_spread, told)])
    return _markdown(["", "p99 ms", "longest ms"], rows)


def _compared(results: Results, servers: Sequence[str], columns: Sequence[tuple[str, str]]) -> str:
    """CPU time per request.

    Args:
        results: Of a run.
        servers: One a row.
        columns: The work, and the server that the ratio is to.
    """
    rows = []
    for name in servers:
        ratios = [results.ratio(name, work, "cpu_us", (to, work)) for work, to in columns]
        rows.append(
            [PEERS[name].title, *(shown(ratio.median) if ratio else "" for ratio in ratios)]
        )
    several = len({to for _, to in columns}) > 1
    heads = [
        f"{IN_FEW_WORDS[work]}, to {TO[to]}" if several else LOADS[work].title
        for work, to in columns
    ]
    return _markdown(["", *heads], rows)


def figures(results: Results) -> str:
    """What the daemon is measured by."""
    rows = []
    for line in FIGURES:
        figure, unit, scale = _unit_of(line.work)
        value = results.summary(line.server, line.work, figure)
        ratio = results.ratio(line.server, line.work, figure, line.to)
        if value is not None:
            told = f"{_spread(value, scale)} {unit}"
            rows.append([line.title, told, _spread(ratio), line.to_title if ratio else ""])
    return _markdown(["", "sockreply", "ratio", "to"], rows)


def builds(results: Results) -> str:
    """What this build takes, and its ratio to the other one, if that was measured too."""
    rows = []
    for name, server in SERVERS.items():
        for work in WORKS:
            figure, unit, scale = _unit_of(work)
            value = results.summary(name, work, figure)
            ratio = results.ratio(name, work, figure, (f"{BEFORE}{name}", work))
            if value is not None and ratio is not None:
                rows.append([server.title, work, f"{_spread(value, scale)} {unit}", _spread(ratio)])
    return _markdown(["", "work", "this build", "ratio"], rows)


def shown(value: float) -> str:
    """A figure, with three digits or so."""
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:,.{decimals}f}"


def _disturbed(results: Results) -> str:
    shares = results.values("others")
    disturbed = sum(share > TOO_MUCH for share in shares)
    return (
        f"Other processes took more than {TOO_MUCH:.0%} of a processor during {disturbed} of "
        f"{len(shares)} loads."
    )


def _unit_of(work: str) -> tuple[str, str, float]:
    """The figure that stands for a work, its unit, and how much that is."""
    return {MEMORY: ("bytes", "KiB", KIB), START: ("seconds", "s", 1)}.get(
        work, ("cpu_us", "µs", 1)
    )


def _by_server(
    results: Results, work: str, names: dict[str, str], to_title: str, to: tuple[str, str]
) -> str:
    rows = []
    for server, its in SERVERS.items():
        cells = []
        for figure in names:
            cells.append(_spread(results.summary(server, work, figure)))
            cells.append(_spread(results.ratio(server, work, figure, to)))
        if any(cells):
            rows.append([its.title, *cells])
    heads = [head for name in names.values() for head in (name, f"to {to_title}")]
    return _markdown(["", *heads], rows)


def _spread(summary: Summary | None, scale: float = 1) -> str:
    if summary is None:
        return ""
    told = [shown(value / scale) for value in (summary.median, summary.least, summary.most)]
    return told[0] if told[1] == told[2] else f"{told[0]} ({told[1]}-{told[2]})"


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, or nothing when it has no rows."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) if rows else ""
