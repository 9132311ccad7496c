"""Makes ready: Debian's Redis and a C compiler, where they are missing, and what is compiled."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from pathlib import Path

from benchmarks.errors import BenchmarkError

NEEDED = {
    "redis-benchmark": ["redis-tools"],
    "redis-server": ["redis-server"],
    "gcc": ["gcc", "libc6-dev"],
    "taskset": ["util-linux"],
}
"""Debian's packages, by the command that shows whether they are there."""

OPEN_FILES = 12_000
"""The idle connections, the load's, and what a server opens besides."""

_COMPILE = """
import compileall, importlib, sys
for name in sys.argv[1:]:
    compileall.compile_dir(importlib.import_module(name).__path__[0], quiet=1)
"""


def install() -> None:
    """Install what is missing, as root on Debian and its kin.

    Raises:
        BenchmarkError: Somebody else has to.
    """
    missing = [command for command in NEEDED if shutil.which(command) is None]
    if not missing:
        return
    packages = [package for command in missing for package in NEEDED[command]]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise BenchmarkError(f"missing: {' '.join(missing)} (Debian: {' '.join(packages)})")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", "--quiet", *words], env=environment, check=True)


def raise_open_files() -> None:
    """Allow this process and those that it starts as many open files as there may be.

    Raises:
        BenchmarkError: That is too few.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < OPEN_FILES:
        raise BenchmarkError(f"{OPEN_FILES} open files are needed, and the hard limit is {most}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, most))


def compile_c(source: Path, program: Path) -> None:
    """Make a program of one C file."""
    subprocess.run(["gcc", "-O2", "-Wall", "-o", program, source], check=True)


def compile_packages(scripts: Path, *names: str) -> None:
    """Leave bytecode beside the modules of packages, as pip does when it installs them.

    Python leaves it there itself, but not where PYTHONDONTWRITEBYTECODE is set: then each start
    from a checkout would compile all of its modules, and no start of an installed package.

    Args:
        scripts: The directory of a build's commands, with its Python.
        names: What the packages are called there.
    """
    subprocess.run([scripts / "python", "-c", _COMPILE, *names], check=True)
