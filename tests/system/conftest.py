"""Machines for the tests, and what they carry."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.certificates import make_certificate
from tests.end_to_end.daemons import ROOT
from tests.system.machines import PARCEL, Machine, booted, run_switched_off
from tests.system.packages import build, renewed
from tests.system.trees import tree, what_is_missing

INSIDE = Path(__file__).parent / "inside"


@pytest.fixture(scope="session")
def parcel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What machines can read.

    `sockreply.deb` and `newer.deb`, the programs that run inside, `local` with a responder of an
    operator's own, and `localhost.pem`.
    """
    if missing := what_is_missing():
        pytest.skip(missing)
    directory = tmp_path_factory.mktemp("parcel")
    shutil.copy(build(), directory / "sockreply.deb")
    renewed(directory / "sockreply.deb", directory / "newer.deb")
    shutil.copytree(INSIDE, directory, dirs_exist_ok=True)
    make_certificate(directory / "localhost.pem")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    greeter = ROOT / "examples" / "greeter"
    subprocess.run([*pip, "--target", directory / "local", greeter], check=True)
    return directory


@pytest.fixture(scope="session")
def installed(parcel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The files of a Debian on which the package was installed before it was ever booted."""
    files = tmp_path_factory.mktemp("installed") / "files"
    subprocess.run(["cp", "--archive", "--reflink=auto", tree(), files], check=True)
    run_switched_off(files, parcel, "dpkg", "--install", f"{PARCEL}/sockreply.deb")
    yield files
    shutil.rmtree(files)


@pytest.fixture
def bare(parcel: Path, tmp_path: Path) -> Iterator[Machine]:
    """A machine without the package."""
    with booted(tree(), parcel, tmp_path / "console") as machine:
        yield machine


@pytest.fixture
def machine(installed: Path, parcel: Path, tmp_path: Path) -> Iterator[Machine]:
    """A machine with the package, as it was installed."""
    with booted(installed, parcel, tmp_path / "console") as machine:
        yield machine
