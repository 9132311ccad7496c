"""What systemd hears of a service of Type=notify: sd_notify(3)."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.end_to_end.waiting import PATIENCE


class Manager:
    """Listens where NOTIFY_SOCKET says.

    Args:
        path: Of the socket; nothing is there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def starting(self, **variables: object) -> list[str]:
        """The words of a program that starts the command behind them as systemd would.

        Args:
            variables: More of its environment.
        """
        more = [f"{name}={value}" for name, value in variables.items()]
        return ["env", f"NOTIFY_SOCKET={self._path}", *more]

    def next(self, patience: float = PATIENCE) -> list[str]:
        """The lines of the next message, when it comes.

        Raises:
            TimeoutError: None comes in time.
        """
        self._socket.settimeout(patience)
        return self._socket.recv(65536).decode().split("\n")

    def next_but(self, *ignored: str) -> list[str]:
        """The next message with another first line than these."""
        while (lines := self.next())[0] in ignored:
            pass
        return lines

    def silent_for(self, seconds: float) -> bool:
        """Does nothing come in that time?"""
        try:
            self.next(seconds)
        except TimeoutError:
            return True
        return False

    def catch_up(self) -> None:
        """Forget what has come."""
        while not self.silent_for(0.001):
            pass

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()


@contextmanager
def manager_in(directory: Path) -> Iterator[Manager]:
    """One that listens in a directory."""
    manager = Manager(directory / "notify")
    try:
        yield manager
    finally:
        manager.close()


def microseconds(line: str, name: str) -> int:
    """The number of a line such as MONOTONIC_USEC=1."""
    key, _, value = line.partition("=")
    assert key == name
    return int(value)


def now() -> int:
    """Microseconds on the clock of MONOTONIC_USEC."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
