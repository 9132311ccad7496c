"""Daemons as a user starts them: processes of their own, on ports that the kernel chooses."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.end_to_end.waiting import PATIENCE, eventually

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))
"""Where the programs of the running interpreter are."""

RESPONDERS = "tests.end_to_end.responders"
"""The module whose functions `--responder` may name."""

RUNNERS: dict[str, Sequence[str]] = {
    "twistd -n": ("twistd", "-n", "--pidfile=", "sockreply"),
    "twist": ("twist", "--log-format=text", "sockreply"),
    "sockreply serve": ("sockreply", "serve"),
}
"""What stays in the foreground; serve logs to its standard error, the others to their output."""

DAEMONIZING = ("twistd", "--pidfile=twistd.pid", "--logfile=twistd.log", "sockreply")

in_each_foreground = pytest.mark.parametrize("runner", RUNNERS)
needs_proc = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="there is no /proc that tells of processes"
)


def in_turn(names: str, rows: Sequence[Any], *, every: int) -> pytest.MarkDecorator:
    """Parametrizes a test with the rows, each under one of the runners, which take turns.

    What differs between the runners and what differs between the rows are not the same code, and
    Args:
        names: The test's arguments, after `runner`.
        rows: The values of those, as `parametrize` takes them.
        every: So many of the first rows are tried under every runner.
    """
    sets = [pytest.param(row) if isinstance(row, str) else row for row in rows]
    pairs = [(runner, each) for each in sets[:every] for runner in RUNNERS]
    pairs += zip(cycle(RUNNERS), sets[every:])
    values = [
        pytest.param(runner, *each.values, id=f"{each.id or each.values[0]}-{runner}")
        for runner, each in pairs
    ]
    return pytest.mark.parametrize(f"runner, {names}", values)


def needs_program(name: str) -> pytest.MarkDecorator:
    """Skips a test where a program is not installed."""
    missing = shutil.which(name) is None
    return pytest.mark.skipif(missing, reason=f"{name} is not installed")


def with_open_files(soft: int, hard: int) -> tuple[str, ...]:
    """The words that start a program under limits of open files."""
    return ("sh", "-c", f'ulimit -Sn {soft} && ulimit -Hn {hard} && exec "$@"', "sh")


def command(runner: str | Sequence[str], *options: str) -> list[str]:
    """The command line that starts a daemon.

    Args:
        runner: One of `RUNNERS`, or the words of another one.
        options: The daemon's.
    """
    program, *words = RUNNERS[runner] if isinstance(runner, str) else runner
    return [str(SCRIPTS / program), *words, *options]


def python_path(*first: Path) -> str:
    """The value of PYTHONPATH that puts directories before those of our own."""
    own = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join([*map(str, first), *filter(None, [own])])


def environment() -> dict[str, str]:
    """Ours, in which a daemon finds the responders of the tests."""
    return {**os.environ, "PYTHONPATH": python_path(ROOT)}


def processes_in(directory: Path) -> list[int]:
    """The processes that work in a directory; none where there is no /proc."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended while we looked, or is somebody else's
            if (entry / "cwd").readlink() == directory:
                found.append(int(entry.name))
    return found


class Daemon:
    """One that was started; `port` and `wait_for` wait until it has come that far.

    Args:
        words: Its command line.
        directory: Where it works.
        name: That of the files with what it prints.
        pass_fds: Descriptors of ours that it has, too.
    """

    def __init__(
        self, words: Sequence[str], directory: Path, name: str, pass_fds: Sequence[int] = ()
    ) -> None:
        self._files = directory / f"{name}.out", directory / f"{name}.err"
        with self._files[0].open("wb") as out, self._files[1].open("wb") as err:
            self.process = subprocess.Popen(
                words,
                cwd=directory,
                env=environment(),
                stdout=out,
                stderr=err,
                pass_fds=pass_fds,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        """What it has printed so far, on its standard output and then on its standard error."""
        return "".join(file.read_text(encoding="utf-8") for file in self._files)

    def wait_for(self, text: str) -> None:
        """Wait until the log has it; fail when the daemon ends without."""

        def seen() -> bool:
            over = self.process.poll() is not None
            if text in self.log:
                return True
            assert not over, f"ended without {text!r}: {self.log}"
            return False

        eventually(seen, lambda: f"{text!r} in {self.log}")

    def ports(self, count: int) -> list[int]:
        """The ports that it listens on, as it logged them, once there are so many."""
        pattern = re.compile(r"listening on (?:127\.0\.0\.1|\[::1\]):(\d+)(?: \(UDP\))?\n")
        eventually(
            lambda: len(pattern.findall(self.log)) >= count or self.process.poll() is not None
        )
        found = [int(port) for port in pattern.findall(self.log)]
        assert len(found) == count, f"{self.log}"
        return found

    @property
    def port(self) -> int:
        """The one port that it listens on."""
        return self.ports(1)[0]

    def cpu(self) -> float:
        """Seconds of processor time that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes that it has in memory."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ends_within(self, seconds: float) -> bool:
        """Does it end by itself in this time?"""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.process.poll() is not None

    def wait(self) -> int:
        """Its exit status, when it has ended."""
        return self.process.wait(PATIENCE)

    def stop(self) -> int:
        """End it as an operator does; its exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)


class Start(Protocol):
    """Starts daemons."""

    def __call__(
        self,
        *options: str,
        runner: str | Sequence[str] = "twistd -n",
        under: Sequence[str] = (),
        pass_fds: Sequence[int] = (),
    ) -> Daemon:
        """Start one.

        Args:
            options: The daemon's; without any that says where to listen it does so on a free port.
            runner: One of `RUNNERS`, or the words of another one.
            under: The words of a program that starts it in turn.
            pass_fds: Descriptors of ours that it has, too.
        """


@contextmanager
def daemons_in(directory: Path) -> Iterator[Start]:
    """Start daemons that work in a directory, and end at last those that are left."""
    started: list[Daemon] = []

    def start(
        *options: str,
        runner: str | Sequence[str] = "twistd -n",
        under: Sequence[str] = (),
        pass_fds: Sequence[int] = (),
    ) -> Daemon:
        where = () if {"--config", "--listen", "--port", "-p"} & set(options) else ("--port", "0")
        words = [*under, *command(runner, *where, *options)]
        started.append(Daemon(words, directory, f"daemon-{len(started)}", pass_fds))
        return started[-1]

    try:
        yield start
    finally:
        for daemon in started:
            daemon.kill()
        for pid in processes_in(directory):  # those that went into the background
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def start_to_end(*words: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that is to end by itself, and soon."""
    return subprocess.run(
        words,
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
