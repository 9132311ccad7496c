"""What the figures were taken on, and the two processors that are used."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.errors import BenchmarkError


@dataclass(frozen=True)
class Processors:
    """Server and load do not take each other's time."""

    server: int
    load: int


def choose_processors() -> Processors:
    """Two that this process may use.

    Raises:
        BenchmarkError: There is one only.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise BenchmarkError("server and load need a processor each, and there is one")
    return Processors(server=allowed[1], load=allowed[0])


def facts() -> dict[str, str]:
    """The machine and the versions, by what the tables call them."""
    redis = subprocess.run(["redis-server", "--version"], check=True, capture_output=True).stdout
    return {
        "": _processor(),
        "Linux": platform.release(),
        "Python": platform.python_version(),
        "Twisted": version("twisted"),
        "uvloop": version("uvloop"),
        "Redis": redis.decode().split("v=")[1].split()[0],
    }


def _processor() -> str:
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    name = model[1] if model else platform.machine()
    return f"{name}, {os.cpu_count()} processors"
