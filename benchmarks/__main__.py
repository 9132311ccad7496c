"""Measures sockreply beside its peers.

Without a selection, everything is measured, and benchmarks/results/, docs/speed.md and README.md
are written; with one, tables are only printed. Exit status: 0 done, 1 something failed and there
are no figures.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path

from benchmarks import machine, prerequisites, table
from benchmarks.errors import BenchmarkError
from benchmarks.held_up import check_load
from benchmarks.publish import latest, publish
from benchmarks.results import Results, Sample
from benchmarks.rounds import Rounds
from benchmarks.servers import BEFORE, REDIS, ROOT, SCRIPTS, SERVERS, Place, other_build
from benchmarks.works import WORKS
from tests.end_to_end.certificates import make_certificate

ROUNDS = 5


def options(words: Sequence[str]) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, help=f"how many; only prints [default: {ROUNDS}]")
    parser.add_argument(
        "--only", type=_some_of(SERVERS), help=f"besides redis; of {', '.join(SERVERS)}"
    )
    parser.add_argument("--works", type=_some_of(WORKS), help=f"of {', '.join(WORKS)}")
    parser.add_argument(
        "--before",
        type=lambda text: Path(text).absolute(),
        metavar="BIN",
        help="compare with the build whose commands are in this directory; only prints",
    )
    parser.add_argument(
        "--render", action="store_true", help="measure nothing, write what latest.json tells"
    )
    return parser.parse_args(words)


def _some_of(known: Collection[str]) -> Callable[[str], set[str]]:
    def names(text: str) -> set[str]:
        chosen = set(text.split(","))
        if chosen - set(known):
            raise argparse.ArgumentTypeError(f"not known: {', '.join(chosen - set(known))}")
        return chosen

    return names


def measure(
    rounds: int, names: Collection[str], works: Collection[str], before: Path | None = None
) -> Results:
    """Take figures.

    Args:
        rounds: How many.
        names: Of the servers.
        works: What they are measured at.
        before: The directory of another build's commands, to compare ours with.

    Raises:
        BenchmarkError: One of them could not be taken.
    """
    processors = machine.choose_processors()
    prerequisites.install()
    prerequisites.raise_open_files()
    prerequisites.compile_packages(SCRIPTS, "sockreply", "benchmarks")
    os.sched_setaffinity(0, {processors.load})
    date = datetime.now().astimezone().isoformat(timespec="seconds")
    servers = {name: server for name, server in SERVERS.items() if name in names}
    if before is not None:
        prerequisites.compile_packages(before, "sockreply")
        others = other_build(before)
        servers |= {it: others[it] for it in others if it.removeprefix(BEFORE) in names}
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as directory:
        place = Place(0, Path(directory))
        make_certificate(place.certificate)
        prerequisites.compile_c(ROOT / "benchmarks" / "peers" / "c_epoll.c", place.c_program)
        measuring = Rounds(servers, works, processors, place.files)
        for number in range(1, rounds + 1):
            started = time.monotonic()
            samples += measuring.run(number)
            took = time.monotonic() - started
            print(f"round {number} of {rounds} took {took:.0f} s", file=sys.stderr)
    results = Results(date, machine.facts(), samples)
    check_load(results)
    return results


def main(words: Sequence[str]) -> int:
    """Do what the command line asks for."""
    asked = options(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers end too
    selected = asked.rounds or asked.only or asked.works or asked.before
    try:
        results = (
            latest()
            if asked.render
            else measure(
                asked.rounds or ROUNDS,
                {REDIS, *asked.only} if asked.only else set(SERVERS),
                asked.works or WORKS,
                asked.before,
            )
        )
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    print(table.all_tables(results))
    if not selected:
        publish(results)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
