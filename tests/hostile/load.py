"""The crowd of clients that `load.c` is, and what became of their connections."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).with_name("load.c")

MOST_SECONDS = 120
"""That a crowd may take, on a slow machine."""


@dataclass(frozen=True)
class Tally:
    """How many connections had which end."""

    answered: int
    refused: int
    reset: int
    empty: int
    wrong: int
    timeout: int
    worst_ms: int
    """The longest time that an answer took."""

    @property
    def lost(self) -> int:
        """Connections without an answer."""
        return self.cut + self.refused + self.wrong + self.timeout

    @property
    def cut(self) -> int:
        """Connections that were made, and ended before an answer."""
        return self.reset + self.empty

    @property
    def all(self) -> int:
        """Connections."""
        return self.answered + self.lost

    def __str__(self) -> str:
        lost = {name: getattr(self, name) for name in ("refused", "reset", "empty", "wrong")}
        kinds = ", ".join(f"{count} {name}" for name, count in lost.items() if count)
        kinds += f", {self.timeout} not in 5 s" * bool(self.timeout)
        told = f"{self.lost:,} lost of {self.all:,}" + f" ({kinds.removeprefix(', ')})" * bool(
            kinds
        )
        return told + f", longest wait {self.worst_ms} ms"


class Crowd:
    """One that is on its way.

    Args:
        process: Runs `load`.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._done = 0
        self._tally: Tally | None = None

    def reach(self, count: int) -> None:
        """Wait until so many connections are over, or all."""
        while self._tally is None and self._done < count:
            self._read_line()

    def tally(self) -> Tally:
        """What became of all of them, when they are over."""
        while self._tally is None:
            self._read_line()
        return self._tally

    def _read_line(self) -> None:
        assert self._process.stdout is not None
        name, *rest = words = self._process.stdout.readline().split() or ["nothing"]
        if name == "done":
            self._done = int(rest[0])
        else:
            assert name == "answered", f"load ended with {self._process.wait()}, said {words}"
            self._tally = Tally(**{k: int(v) for k, v in zip(words[::2], words[1::2], strict=True)})


class Load:
    """Sends crowds.

    Args:
        program: `load`, compiled.
    """

    def __init__(self, program: Path) -> None:
        self._program = program

    @contextmanager
    def crowd(
        self,
        port: int,
        *,
        workers: int,
        count: int,
        message: str = "hello\n",
        reply: str | None = "hello\n",
        under: Sequence[str] = (),
    ) -> Iterator[Crowd]:
        """Send one, and end it in any case.

        Args:
            port: On 127.0.0.1.
            workers: Clients at a time.
            count: Their connections, together.
            message: What each asks.
            reply: The one answer that is right; None: any is.
            under: The words of a program that starts it in turn.
        """
        answer = () if reply is None else (reply,)
        words = [str(self._program), str(port), str(workers), str(count), message, *answer]
        process = subprocess.Popen(
            ["timeout", str(MOST_SECONDS), *under, *words], stdout=subprocess.PIPE, text=True
        )
        try:
            yield Crowd(process)
        finally:
            process.terminate()
            process.communicate()

    def send(self, port: int, **more: Any) -> Tally:
        """Send a crowd, as `crowd` does, and wait for its end."""
        with self.crowd(port, **more) as crowd:
            return crowd.tally()


def compile_load(directory: Path) -> Load:
    """Make the program; skip the test where no compiler is."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    program = directory / "load"
    words = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", str(SOURCE), "-o", str(program)]
    compiled = subprocess.run(words, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stderr
    return Load(program)
