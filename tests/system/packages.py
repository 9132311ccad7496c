"""The package as it is built from this tree, and one that is newer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.end_to_end.daemons import ROOT


def run(*words: str | Path) -> str:
    """What a command prints that succeeds."""
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def build() -> Path:
    """Build the package; where it is."""
    run(ROOT / "etc" / "debian" / "build", sys.executable)
    return max((ROOT / "dist").glob("sockreply_*.deb"), key=lambda deb: deb.stat().st_mtime)


def renewed(deb: Path, directory: Path) -> Path:
    """The same package under a version that is newer by one."""
    files = directory / "files"
    run("dpkg-deb", "--raw-extract", deb, files)
    control = files / "DEBIAN" / "control"
    version = run("dpkg-deb", "--field", deb, "Version").strip()
    control.write_text(control.read_text().replace(f"Version: {version}", f"Version: {version}+1"))
    newer = directory / "newer.deb"
    run("dpkg-deb", "-Znone", "--build", files, newer)
    return newer
