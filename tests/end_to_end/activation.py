"""Hands sockets over to a daemon, as systemd does it (sd_listen_fds(3)) or less well."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.end_to_end.daemons import Daemon, Start

HAND_OVER = """\
import fcntl, os, sys
numbers, names, *command = sys.argv[1:]
kept = [fcntl.fcntl(int(number), fcntl.F_DUPFD_CLOEXEC, 100) for number in numbers.split(",")]
for number in numbers.split(","):
    os.close(int(number))
for number, descriptor in enumerate(kept, 3):
    os.dup2(descriptor, number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(kept)))
if names != "-":
    os.environ["LISTEN_FDNAMES"] = names
os.execvp(command[0], command)
"""
"""Runs a command with descriptors from 3 on; the names are `-` for none at all."""


def handing_over(listeners: Sequence[socket.socket], names: str) -> list[str]:
    """The words of a program that hands sockets over to the command behind them.

    Args:
        listeners: The sockets.
        names: Theirs, with colons between them; `-`: they have none.
    """
    numbers = ",".join(str(each.fileno()) for each in listeners)
    return [sys.executable, "-c", HAND_OVER, numbers, names]


def start_on(
    start_daemon: Start,
    listeners: Sequence[socket.socket],
    names: str,
    *options: str,
    under: Sequence[str] = (),
    runner: str | Sequence[str] = "sockreply serve",
) -> Daemon:
    """Start a daemon that sockets are handed over to.

    Args:
        start_daemon: Starts it.
        listeners: The sockets.
        names: Theirs, with colons between them; `-`: they have none.
        options: The daemon's.
        under: The words of a program that starts all of it in turn.
        runner: The daemon's.
    """
    return start_daemon(
        *options,
        runner=runner,
        under=[*under, *handing_over(listeners, names)],
        pass_fds=[each.fileno() for each in listeners],
    )


def port_of(listener: socket.socket) -> int:
    """The port of a TCP socket."""
    port: int = listener.getsockname()[1]
    return port


@contextmanager
def tcp_listener(host: str = "127.0.0.1", backlog: int = 128) -> Iterator[socket.socket]:
    """A TCP socket that listens on a free port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, backlog=backlog) as listener:
        yield listener


@contextmanager
def unix_listener(path: str, backlog: int = 128) -> Iterator[socket.socket]:
    """A UNIX socket that listens, and that its owner alone may connect to."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(backlog)
        yield listener
