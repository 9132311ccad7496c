"""What starts a daemon again and again, as systemd does."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from tests.end_to_end.daemons import Daemon
from tests.hostile.load import Crowd, Tally

Again: TypeAlias = Callable[[], Daemon]
"""Starts a daemon as it was started before."""


@contextmanager
def kept_port() -> Iterator[int]:
    """The number of a port that is open only while a daemon opens it; nobody else may."""
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        yield keeper.getsockname()[1]


def restart(daemon: Daemon, again: Again, number: signal.Signals = signal.SIGTERM) -> Daemon:
    """End a daemon, and start it as soon as it is gone, as systemd does.

    Returns:
        The new one, which listens.
    """
    daemon.signal(number)
    daemon.wait()
    started = again()
    started.ports(1)
    return started


def restart_under(
    crowd: Crowd, daemon: Daemon, again: Again, *, times: int, every: int, number: signal.Signals
) -> Tally:
    """Restart a daemon while a crowd asks it.

    Args:
        crowd: Asks.
        daemon: The first one.
        again: Starts the others.
        times: How often to restart.
        every: Connections of the crowd between two restarts.
        number: What ends a daemon.
    """
    for time in range(1, times + 1):
        crowd.reach(time * every)
        daemon = restart(daemon, again, number)
    return crowd.tally()
