"""A network of its own: nobody else's traffic is counted there, and nothing is reached from it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.daemons import Daemon

ALONE = ("unshare", "--net")
"""The words that start a program where there is no network, not even a loopback interface."""

ON_LOOPBACK = (*ALONE, "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
"""The words that start a program on a loopback interface of its own."""


def _lacking() -> str:
    """What is missing for a network of one's own; empty: nothing."""
    for program in ("unshare", "nsenter", "ip"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    made = subprocess.run([*ON_LOOPBACK, "true"], capture_output=True, check=False)
    return "" if made.returncode == 0 else "only root may make a network namespace here"


needs_namespace = pytest.mark.skipif(bool(_lacking()), reason=_lacking())


def beside(daemon: Daemon) -> tuple[str, ...]:
    """The words that start a program in a daemon's network."""
    return ("nsenter", "--net", "--target", str(daemon.pid))


def listen_overflows(daemon: Daemon) -> int:
    """How many clients of its network found the queue of a listener full."""
    lines = Path(f"/proc/{daemon.pid}/net/netstat").read_text().splitlines()
    names, counts = (line.split() for line in lines if line.startswith("TcpExt:"))
    return int(counts[names.index("ListenOverflows")])


def queued(daemon: Daemon) -> int:
    """How many clients wait in the queues of the listeners of its network."""
    rows = (line.split() for line in Path(f"/proc/{daemon.pid}/net/tcp").read_text().splitlines())
    return sum(int(row[4].partition(":")[2], 16) for row in rows if row[3] == "0A")  # listens


def interfaces(daemon: Daemon) -> dict[str, bool]:
    """What a daemon's network is made of, and whether anything ever went over it."""
    lines = Path(f"/proc/{daemon.pid}/net/dev").read_text().splitlines()[2:]  # without the heads
    named = (line.split(":") for line in lines)
    return {name.strip(): any(int(n) for n in counts.split()) for name, counts in named}
