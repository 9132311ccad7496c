"""What is made ready before anything is measured."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import prerequisites


def test_a_build_is_compiled_wherever_its_python_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pip does it, and whatever the environment says; else each start would compile again."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    package = tmp_path / "elsewhere" / "sockreply"
    (package / "deep").mkdir(parents=True)
    for name in ("__init__.py", "deep/__init__.py", "deep/inside.py"):
        (package / name).touch()
    scripts = tmp_path / "bin"
    scripts.mkdir()
    python = scripts / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={package.parent} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    prerequisites.compile_packages(scripts, "sockreply")
    assert list(package.glob("deep/__pycache__/inside.*.pyc"))
