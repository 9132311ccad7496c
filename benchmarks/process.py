"""A server's process: started on its processor, asked what it used, and ended."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.asking import Asker
from benchmarks.errors import BenchmarkError

START_SECONDS = 60.0
"""Ten thousand rules take a while."""
POLL_SECONDS = 0.002
END_SECONDS = 10.0
SHOWN_LINES = 5
"""Of a failed server's output."""


class Process:
    """A server that answers while this is entered.

    Args:
        command: Starts it, in the foreground.
        asker: Knows what it has to answer.
        processor: The one that it may use.
    """

    def __init__(self, command: Sequence[str], asker: Asker, processor: int) -> None:
        self._command = ["taskset", "--cpu-list", str(processor), *command]
        self._asker = asker
        self.start_seconds = 0.0
        """From its start to its first answer."""

    def __enter__(self) -> Self:
        self._output = tempfile.TemporaryFile("w+")
        started = time.monotonic()
        self._process = subprocess.Popen(self._command, stdout=self._output, stderr=self._output)
        try:
            self._wait(started + START_SECONDS)
        except BaseException:
            self._end()
            raise
        self.start_seconds = time.monotonic() - started
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def cpu_seconds(self) -> float:
        """What all its threads have used; the kernel counts it in nanoseconds."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def resident_bytes(self) -> int:
        """The memory that it has now."""
        rollup = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text()
        return int(rollup.split("Rss:")[1].split()[0]) * 1024

    def _wait(self, deadline: float) -> None:
        while not self._asker.answers():
            if self._process.poll() is not None:
                raise BenchmarkError(f"ended with {self._process.returncode}: {self._told()}")
            if time.monotonic() > deadline:
                raise BenchmarkError(f"no answer in {START_SECONDS} s: {self._told()}")
            time.sleep(POLL_SECONDS)

    def _told(self) -> str:
        self._output.seek(0)
        return " | ".join(self._output.read().splitlines()[-SHOWN_LINES:])

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()
