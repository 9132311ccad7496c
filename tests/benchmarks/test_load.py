"""The load generator is told what to do, and what it tells is understood."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.load import Load, parse, run

OUTPUT = """\
"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
"PING_INLINE","88235.30","0.304","0.096","0.295","0.359","0.383","1.407"
"""


def test_csv_is_parsed() -> None:
    """Requests a second, the two percentiles, and the longest of all."""
    told = {"per_second": 88235.30, "p50_ms": 0.295, "p99_ms": 0.383, "max_ms": 1.407}
    assert parse(OUTPUT) == told


@pytest.mark.parametrize("output", ["", "Error: Connection refused\n", OUTPUT.splitlines()[0]])
def test_output_without_figures_is_an_error(output: str) -> None:
    """No figure is better than a wrong one."""
    with pytest.raises(BenchmarkError, match="no figures"):
        parse(output)


def test_command_says_what_the_load_is() -> None:
    """Connections, pipeline, requests, and that connections are kept."""
    words = " ".join(Load("", 320, connections=5, pipeline=16).command(1234))
    assert words == "redis-benchmark -p 1234 -t ping_inline --csv -n 320 -c 5 -P 16 -k 1"


def test_reconnecting_load_keeps_no_connection() -> None:
    """Each request has a connection of its own."""
    assert Load("", 100, reconnect=True).command(1234)[-2:] == ["-k", "0"]


def test_load_over_tls_trusts_the_certificate() -> None:
    """And nothing else."""
    assert Load("", 100).command(1234, Path("c.pem"))[-3:] == ["--tls", "--cacert", "c.pem"]


def test_failed_load_is_an_error() -> None:
    """The last lines that it said are told, and its status."""
    script = (
        "import sys; print('first', 'second', 'third', sep='\\n', file=sys.stderr); sys.exit(3)"
    )
    with pytest.raises(BenchmarkError, match=r"failed with 3: second \| third$"):
        run([sys.executable, "-c", script])
