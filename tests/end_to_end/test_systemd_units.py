"""The units of etc/systemd: what systemd says of them, and the daemon started as they start it."""

from __future__ import annotations

import configparser
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sockreply.tap import Options

UNITS = Path(__file__).parents[2] / "etc" / "systemd"
OPERATORS_PROGRAMS = "/opt/sockreply/bin"
OUR_PROGRAMS = str(Path(sys.executable).parent)
REPLY = "서버로부터 응답 메시지입니다.".encode()
PATIENCE = 20.0
"""Seconds in which a daemon starts, answers and ends on a slow machine."""

needs_systemd_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
needs_socket_activate = pytest.mark.skipif(
    shutil.which("systemd-socket-activate") is None,
    reason="systemd-socket-activate is not installed",
)

Start = Callable[..., "subprocess.Popen[bytes]"]


def read_unit(name: str) -> configparser.ConfigParser:
    """A unit's last word on each directive, with continued lines joined."""
    unit = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes="#")
    unit.read_string((UNITS / name).read_text().replace("\\\n", " "))
    return unit


def exec_start() -> list[str]:
    """The command of the service, with the programs of this environment."""
    command = read_unit("sockreply.service")["Service"]["ExecStart"]
    return shlex.split(command.replace(OPERATORS_PROGRAMS, OUR_PROGRAMS))


def ask(port: int) -> bytes:
    """All that the daemon sends to a client that sends one message."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            client = socket.create_connection(("127.0.0.1", port), PATIENCE)
        except ConnectionRefusedError:  # systemd-socket-activate is not listening yet
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            break
    with client:
        client.sendall(b"hello")
        return client.makefile("rb").read()


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
    return number


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start commands in an empty directory, and end those that are left."""
    started: list[subprocess.Popen[bytes]] = []

    def start(command: list[str], pass_fds: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(command, cwd=tmp_path, pass_fds=pass_fds))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


@needs_systemd_analyze
def test_units_are_valid(tmp_path: Path) -> None:
    """Both units are read by systemd without a word of complaint."""
    for unit in UNITS.glob("sockreply.*"):
        text = unit.read_text().replace(OPERATORS_PROGRAMS, OUR_PROGRAMS)
        (tmp_path / unit.name).write_text(text)
    names = sorted(unit.name for unit in tmp_path.iterdir())
    assert names == ["sockreply.service", "sockreply.socket"]
    verified = subprocess.run(
        ["systemd-analyze", "verify", *names],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in verified.stderr.splitlines() if "sockreply" in line]
    assert (verified.returncode, said) == (0, []), verified.stderr


@needs_systemd_analyze
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
    assert allowed > Options()["drain-timeout"]


@needs_socket_activate
def test_service_answers_on_the_port_of_the_socket(port: int, start: Start) -> None:
    """The service's command answers on a port that systemd opened, and SIGTERM ends it with 0."""
    unit = read_unit("sockreply.socket")["Socket"]
    host = unit["ListenStream"].rpartition(":")[0]
    name = unit["FileDescriptorName"]
    daemon = start(
        ["systemd-socket-activate", f"--fdname={name}", "-l", f"{host}:{port}", *exec_start()]
    )
    assert ask(port) == REPLY
    daemon.terminate()
    assert daemon.wait(PATIENCE) == 0


def test_clients_wait_while_the_service_restarts(start: Start) -> None:
    """A client that comes between two runs of the daemon is answered by the second one."""
    hand_over = (
        "import os, sys; os.dup2(int(sys.argv[1]), 3); "
        "os.environ.update("
        "LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='sockreply'); "
        "os.execv(sys.argv[2], sys.argv[2:])"
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number, port = listener.fileno(), listener.getsockname()[1]
        command = [sys.executable, "-c", hand_over, str(number), *exec_start()]
        first = start(command, (number,))
        assert ask(port) == REPLY
        first.terminate()
        assert first.wait(PATIENCE) == 0
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
            client.sendall(b"hello")
            start(command, (number,))
            assert client.makefile("rb").read() == REPLY
