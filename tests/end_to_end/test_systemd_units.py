"""The units of etc/systemd: what systemd says of them, and the daemon started as they start it."""

from __future__ import annotations

import configparser
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sockreply.server import Limits
from tests.end_to_end.clients import TEXTBOOK_REPLY, ask, connect, read_all
from tests.end_to_end.daemons import ROOT, SCRIPTS, Start
from tests.end_to_end.waiting import PATIENCE

UNITS = ROOT / "etc" / "systemd"
OPERATORS_SCRIPTS = "/opt/sockreply/bin"

HAND_OVER = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="sockreply")
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Runs a command as systemd does that has opened a port for it (sd_listen_fds(3))."""


def needs(program: str) -> pytest.MarkDecorator:
    """Skips a test where a program of systemd's is not installed."""
    missing = shutil.which(program) is None
    return pytest.mark.skipif(missing, reason=f"{program} is not installed")


def read_unit(name: str) -> configparser.ConfigParser:
    """A unit's last word on each directive."""
    unit = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes="#")
    unit.read_string((UNITS / name).read_text().replace("\\\n", ""))  # continued lines are one
    return unit


def exec_start() -> list[str]:
    """The command of the service, with the programs of this environment."""
    command = read_unit("sockreply.service")["Service"]["ExecStart"]
    return shlex.split(command.replace(OPERATORS_SCRIPTS, str(SCRIPTS)))


@needs("systemd-analyze")
def test_units_are_valid(tmp_path: Path) -> None:
    """Both units are read by systemd without a word of complaint."""
    names = ["sockreply.service", "sockreply.socket"]
    for name in names:
        text = (UNITS / name).read_text().replace(OPERATORS_SCRIPTS, str(SCRIPTS))
        (tmp_path / name).write_text(text)
    verified = subprocess.run(
        ["systemd-analyze", "verify", *names],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in verified.stderr.splitlines() if "sockreply" in line]
    assert (verified.returncode, said) == (0, []), verified.stderr


@needs("systemd-analyze")
def test_service_is_confined() -> None:
    """The service's exposure is at most 1.3 of 10 by systemd's count."""
    counted = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=13", "sockreply.service"],
        cwd=UNITS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert counted.returncode == 0, counted.stdout + counted.stderr


def test_service_may_stay_until_it_is_drained() -> None:
    """The daemon is killed only after the time that draining may take."""
    allowed = float(read_unit("sockreply.service")["Service"]["TimeoutStopSec"])
    assert allowed > Limits.drain_timeout


@needs("systemd-socket-activate")
def test_service_answers_on_the_port_of_the_socket(start_daemon: Start) -> None:
    """The service's command answers on a port that systemd opened, and SIGTERM ends it with 0."""
    unit = read_unit("sockreply.socket")["Socket"]
    host = unit["ListenStream"].rpartition(":")[0]
    with socket.create_server((host, 0)) as free:
        port = free.getsockname()[1]
    name = f"--fdname={unit['FileDescriptorName']}"
    words = exec_start()
    options = words.index("sockreply") + 1
    daemon = start_daemon(
        *words[options:],
        runner=words[:options],
        under=["systemd-socket-activate", name, "-l", f"{host}:{port}"],
    )
    daemon.wait_for("Listening on")
    assert ask(port) == TEXTBOOK_REPLY
    assert daemon.stop() == 0


@contextmanager
def running_on(listener: socket.socket, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The service's command while it has a port from us."""
    number = listener.fileno()
    process = subprocess.Popen(
        [sys.executable, "-c", HAND_OVER, str(number), *exec_start()],
        cwd=directory,
        pass_fds=[number],
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_clients_wait_while_the_service_restarts(tmp_path: Path) -> None:
    """A client that comes between two runs of the daemon is answered by the second one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with running_on(listener, tmp_path) as daemon:
            assert ask(port) == TEXTBOOK_REPLY
            daemon.terminate()
            assert daemon.wait(PATIENCE) == 0
        with connect(port) as client:
            client.sendall(b"hello")
            with running_on(listener, tmp_path):
                assert read_all(client) == TEXTBOOK_REPLY
