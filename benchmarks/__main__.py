"""Measures sockreply beside its peers.

Without options everything is measured, and benchmarks/results/ and README.md are written. With a
selection or other rounds the tables are printed only.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from benchmarks import machine, prerequisites, table
from benchmarks.certificate import make_certificate
from benchmarks.errors import BenchmarkError
from benchmarks.results import Results, Sample
from benchmarks.rounds import Rounds
from benchmarks.servers import REDIS, ROOT, SERVERS
from benchmarks.works import WORKS

ROUNDS = 5


def options(words: Sequence[str]) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="[default: %(default)s]")
    parser.add_argument(
        "--only", type=_names(SERVERS), default=[], help=f"some of {','.join(SERVERS)}"
    )
    parser.add_argument("--works", type=_names(WORKS), default=[], help=f"some of {','.join(WORKS)}")
    return parser.parse_args(words)


def _names(known: Collection[str]):  # noqa: ANN202
    def names(text: str) -> list[str]:
        return text.split(",")

    return names


def measure(rounds: int, names: Collection[str], works: Collection[str]) -> Results:
    """Take every figure so many times."""
    processors = machine.choose_processors()
    prerequisites.install()
    prerequisites.raise_open_files()
    os.sched_setaffinity(0, {processors.load})
    date = datetime.now().astimezone().isoformat(timespec="seconds")
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as directory:
        files = Path(directory)
        make_certificate(files / "certificate.pem")
        prerequisites.compile_c(ROOT / "benchmarks" / "peers" / "c_epoll.c", files / "c_epoll")
        servers = {name: SERVERS[name] for name in SERVERS if name in names}
        measuring = Rounds(servers, works, processors, files)
        for number in range(1, rounds + 1):
            started = time.monotonic()
            samples += measuring.run(number)
            took = time.monotonic() - started
            print(f"round {number} of {rounds}: {took:.0f} s", file=sys.stderr)
    return Results(date, machine.facts(), rounds, samples)


def main(words: Sequence[str]) -> int:
    asked = options(words)
    try:
        results = measure(
            asked.rounds,
            {*asked.only, REDIS} if asked.only else set(SERVERS),
            asked.works or WORKS,
        )
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    print(table.full(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
