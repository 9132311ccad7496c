"""Commands: how many run, whose, and what becomes of them when something runs out."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from sockreply.rules.replies.watcher import SCRIPT
from tests.end_to_end.clients import read_bytes
from tests.end_to_end.daemons import Daemon, Start, processes_in, with_open_files
from tests.end_to_end.waiting import PATIENCE, eventually, within
from tests.hostile.figures import Figure, Promise
from tests.hostile.naive import NAIVE

ANYWHERE = ("--listen", "tcp:0:interface=127.0.0.1:backlog=1000")
"""A free port at which a crowd finds room to wait."""

AT_ONCE = 64
DONE = b"done"

FLOOD = 400
"""Connections of one peer that all want a command."""

REPLY_TIMEOUT = 3.0
"""Seconds for a reply; all of the flood would take 6 and more."""


def service(script: str, more: str = "") -> str:
    """A file with one service that answers by a command."""
    return f"""
[services.a]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
keep_alive = true
rules = [{{ reply = {{ command = ["sh", "-c", "{script}"] }} }}]
{more}
"""


def start(
    start_daemon: Start,
    directory: Path,
    text: str,
    under: tuple[str, ...] = (),
    runner: str | tuple[str, ...] = "twistd -n",
) -> Daemon:
    """The daemon on a file of that text."""
    file = directory / "commands.toml"
    file.write_text(text)
    return start_daemon("--config", str(file), under=under, runner=runner)


@contextmanager
def asking(
    port: int, number: int, source: str = "127.0.0.1", message: bytes = b"x"
) -> Iterator[list[socket.socket]]:
    """Connections from an address, each of which has asked."""
    with ExitStack() as stack:
        clients = []
        for _ in range(number):
            client = socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0))
            clients.append(stack.enter_context(client))
            client.sendall(message + b"\n")
        yield clients


def answered(client: socket.socket) -> bool:
    """Has it got its reply, and not the end of the stream?"""
    with suppress(OSError):
        return read_bytes(client, len(DONE)) == DONE
    return False


def running(daemon: Daemon) -> int:
    """How many commands run: the daemon's children, but for the watcher."""
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            state, parent, *_ = (process / "stat").read_text().rpartition(")")[2].split()
            if int(parent) == daemon.pid and state != "Z":
                found += SCRIPT not in (process / "cmdline").read_text()
    return found


def answered_beside_a_flood(port: int) -> float:
    """One peer wants 400 commands of a second each; seconds until another has its reply."""
    with asking(port, FLOOD):
        time.sleep(0.3)
        begun = time.monotonic()
        with asking(port, 1, "127.0.0.2") as (client,):
            assert answered(client)
    return time.monotonic() - begun


def test_flood_leaves_commands_to_others(
    start_daemon: Start, tmp_path: Path, figure: Figure
) -> None:
    """A client gets its reply while another peer wants all commands for itself."""
    text = service("sleep 1; printf done", f"reply_timeout = {REPLY_TIMEOUT}")
    took = answered_beside_a_flood(start(start_daemon, tmp_path, text).port)
    figure(Promise.COMMANDS, f"answered after {took:.1f} s beside {FLOOD} of one peer")
    assert took < REPLY_TIMEOUT


def test_flood_takes_all_commands_of_a_queue(start_daemon: Start, figure: Figure) -> None:
    """The control: a semaphore lets the oldest go first."""
    options = ("--command", "sleep 1; printf done", "--life", f"{REPLY_TIMEOUT}")
    daemon = start_daemon(*ANYWHERE, *options, runner=NAIVE)
    with pytest.raises(AssertionError):
        answered_beside_a_flood(daemon.port)
    figure(Promise.COMMANDS, f"not answered beside {FLOOD} of one peer", control=True)


def most_running(daemon: Daemon, again: Callable[[], object]) -> int:
    """The most commands that run while crowds come, and something is done between them."""
    port, most = daemon.port, 0
    with ExitStack() as stack:
        for source in range(1, 5):
            stack.enter_context(asking(port, 70, f"127.0.0.{source}"))
            eventually(lambda: running(daemon) >= AT_ONCE - 16)
            for _ in range(10):
                most = max(most, running(daemon))
                time.sleep(0.05)
            again()
    return most


def test_reloads_add_no_commands(start_daemon: Start, tmp_path: Path, figure: Figure) -> None:
    """At most 64 commands run at a time, however often the file was reloaded."""
    daemon = start(start_daemon, tmp_path, service("exec sleep 30", "reply_timeout = 0"))

    def reload() -> None:
        done = daemon.log.count("reloaded")
        daemon.signal(signal.SIGHUP)
        eventually(lambda: daemon.log.count("reloaded") > done)

    most = most_running(daemon, reload)
    figure(Promise.COMMANDS, f"{most} at a time of 280 wanted, over 3 reloads")
    assert most == AT_ONCE


def test_commands_without_a_limit(start_daemon: Start, figure: Figure) -> None:
    """The control: a server that runs what it is asked for."""
    options = ("--command", "exec sleep 30", "--at-once", "1000")
    daemon = start_daemon(*ANYWHERE, *options, runner=NAIVE)
    most = most_running(daemon, lambda: None)
    figure(Promise.COMMANDS, f"{most} at a time of 280 wanted", control=True)
    assert most > AT_ONCE


FEW = with_open_files(256, 256)
MANY = 190
"""Connections that leave descriptors for a few commands only."""


def answered_with_few_files(port: int) -> int:
    """How many clients have their reply that all ask at the same time."""
    with asking(port, MANY) as clients:
        return sum(map(answered, clients))


def test_commands_wait_for_descriptors(start_daemon: Start, tmp_path: Path, figure: Figure) -> None:
    """190 clients with 256 open files: commands wait until there are descriptors for them."""
    text = service("sleep 0.3; printf done", f"max_connections = {MANY}")
    daemon = start(start_daemon, tmp_path, text, FEW)
    begun = time.monotonic()
    number = answered_with_few_files(daemon.port)
    took = time.monotonic() - begun
    figure(Promise.COMMANDS, f"{number} of {MANY} answered with 256 open files, in {took:.1f} s")
    assert number == MANY
    assert daemon.log.count("commands wait: Too many open files\n") == 1


def test_commands_that_do_not_wait_for_descriptors(start_daemon: Start, figure: Figure) -> None:
    """The control: what cannot start fails."""
    options = ("--command", "sleep 0.3; printf done")
    daemon = start_daemon(*ANYWHERE, *options, runner=NAIVE, under=FEW)
    number = answered_with_few_files(daemon.port)
    figure(Promise.COMMANDS, f"{number} of {MANY} answered with 256 open files", control=True)
    assert number < MANY


MORTALS = 20
"""Commands that run when the daemon is killed."""

STUBBORN = "trap : TERM HUP INT; sleep 1000 & sleep 1000 & while :; do wait; done"
"""A shell that outlives what would end it politely, and two children of its own."""

UNWATCHED = (sys.executable, "-m", "tests.hostile.unwatched", "serve")
"""The runner of a daemon that starts no watcher."""

AT_MOST = 1.0
"""Seconds after which no command is left of a daemon that was killed."""


def commands_of(daemon: Daemon, directory: Path) -> list[int]:
    """What runs in its directory and is not the daemon."""
    return [pid for pid in processes_in(directory) if pid != daemon.pid]


def kill_while_they_run(daemon: Daemon, directory: Path) -> int:
    """Kill a daemon while commands run, half of them with two children each; how many there are."""
    each = MORTALS // 2
    with asking(daemon.port, each), asking(daemon.port, each, message=b"many"):
        eventually(lambda: len(commands_of(daemon, directory)) >= each + 3 * each)
        number = len(commands_of(daemon, directory))
        daemon.signal(signal.SIGKILL)
    return number


MORTAL = service(f"read what; case $what in many) {STUBBORN};; *) exec sleep 1000;; esac")


def test_commands_die_with_the_daemon(start_daemon: Start, tmp_path: Path, figure: Figure) -> None:
    """No command is left of a daemon that was killed, nor what it has started, nor a watcher."""
    daemon = start(start_daemon, tmp_path, MORTAL)
    number = kill_while_they_run(daemon, tmp_path)
    begun = time.monotonic()
    within(AT_MOST, lambda: not commands_of(daemon, tmp_path))
    took = time.monotonic() - begun
    left = len(commands_of(daemon, tmp_path))
    figure(Promise.COMMANDS, f"{left} of {number} processes left {took:.2f} s after SIGKILL")
    assert left == 0


def test_commands_that_nobody_watches(start_daemon: Start, tmp_path: Path, figure: Figure) -> None:
    """The control: a daemon without a watcher leaves them all."""
    daemon = start(start_daemon, tmp_path, MORTAL, runner=UNWATCHED)
    number = kill_while_they_run(daemon, tmp_path)
    time.sleep(AT_MOST)
    left = commands_of(daemon, tmp_path)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    text = f"{len(left)} of {number} processes left {AT_MOST:g} s after SIGKILL"
    figure(Promise.COMMANDS, text, control=True)
    assert len(left) == number
    assert daemon.log.count("commands might outlive the daemon: cannot start /nonesuch: No") == 1
