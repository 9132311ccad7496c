"""The load: redis-benchmark, a generator that nobody here wrote.

It sends `PING` as a line, waits for a reply of any kind to each, and does not look into it. Before
that it asks for two settings of Redis, and goes on whatever the answer is.
"""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError

TEST = "PING_INLINE"
PATIENCE_SECONDS = 60.0
SHOWN_LINES = 2
"""Of what a failed load says."""


@dataclass(frozen=True)
class Load:
    """What is asked of a server at a time.

    Args:
        title: As the tables have it.
        requests: How many are sent.
        connections: How many there are at once.
        pipeline: How many requests each has in flight.
        reconnect: Is each request sent on a connection of its own?
        idle: How many more connections are open, and do nothing.
        flood: Does one more connection send requests without end?
    """

    title: str
    requests: int
    connections: int = 50
    pipeline: int = 1
    reconnect: bool = False
    idle: int = 0
    flood: bool = False

    def command(self, port: int, certificate: Path | None = None) -> list[str]:
        """How the generator is started."""
        return [
            *("redis-benchmark", "-p", str(port), "-t", TEST.lower(), "--csv"),
            *("-n", str(self.requests), "-c", str(self.connections), "-P", str(self.pipeline)),
            *("-k", "0" if self.reconnect else "1"),
            *(() if certificate is None else ("--tls", "--cacert", str(certificate))),
        ]


def run(command: Sequence[str]) -> dict[str, float]:
    """Start the generator and wait for its figures.

    Raises:
        BenchmarkError: It fails.
    """
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=PATIENCE_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"the load took more than {PATIENCE_SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        told = " | ".join(error.stderr.splitlines()[-SHOWN_LINES:])
        raise BenchmarkError(f"the load failed with {error.returncode}: {told}") from None
    return parse(done.stdout)


def parse(output: str) -> dict[str, float]:
    """Requests per second, and milliseconds in which half, 99 of 100 and all replies came.

    Args:
        output: As `--csv` makes it: a line of names, and one of figures.

    Raises:
        BenchmarkError: There are none.
    """
    for row in csv.DictReader(io.StringIO(output)):
        if row["test"] == TEST:
            return {
                "per_second": float(row["rps"]),
                "p50_ms": float(row["p50_latency_ms"]),
                "p99_ms": float(row["p99_latency_ms"]),
                "max_ms": float(row["max_latency_ms"]),
            }
    raise BenchmarkError(f"the load told no figures: {output.strip()!r}")
