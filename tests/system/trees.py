"""The files of a minimal Debian, kept from one run to the next."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

PACKAGES = "systemd,systemd-sysv,dbus,python3"
"""What systemd and the package take, beside what every Debian has."""

PROGRAMS = (
    "debootstrap",
    "systemd-nspawn",
    "nsenter",
    "unshare",
    "apt-get",
    "dpkg-buildpackage",
    "dh",
    "lowdown",
)
"""What building and booting take."""


def what_is_missing() -> str:
    """Why there can be no machine here; empty if there can."""
    if platform.system() != "Linux" or os.geteuid() != 0:
        return "only root of a Linux can make a tree of files and boot it"
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    apart = ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "true"]
    made = subprocess.run(apart, capture_output=True, check=False)
    return "root may make no namespaces here" if made.returncode else ""


def release() -> str:
    """The name of the Debian that runs here, for which the package is built."""
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def mirror() -> str:
    """Where apt has this release from."""
    form = ["--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages"]
    told = subprocess.run(
        ["apt-get", "indextargets", *form], capture_output=True, text=True, check=True
    )
    places = [line.split()[1] for line in told.stdout.splitlines() if line.split()[0] == release()]
    return places[0]


def tree() -> Path:
    """A directory with a minimal Debian; made if there is none yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sockreply"
    kind = hashlib.sha256(PACKAGES.encode()).hexdigest()[:8]
    kept = cache / f"{release()}-{kind}"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=cache))
        made.chmod(0o755)
        try:
            bootstrap(made)
            with suppress(OSError):  # somebody else was faster
                made.rename(kept)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return kept


def bootstrap(directory: Path) -> None:
    """Fill a directory with a minimal Debian."""
    done = subprocess.run(
        [
            "debootstrap",
            "--variant=minbase",
            f"--include={PACKAGES}",
            release(),
            directory,
            mirror(),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    for archive in (directory / "var" / "cache" / "apt" / "archives").glob("*.deb"):
        archive.unlink()
