"""What docs/operations.md says is so, where no systemd is needed to tell; see also tests/system."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sockreply.config import read
from tests.end_to_end.clients import ask, connect_unix, read_all
from tests.end_to_end.daemons import ROOT, Start

TEXT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def test_files_that_are_named_exist() -> None:
    """Each file of this tree that the page names is there."""
    named = re.findall(r"`((?:etc|examples|docs)/[^` ]*)`", TEXT)
    linked = [f"docs/{name}" for name in re.findall(r"\]\(([a-z]+\.md)", TEXT)]
    drop_ins = [f"etc/systemd/drop-ins/{name}" for name in re.findall(r"`([a-z]+\.conf)`", TEXT)]
    assert len(named) > 3
    assert [name for name in named + linked + drop_ins if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("block", blocks("toml"))
def test_settings_are_valid(block: str, tmp_path: Path) -> None:
    """Each piece of a file is one that the daemon takes."""
    rest = "" if "[services" in block else '\n[services.default]\nlisten = "tcp:0"\n'
    file = tmp_path / "sockreply.toml"
    file.write_text(block + rest + 'rules = [{ reply = "me" }]\n')
    read(file)


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed")
def test_haproxy_takes_its_configuration(tmp_path: Path) -> None:
    """HAProxy has no complaint about what it is told to do."""
    file = tmp_path / "haproxy.cfg"
    file.write_text(*blocks("haproxy"))
    done = subprocess.run(
        ["haproxy", "-c", "-f", file], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("logrotate") is None, reason="logrotate is not installed")
def test_logrotate_takes_its_configuration(tmp_path: Path) -> None:
    """Logrotate understands all of what it is told to do."""
    file = tmp_path / "sockreply"
    file.write_text(*blocks("logrotate"))
    file.chmod(0o644)
    done = subprocess.run(
        ["logrotate", "--debug", "--state", tmp_path / "state", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, re.findall(r"^error: .*", done.stderr, re.MULTILINE)) == (0, [])


def test_metrics_that_are_named_exist(start_daemon: Start, tmp_path: Path) -> None:
    """Each metric that the page names is among those that a daemon shows."""
    place = tmp_path / "metrics.sock"
    daemon = start_daemon("--metrics", f"unix:{place}")
    ask(daemon.port)  # once it answers, it listens everywhere
    with connect_unix(str(place)) as client:
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        shown = read_all(client).decode()
    known = set(re.findall(r"^# TYPE (\S+)", shown, re.MULTILINE))
    named = set(re.findall(r"`(sockreply_[a-z_]+)", TEXT))
    assert len(named) > 3
    assert named <= known
