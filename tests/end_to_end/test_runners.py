"""Every way to start a daemon: it serves, it ends with status 0, and it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.end_to_end.clients import TEXTBOOK_REPLY, ask
from tests.end_to_end.daemons import (
    DAEMONIZING,
    RESPONDERS,
    RUNNERS,
    Start,
    command,
    in_each_foreground,
    processes_in,
    start_to_end,
)
from tests.end_to_end.waiting import eventually


@in_each_foreground
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_foreground_serves_and_ends_with_status_0(
    start_daemon: Start, tmp_path: Path, runner: str, number: signal.Signals
) -> None:
    """In the foreground it serves until SIGTERM or SIGINT, and its exit status is 0.

    SIGHUP is logged, and the daemon goes on.
    """
    daemon = start_daemon(runner=runner)
    assert ask(daemon.port) == TEXTBOOK_REPLY
    daemon.signal(signal.SIGHUP)
    daemon.wait_for("SIGHUP: ignored")
    assert ask(daemon.port) == TEXTBOOK_REPLY
    daemon.signal(number)
    assert daemon.wait() == 0
    assert f"{number.name}: stopping" in daemon.log
    assert "Traceback" not in daemon.log
    assert processes_in(tmp_path) == []
    assert not list(tmp_path.glob("*.pid"))


@pytest.mark.parametrize(
    "runner",
    [
        *RUNNERS,
        *(
            ("twistd", "-n", "--pidfile=", "--reactor", reactor, "sockreply")
            for reactor in ("asyncio", "poll", "select")
        ),
    ],
    ids=str,
)
def test_time_is_steady(start_daemon: Start, runner: str | Sequence[str]) -> None:
    """Whatever runs it, its reactor goes by a clock that nobody sets."""
    daemon = start_daemon("--responder", f"{RESPONDERS}:apart", runner=runner)
    assert ask(daemon.port) == b"0"


@pytest.mark.usefixtures("start_daemon")
def test_twistd_daemonizes(tmp_path: Path) -> None:
    """`twistd` returns once it listens; its pid file names the daemon, and goes with it."""
    done = start_to_end(*command(DAEMONIZING, "--port", "0"), directory=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    pid = int((tmp_path / "twistd.pid").read_text())
    assert pid in processes_in(tmp_path) or not Path("/proc").exists()
    log = tmp_path / "twistd.log"
    listening = re.compile(r"listening on 127\.0\.0\.1:(\d+)\n")
    eventually(lambda: listening.search(log.read_text()))
    (port,) = listening.findall(log.read_text())
    assert ask(int(port)) == TEXTBOOK_REPLY
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not (tmp_path / "twistd.pid").exists())
    eventually(lambda: has_ended(pid))
    assert processes_in(tmp_path) == []
    assert "served 1 connections: 1 messages, 1 replies" in log.read_text()


def has_ended(pid: int) -> bool:
    """Is there no such process, or nothing left of it but its status?"""
    with suppress(ProcessLookupError, FileNotFoundError):
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return stat.parent.exists() and stat.read_text().rpartition(") ")[2].startswith("Z")
    return True
