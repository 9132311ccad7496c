"""Machines: containers that boot a Debian, with a network of their own that ends at loopback."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.end_to_end.waiting import PATIENCE, eventually

PARCEL = "/mnt"
"""Where in a machine the files lie that it was given."""

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
CGROUPS = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
"""The machine has version 2, also where systemd-nspawn cannot tell by what runs here."""

SLOW = 4 * PATIENCE
"""Seconds that a command may take; installing a package takes the most."""


class Machine:
    """One that runs.

    Args:
        process: The systemd-nspawn that has booted it.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def _first(self) -> str | None:
        """Its process 1, as it is numbered here."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        for child in children.read_text().split():
            with suppress(OSError):
                numbers = Path(f"/proc/{child}/status").read_text().partition("NSpid:")[2]
                if numbers.splitlines()[0].split()[1:] == ["1"]:
                    return child
        return None

    def _words(self, *words: str) -> list[str]:
        return ["nsenter", "--all", f"--target={self._first()}", "--", *words]

    def booted(self) -> bool:
        """Has it started all that it is to start?"""
        assert self._process.poll() is None, "the machine is off"
        words = ("systemctl", "is-system-running", "--wait")
        return self._first() is not None and self.status(*words) == 0

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a program in it, and talk to it."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self._words(*words), env=ENVIRONMENT, stdin=pipe, stdout=pipe, text=True
        )

    def _run(self, words: tuple[str, ...], given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._words(*words),
            env=ENVIRONMENT,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SLOW,
            check=False,
        )

    def run(self, *words: str, given: str = "") -> str:
        """What a command prints that succeeds."""
        done = self._run(words, given)
        assert done.returncode == 0, f"{words}: status {done.returncode}: {done.stdout}"
        return done.stdout

    def status(self, *words: str) -> int:
        """The exit status of a command."""
        return self._run(words).returncode

    def write(self, path: str, text: str) -> None:
        """Write a file, and the directories to it."""
        self.run("mkdir", "-p", str(Path(path).parent))
        self.run("sh", "-c", 'cat >"$1"', "sh", path, given=text)


def _container(tree: Path, parcel: Path, *options: str) -> list[str]:
    """The words that run something in a tree."""
    return [
        "systemd-nspawn",
        "--quiet",
        "--register=no",  # there may be no systemd here that could be told
        "--keep-unit",
        "--private-network",
        f"--machine=sockreply-{os.getpid()}",
        f"--directory={tree}",
        f"--bind-ro={parcel}:{PARCEL}",
        *options,
    ]


def run_switched_off(tree: Path, parcel: Path, *words: str) -> None:
    """Run a command on a machine's files while it is off.

    Args:
        tree: The files, which the command may change.
        parcel: A directory that it can read.
        words: The command.
    """
    done = subprocess.run(
        _container(tree, parcel, *words),
        env={**ENVIRONMENT, **CGROUPS},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SLOW,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@contextmanager
def booted(tree: Path, parcel: Path, log: Path) -> Iterator[Machine]:
    """Boot a machine, and switch it off at last.

    Args:
        tree: Its files. They stay as they are: what it writes is kept in memory, and forgotten.
        parcel: A directory that it can read.
        log: A file for what appears on its console.
    """
    with log.open("wb") as console:
        process = subprocess.Popen(
            _container(tree, parcel, "--volatile=overlay", "--boot"),
            env={**ENVIRONMENT, **CGROUPS},
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
        )
        machine = Machine(process)
        try:
            eventually(machine.booted, lambda: log.read_text(errors="replace"))
            yield machine
        finally:
            process.terminate()  # it hands this on as a request to switch off
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
