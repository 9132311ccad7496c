"""The exact versions that the image and the Debian package are made with, and their bounds."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_private_names import ALLOWED

ROOT = Path(__file__).parents[1]
LOCKS = ROOT / "etc" / "locks"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ASKED = {
    "run.txt": PROJECT["project"]["dependencies"],
    "build.txt": PROJECT["build-system"]["requires"],
}
"""What each file has to satisfy."""

PYTHONS = ("3.11", "3.12", "3.13")


def pins(name: str) -> dict[str, Requirement]:
    """The one version of each library in a file."""
    lines = (LOCKS / name).read_text().replace("\\\n", "").splitlines()
    found = [Requirement(line.partition("--hash")[0]) for line in lines if line[:1] not in " #"]
    by_name: dict[str, Requirement] = {canonicalize_name(each.name): each for each in found}
    assert len(by_name) == len(found)
    return by_name


def environment(python: str) -> dict[str, str]:
    """What decides which libraries are needed."""
    return {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}


def needed(asked: list[str], python: str) -> Iterator[Requirement]:
    """What is needed for that, and in turn for those, as far as it is installed here."""
    waiting, seen = [Requirement(each) for each in asked], set()
    while waiting:
        requirement = waiting.pop()
        yield requirement
        try:
            further = importlib.metadata.requires(requirement.name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # it is for another Python or system
        for extra in ("", *requirement.extras):
            for each in map(Requirement, further):
                wanted = each.marker is None or each.marker.evaluate(
                    {**environment(python), "extra": extra}
                )
                if wanted and str(each) not in seen:
                    seen.add(str(each))
                    waiting.append(each)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", ASKED)
def test_pins_are_what_is_asked_for(name: str, python: str) -> None:
    """Everything that is needed has a version there, and it is one that will do."""
    pinned = pins(name)
    for requirement in needed(ASKED[name], python):
        pin = pinned[canonicalize_name(requirement.name)]
        assert pin.marker is None or pin.marker.evaluate(environment(python)), pin
        (version,) = [each.version for each in pin.specifier if each.operator == "=="]
        assert requirement.specifier.contains(version), f"{requirement}: {version}; run make lock"


@pytest.mark.parametrize("name", ASKED)
def test_each_pin_has_its_hashes(name: str) -> None:
    """A file that was put in the place of another is not installed."""
    text = (LOCKS / name).read_text()
    for block in re.split(r"\n(?=\S)", text):
        if not block.startswith("#"):
            assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", block), block


def test_libraries_with_private_names_are_bounded() -> None:
    """Of a library whose private names we use, no version is taken that nobody has tried."""
    asked = {each.name: each for each in map(Requirement, ASKED["run.txt"])}
    used = {library for library, _ in ALLOWED.values()} - set(sys.stdlib_module_names)
    assert used
    for library in used:
        operators = {each.operator for each in asked[library].specifier}
        assert operators == {">=", "<"}, library


def test_what_is_shipped_is_made_with_them() -> None:
    """The image and the package take no version but these."""
    for path in ("etc/Containerfile", "etc/debian/rules"):
        text = (ROOT / path).read_text()
        assert "--require-hashes -r etc/locks" in text
        assert len(re.findall(r"(?:etc/locks|LOCKED\))/(?:run|build)\.txt", text)) == 2
