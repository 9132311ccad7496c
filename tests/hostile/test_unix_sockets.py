"""Whatever becomes of a daemon, the next one listens on its UNIX socket; two never do."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.end_to_end.clients import connect_unix, read_bytes
from tests.end_to_end.daemons import Daemon, Start
from tests.end_to_end.waiting import PATIENCE, eventually, within
from tests.hostile.altered import altered
from tests.hostile.figures import Figure, Promise
from tests.hostile.naive import NAIVE

OPTIONS = ("--listen", "unix:socket")

AS_PROCESS_1 = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
"""The words that start a program as the first process, as that of a container is."""

KILLS = 3


def _lacking() -> str:
    """What is missing for a process 1 of one's own; empty: nothing."""
    if shutil.which("unshare") is None:
        return "unshare is not installed"
    made = subprocess.run([*AS_PROCESS_1, "true"], capture_output=True, check=False)
    return "" if made.returncode == 0 else "only root may make a namespace of processes here"


needs_process_1 = pytest.mark.skipif(bool(_lacking()), reason=_lacking())


def answers(directory: Path) -> bool:
    """Does a daemon answer there?"""
    try:
        with connect_unix(str(directory / "socket")) as client:
            client.sendall(b"hello\n")
            return read_bytes(client, 6) == b"hello\n"
    except OSError:
        return False


def child_of(daemon: Daemon) -> int:
    """The process that was started by the one that we started."""
    words = ["pgrep", "--parent", str(daemon.pid)]
    return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def killed_as_process_1(start: Start, path: Path, runner: str | Sequence[str], *more: str) -> int:
    """How often one serves that comes after another that was killed, each as process 1."""
    served = 0
    for _ in range(KILLS + 1):
        daemon = start(*OPTIONS, *more, runner=runner, under=AS_PROCESS_1)
        served += within(PATIENCE / 4, lambda: answers(path))
        if daemon.process.poll() is None:
            os.kill(child_of(daemon), signal.SIGKILL)
        daemon.process.wait(PATIENCE)
    return served


@needs_process_1
def test_killed_process_1_is_followed(start_daemon: Start, figure: Figure, tmp_path: Path) -> None:
    """After SIGKILL in a container, where the lock names its own process, it serves again."""
    more = ("-f", "line", "--echo")
    served = killed_as_process_1(start_daemon, tmp_path, "sockreply serve", *more)
    figure(Promise.UNIX_SOCKET, f"killed as process 1: {served} of {KILLS + 1} starts served")
    assert served == KILLS + 1


@needs_process_1
def test_killed_process_1_that_is_not(start_daemon: Start, figure: Figure, tmp_path: Path) -> None:
    """The control: Twisted's lock names process 1, which is there."""
    served = killed_as_process_1(start_daemon, tmp_path, NAIVE)
    text = f"Twisted's lock, killed as process 1: {served} of {KILLS + 1} starts served"
    figure(Promise.UNIX_SOCKET, text, control=True)
    assert served == 1


def leave_socket(directory: Path) -> None:
    """Leave a socket and a lock, as a daemon does that is killed."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(directory / "socket"))
    gone = subprocess.Popen(["true"])
    gone.wait()
    (directory / "socket.lock").symlink_to(str(gone.pid))


def two_at_once(start: Start, path: Path, *ways: str) -> tuple[int, int]:
    """How many of two daemons serve that find a socket left, and how many end."""
    leave_socket(path)
    runner = altered("hesitant", *ways)
    daemons = [start(*OPTIONS, "-f", "line", "--echo", runner=runner) for _ in range(2)]
    eventually(
        lambda: all("listening on" in each.log or each.process.poll() for each in daemons),
        lambda: str([each.log for each in daemons]),
    )
    ended = [each for each in daemons if each.process.poll() is not None]
    assert answers(path)
    return len(daemons) - len(ended), sum("Address already in use" in each.log for each in ended)


def test_two_at_once(start_daemon: Start, figure: Figure, tmp_path: Path) -> None:
    """Of two daemons that start at once one serves, and the other says that it cannot."""
    serving, refused = two_at_once(start_daemon, tmp_path)
    figure(Promise.UNIX_SOCKET, f"two at once: {serving} serving, {refused} refused")
    assert (serving, refused) == (1, 1)


def test_two_at_once_that_both_serve(start_daemon: Start, figure: Figure, tmp_path: Path) -> None:
    """The control: where none waits for the other, the second takes the first one's place."""
    serving, refused = two_at_once(start_daemon, tmp_path, "careless")
    text = f"neither waits for the other: {serving} serving, {refused} refused"
    figure(Promise.UNIX_SOCKET, text, control=True)
    assert (serving, refused) != (1, 1)
