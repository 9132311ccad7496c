"""A shell that types what a page shows."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.end_to_end.daemons import ROOT, SCRIPTS
from tests.end_to_end.pages import Block, Session, looks_like
from tests.end_to_end.waiting import PATIENCE

PORTS = ("12345", "12346", "8583", "9464")
"""The ports that pages name; a free one takes the place of each."""

TOOLS = (
    *("curl", "dig", "logger", "ncat", "openssl", "redis-cli", "socat"),
    "systemd-socket-activate",
)
"""What pages use and not every machine has."""


def free_ports(count: int) -> list[int]:
    """Different ports that nobody uses now."""
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [server.getsockname()[1] for server in servers]


def missing_tools(commands: list[str]) -> list[str]:
    """The programs that commands call and that are not installed."""
    words = set(re.findall(r"(?:^|[|;&(] *)([a-z-]+)", "\n".join(commands), re.MULTILINE))
    return sorted(tool for tool in words & set(TOOLS) if shutil.which(tool) is None)


class Shell:
    """Runs commands in a directory of its own.

    Args:
        home: The directory; gets a copy of the examples.
    """

    def __init__(self, home: Path) -> None:
        self._ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
        self._here = self.home = home
        self._background: list[subprocess.Popen[bytes]] = []
        site = home / "site"
        self._pip = f"{sys.executable} -m pip --disable-pip-version-check install --quiet"
        self._pip += f" --no-deps --no-index --no-build-isolation --target {site}"
        self._env = os.environ | {
            "PATH": f"{SCRIPTS}:{os.environ['PATH']}",
            "PYTHONPATH": str(site),
        }
        shutil.copytree(
            ROOT / "examples", home / "examples", ignore=shutil.ignore_patterns("__pycache__")
        )

    def real(self, text: str) -> str:
        """A text with the ports that take the place of those in it."""
        return re.sub(r"\b\d{4,5}\b", lambda found: self._ports.get(found[0], found[0]), text)

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.real(text), encoding="utf-8")

    def run(self, command: str) -> tuple[str, int]:
        """Run a command; what it prints, and its exit status."""
        command = self.real(command).replace("pip install", self._pip)
        if command.startswith("cd "):
            self._here /= command.removeprefix("cd ")
            return "", 0
        if command == "kill %1":
            self._end(self._background.pop(0))
            return "", 0
        if command.endswith(" &"):
            self._start(command.removesuffix("&"))
            return "", 0
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self._here,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE * 2,
            check=False,
        )
        return done.stdout.decode(), done.returncode

    def play(self, session: Session) -> None:
        """Type all of a session, and compare what is printed, unless a program is missing."""
        if missing := missing_tools(session.commands):
            pytest.skip(f"not installed: {', '.join(missing)}")
        for step in session.steps:
            if isinstance(step, Block):
                assert step.file is not None
                self.write(step.file, step.text)
                continue
            command, shown = step
            printed, status = self.run(command)
            expected = self.real(shown).rstrip("\n")
            assert looks_like(expected).fullmatch(printed.rstrip("\n")), (
                f"{session}: {command}\n{printed}\n--- and not ---\n{expected}"
            )
            assert status == 0 or expected, f"{session}: {command} exits with {status}"

    def end(self) -> None:
        """End what runs in the background."""
        for daemon in self._background:
            self._end(daemon)
        for file in self.home.rglob("twistd.pid"):
            with contextlib.suppress(OSError, ValueError):
                os.kill(int(file.read_text()), signal.SIGKILL)

    def _start(self, command: str) -> None:
        with (self.home / "background.log").open("ab") as log:
            daemon = subprocess.Popen(
                ["bash", "-c", f"exec env {command}"],
                cwd=self._here,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._background.append(daemon)
        for port in self._ports_of(command):
            self._wait_for(port, daemon)

    def _ports_of(self, command: str) -> list[int]:
        """The ports that a command opens, by its words and the files that it names."""
        files = [self._here / word for word in command.split()]
        texts = [command, *(file.read_text() for file in files if file.suffix == ".toml")]
        ports = [port for port in self._ports.values() if any(port in text for text in texts)]
        return [int(port) for port in ports]

    def _wait_for(self, port: int, daemon: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and daemon.poll() is None:
            # A connection would be an event in the log; that the port is taken is known without.
            if any(self._is_taken(port, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)):
                return
            time.sleep(0.02)
        log = (self.home / "background.log").read_text(encoding="utf-8")
        pytest.fail(f"nobody listens: {daemon.args!r}: {log}")

    @staticmethod
    def _is_taken(port: int, kind: socket.SocketKind) -> bool:
        with socket.socket(type=kind) as probe:
            if kind is socket.SOCK_STREAM:  # a connection that has ended is not in the way
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return True
        return False

    @staticmethod
    def _end(daemon: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(daemon.pid, signal.SIGTERM)
        daemon.wait(PATIENCE)
