"""What ends the commands of a daemon, however that one ends: real processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted  # type: ignore[import-untyped]  # it has no types to be checked
from twisted.internet import reactor as the_reactor
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater

from sockreply.rules.replies.process_group import ProcessGroup
from sockreply.rules.replies.watcher import AGAIN, SCRIPT, Watcher
from tests.end_to_end.clients import ask, connect
from tests.end_to_end.daemons import Daemon, Start, in_each_foreground, needs_proc, processes_in
from tests.end_to_end.waiting import PATIENCE, eventually, within

pytestmark = needs_proc

SOON = 1.0
"""Seconds after which nothing is left."""

STUBBORN = "trap : TERM; sleep 1000 & while :; do wait; done"
"""A shell that SIGTERM does not end, and its child."""

FILE = f"""
[services.a]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
drain_timeout = 0.3
rules = [
  {{ when = {{ equals = "short" }}, reply = {{ command = ["printf", "done"] }} }},
  {{ reply = {{ command = ["sh", "-c", "{STUBBORN}"], timeout = 1000.0 }} }},
]
"""


class Site:
    """A daemon with a rule that runs commands, and all that it has started.

    Args:
        start_daemon: Starts it.
        directory: Where it works, and nothing else does.
        runner: What it is started by.
    """

    def __init__(self, start_daemon: Start, directory: Path, runner: str = "twistd -n") -> None:
        self._directory = directory
        file = directory / "commands.toml"
        file.write_text(FILE)
        self.daemon: Daemon = start_daemon("--config", str(file), runner=runner)

    @property
    def others(self) -> list[int]:
        """What runs there beside the daemon."""
        return [pid for pid in processes_in(self._directory) if pid != self.daemon.pid]

    def run_short(self) -> None:
        """Run a command, and wait until it is over."""
        assert ask(self.daemon.port, b"short\n") == b"done\n"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run a command that goes on, a shell and its child, beside the watcher."""
        with connect(self.daemon.port) as client:
            client.sendall(b"long\n")
            eventually(lambda: len(self.others) == 3)
            yield

    def watcher(self) -> int:
        """The one process that is there while no command runs."""
        eventually(lambda: len(self.others) == 1, lambda: str(self.others))
        return self.others[0]


@pytest.fixture
def site(start_daemon: Start, tmp_path: Path) -> Site:
    """One that was just started."""
    return Site(start_daemon, tmp_path)


def seen(pid: int, name: str) -> str:
    """What /proc tells of a process."""
    return Path(f"/proc/{pid}/{name}").read_text()


@in_each_foreground
def test_one_watcher(runner: str, start_daemon: Start, tmp_path: Path) -> None:
    """It comes with the first command, stays the only one over reloads, and leaves at the end."""
    site = Site(start_daemon, tmp_path, runner)
    assert site.daemon.port
    assert site.others == []
    site.run_short()
    watcher = site.watcher()
    for reloads in (1, 2):
        site.daemon.signal(signal.SIGHUP)
        eventually(lambda: site.daemon.log.count("reloaded") == reloads)  # noqa: B023 - is over then
        site.run_short()
        assert site.watcher() == watcher
    assert site.daemon.stop() == 0
    assert within(SOON, lambda: not site.others)
    assert "outlive" not in site.daemon.log


def test_what_a_watcher_keeps(site: Site) -> None:
    """It has nothing open but its input, and a group of its own; its dead are reaped."""
    site.run_short()
    watcher = site.watcher()
    eventually(lambda: [each.name for each in Path(f"/proc/{watcher}/fd").iterdir()] == ["0"])
    assert os.getpgid(watcher) == watcher
    os.kill(watcher, signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{watcher}").exists())


def test_signals_to_everybody(site: Site) -> None:
    """What a service manager or a terminal sends to all processes leaves it where it is."""
    site.run_short()
    watcher = site.watcher()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        os.kill(watcher, number)
    site.run_short()
    assert site.watcher() == watcher


@pytest.mark.parametrize("signals", ["TERM", "TERM TERM", "ABRT", "SEGV", "KILL"])
def test_end_of_the_daemon(signals: str, site: Site) -> None:
    """Stopped, stopped at once, aborted by a watchdog, crashed or killed: nothing is left of it."""
    with site.running():
        for name in signals.split():
            site.daemon.signal(signal.Signals[f"SIG{name}"])
            if name == "TERM":
                site.daemon.wait_for("SIGTERM: stopping")
        site.daemon.wait()
        assert within(SOON, lambda: not site.others), site.others


def test_watcher_that_is_lost(site: Site) -> None:
    """Another one takes its place, and knows of the command that runs already."""
    site.run_short()
    watcher = site.watcher()
    with site.running():
        os.kill(watcher, signal.SIGKILL)
        site.daemon.wait_for("commands might outlive the daemon: the watcher ended by signal 9\n")
        eventually(lambda: len(site.others) == 3 and watcher not in site.others)
        site.daemon.signal(signal.SIGKILL)
        site.daemon.wait()
        assert within(SOON, lambda: not site.others), site.others


@pytest_twisted.ensureDeferred  # type: ignore[untyped-decorator]  # it has no types
async def test_watcher_that_stands_still() -> None:
    """One that reads nothing holds up nothing, and is replaced when the pipe is full."""
    reactor: Any = the_reactor
    watcher = Watcher()
    processes: list[ProcessGroup] = []
    protocol = ProcessProtocol()
    protocol.makeConnection = processes.append  # type: ignore[method-assign]  # all it is told
    watcher.start(reactor, protocol, ("sleep", "1000"), os.environ)
    (sleeper,) = processes
    before = watcher.transport.pid
    os.kill(before, signal.SIGSTOP)
    await deferLater(reactor, AGAIN + 0.2)
    while watcher.transport.pid == before:
        watcher.discard(sleeper.group)
        watcher.add(sleeper.group)
    await deferLater(reactor, 0.2)
    assert not Path(f"/proc/{before}").exists()
    assert seen(watcher.transport.pid, "cmdline").endswith(f"\0{sleeper.group}\0")
    assert Path(f"/proc/{sleeper.pid}").exists()
    sleeper.end()
    watcher.transport.end()


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "busybox sh", "ksh", "mksh", "yash"])
def test_script(shell: str) -> None:
    """Whichever shell runs it: it kills what was added and not taken away."""
    words = shell.split()
    if shutil.which(words[0]) is None:
        pytest.skip(f"{shell} is not installed")
    sleepers = [subprocess.Popen(("sleep", "1000"), process_group=0) for _ in range(6)]
    pids = [each.pid for each in sleepers]
    watcher = subprocess.Popen(
        (*words, "-c", SCRIPT, "sockreply", *map(str, pids[:3])), stdin=subprocess.PIPE
    )
    changes = [f"+ {pids[3]}", f"- {pids[1]}", f"+ {pids[4]}", f"- {pids[4]}", "+ 5"]
    changes += [f"- {pids[2]}", "- 5", f"+ {pids[5]}"]
    watcher.communicate("".join(f"{each}\n" for each in changes).encode(), PATIENCE)
    left = {pids.index(each.pid) for each in sleepers if not killed(each)}
    for each in sleepers:
        each.kill()
        each.wait()
    assert (watcher.returncode, left) == (0, {1, 2, 4})


def killed(process: subprocess.Popen[bytes]) -> bool:
    """Did SIGKILL end it, or does it within a moment?"""
    return within(0.2, lambda: process.poll() == -signal.SIGKILL)
