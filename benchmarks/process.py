"""A server's process: started on its processor, asked what it used, and ended."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.asking import Asker
from benchmarks.errors import BenchmarkError

START_SECONDS = 60.0
"""Ten thousand rules take a while on a slow machine."""
POLL_SECONDS = 0.002
END_SECONDS = 10.0
SHOWN_LINES = 5
"""Of a failed server's output."""


@dataclass(frozen=True)
class Process:
    """A server that answers.

    Args:
        pid: Its process.
        start_seconds: From its start to its first answer.
    """

    pid: int
    start_seconds: float

    def cpu_seconds(self) -> float:
        """What all its threads have used.

        The scheduler counts it in nanoseconds, and whole once a thread has gone to sleep; utime
        and stime are sampled a hundred times a second.
        """
        tasks = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def resident_bytes(self) -> int:
        """The memory that it has now."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return int(rollup.split("Rss:")[1].split()[0]) * 1024


@contextmanager
def running(command: Sequence[str], asker: Asker, processor: int) -> Iterator[Process]:
    """Keep a server up.

    Args:
        command: Starts it, in the foreground.
        asker: Knows what it has to answer.
        processor: The one that it may use.

    Raises:
        BenchmarkError: It does not start; tells what it said.
    """
    pinned = ["taskset", "--cpu-list", str(processor), *command]
    with tempfile.TemporaryFile("w+") as output:
        started = time.monotonic()
        process = subprocess.Popen(pinned, stdout=output, stderr=output)
        try:
            _wait_for_answer(process, asker, output)
            yield Process(process.pid, time.monotonic() - started)
        finally:
            _end(process)


def _wait_for_answer(process: subprocess.Popen[bytes], asker: Asker, output: IO[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not asker.answers():
        if process.poll() is not None:
            raise BenchmarkError(f"ended with {process.returncode}: {_told(output)}")
        if time.monotonic() > deadline:
            raise BenchmarkError(f"no answer in {START_SECONDS} s: {_told(output)}")
        time.sleep(POLL_SECONDS)


def _told(output: IO[str]) -> str:
    output.seek(0)
    return " | ".join(output.read().splitlines()[-SHOWN_LINES:])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
