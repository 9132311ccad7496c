"""Machines for the tests, and what they carry."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.machines import PARCEL, Machine, booted
from tests.system.packages import build, renewed
from tests.system.trees import tree, what_is_missing

INSIDE = Path(__file__).parent / "inside"


@pytest.fixture(scope="session")
def parcel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `sockreply.deb`, `newer.deb`, and the programs that run in machines."""
    if missing := what_is_missing():
        pytest.skip(missing)
    directory = tmp_path_factory.mktemp("parcel")
    shutil.copy(build(), directory / "sockreply.deb")
    renewed(directory / "sockreply.deb", tmp_path_factory.mktemp("newer")).rename(
        directory / "newer.deb"
    )
    shutil.copytree(INSIDE, directory, dirs_exist_ok=True)
    return directory


@pytest.fixture(scope="module")
def empty_machine(parcel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine without the package."""
    with booted(tree(), parcel, tmp_path_factory.mktemp("machine") / "console") as machine:
        yield machine


@pytest.fixture(scope="module")
def installed(empty_machine: Machine) -> Machine:
    """A machine with the package, as it was installed."""
    empty_machine.run("dpkg", "--install", f"{PARCEL}/sockreply.deb")
    return empty_machine
