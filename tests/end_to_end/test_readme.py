"""README.md is true: its commands run, and print what it says."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCRIPTS = sysconfig.get_path("scripts")
PATIENCE = 15.0
"""Seconds until what should have happened is taken to happen no more."""


def blocks(language: str) -> list[str]:
    """The code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_for_port(port: int, daemon: subprocess.Popen[bytes]) -> None:
    """Wait until something listens."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and daemon.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    pytest.fail(f"nobody listens: {daemon.args!r}")


class Shell:
    """Runs the commands of one block in a directory of its own.

    Args:
        home: The directory; has a copy of the examples.
        port: Takes the place of 12345.
    """

    def __init__(self, home: Path, port: int) -> None:
        self.port = port
        self._here = home
        self._background: list[subprocess.Popen[bytes]] = []
        site = home / "site"
        self._pip = f"{sys.executable} -m pip --disable-pip-version-check install --quiet"
        self._pip += f" --no-deps --no-index --no-build-isolation --target {site}"
        self._env = os.environ | {
            "PATH": f"{SCRIPTS}:{os.environ['PATH']}",
            "PYTHONPATH": str(site),
        }

    def run(self, command: str) -> str:
        """Run a command; what it prints."""
        command = command.replace("12345", str(self.port))
        command = command.replace("pip install", self._pip)
        if command.startswith("cd "):
            self._here /= command.removeprefix("cd ")
            return ""
        if command.endswith(" &"):
            daemon = subprocess.Popen(
                ["bash", "-c", command.removesuffix("&")],
                cwd=self._here,
                env=self._env,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
            self._background.append(daemon)
            wait_for_port(self.port, daemon)
            return ""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self._here,
            env=self._env,
            check=True,
            capture_output=True,
            timeout=PATIENCE * 2,
        )
        return done.stdout.decode()

    def end(self) -> None:
        """End what runs in the background."""
        for daemon in self._background:
            os.killpg(daemon.pid, signal.SIGTERM)
            daemon.wait(PATIENCE)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A place to try a block of commands in."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    port = free_port()
    (tmp_path / "scale.toml").write_text(blocks("toml")[0].replace("12345", str(port)))
    shell = Shell(tmp_path, port)
    yield shell
    shell.end()


CONSOLES = blocks("console")[1:]  # the first one goes with the textbook client


@pytest.mark.parametrize("block", CONSOLES, ids=[each.splitlines()[-2][2:40] for each in CONSOLES])
def test_commands_print_what_readme_says(shell: Shell, block: str) -> None:
    """Each command of a block runs, and prints the lines below it."""
    for command, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
        tool = command.split()[command.startswith("printf") and command.split().index("|") + 1]
        if tool in ("ncat", "curl", "redis-cli") and shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
        expected = printed.replace("12345", str(shell.port))
        assert shell.run(command).rstrip("\n") == expected.rstrip("\n"), command


def test_textbook_client_talks_to_the_daemon(tmp_path: Path, shell: Shell) -> None:
    """The first command daemonizes, the textbook client gets its reply, and kill ends it."""
    port = free_port()
    shell = Shell(tmp_path, port)
    shell.run(blocks("console")[0].removeprefix("$ ").strip())
    try:
        printed = io.StringIO()
        deadline = time.monotonic() + PATIENCE
        while not (tmp_path / "twistd.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        with contextlib.redirect_stdout(printed):
            exec(blocks("python")[0].replace("12345", str(port)), {})
        assert printed.getvalue() == "서버로부터 응답 메시지입니다.\n"
    finally:
        shell.run("kill $(cat twistd.pid)")
    deadline = time.monotonic() + PATIENCE
    while (tmp_path / "twistd.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not (tmp_path / "twistd.pid").exists()
    assert "응답" in (tmp_path / "twistd.log").read_text(encoding="utf-8")


def test_example_in_readme_is_the_file() -> None:
    """The responder that README shows is the one in examples/."""
    shown = blocks("python")[1]
    assert shown in (ROOT / "examples" / "shout.py").read_text(encoding="utf-8")


def test_options_of_readme_are_those_of_help() -> None:
    """README's table names each option that --help lists, and no other."""
    command = [f"{SCRIPTS}/twistd", "sockreply", "--help"]
    listed = subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE).stdout
    known = set(re.findall(r"^ .*?(--[a-z-]+)", listed.decode(), re.MULTILINE))
    table = README.split("## Options")[1].split("[endpoints]:")[0]
    named = set(re.findall(r"^\| .*?`(--[a-z-]+)", table, re.MULTILINE))
    assert named == known - {"--help", "--version"}
