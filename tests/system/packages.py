"""The package as it is built from this tree, and one that is newer."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
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


def renewed(deb: Path, newer: Path) -> None:
    """Make the same package under a version that is newer by one.

    Args:
        deb: The package.
        newer: Where to.
    """
    with tempfile.TemporaryDirectory() as directory:
        files = Path(directory) / "files"
        run("dpkg-deb", "--raw-extract", deb, files)
        control = files / "DEBIAN" / "control"
        text = re.sub(r"^Version: .*$", r"\g<0>+1", control.read_text(), flags=re.MULTILINE)
        control.write_text(text)
        run("dpkg-deb", "-Znone", "--build", files, newer)
