"""Reports to systemd, which started the daemon as a service of Type=notify.

sd_notify(3) and sd_watchdog_enabled(3) describe the protocols. Without their variables, nothing is
reported.
"""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from collections.abc import Callable, MutableMapping

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

STATUS_SECONDS = 5.0
"""Seconds after which the status is sent again if it has changed: people look at it."""

EXTENSION_SECONDS = 15.0
"""Seconds that a drain asks for, again every `STATUS_SECONDS`, so that a stuck one ends soon."""

_UNSENT = 8  # messages that wait for systemd to read: more than a start, a reload and a stop have


class Notifier:
    """Tells systemd that the daemon is ready, reloads, stops, and is alive.

    Args:
        clock: The reactor: what it calls late or never, systemd misses.
        environment: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are removed from it, because they
            are not meant for programs that the daemon runs.
        connections: Counts those that are open.
        monotonic: Seconds on the clock of CLOCK_MONOTONIC.
    """

    def __init__(
        self,
        clock: IReactorTime,
        environment: MutableMapping[str, str],
        connections: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._connections = connections
        self._monotonic = monotonic
        self._address = _address(environment.pop("NOTIFY_SOCKET", ""))
        self._ping_seconds = _ping_seconds(
            environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        )
        self._socket: socket.socket | None = None
        self._loops: list[LoopingCall] = []
        self._unsent: deque[bytes] = deque(maxlen=_UNSENT)
        self._remark = self._status = ""
        self._stopping = False
        self._drained_by = 0.0

    def ready(self) -> None:
        """It listens, and the loop runs."""
        if not self._address:
            return
        self._stopping, self._remark = False, ""
        # Opened now, because the process may run out of descriptors later.
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._tell("READY=1", self._new_status())
        self._repeat(STATUS_SECONDS, self._look)
        if self._ping_seconds:
            self._repeat(self._ping_seconds, lambda: self._tell("WATCHDOG=1"))

    def reloading(self) -> None:
        """It begins to reload."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={int(self._monotonic() * 1e6)}")

    def reloaded(self, good: bool) -> None:
        """It has reloaded, or carries on as before: it is ready in either case."""
        if not self._stopping:
            self._remark = "" if good else "the last reload failed, see the log; "
            self._tell("READY=1", self._new_status())

    def stopping(self, seconds: float) -> None:
        """It begins to stop.

        Args:
            seconds: How long that may take.
        """
        self._stopping = True
        self._drained_by = self._clock.seconds() + seconds
        self._remark = "stopping; "
        self._tell("STOPPING=1", self._new_status(), *self._extension())

    def stopped(self) -> None:
        """It has stopped; nothing more is reported."""
        self._tell("STATUS=stopped")
        for loop in self._loops:
            loop.stop()
        self._loops.clear()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _repeat(self, seconds: float, call: Callable[[], None]) -> None:
        loop = LoopingCall(call)
        loop.clock = self._clock
        self._loops.append(loop)
        loop.start(seconds, now=False)

    def _look(self) -> None:
        """Report what has changed, ask for time, and retry what could not be sent."""
        before = self._status
        news = [] if self._new_status() == before else [self._status]
        self._tell(*news, *self._extension())

    def _new_status(self) -> str:
        count = self._connections()
        plural = "" if count == 1 else "s"
        self._status = f"STATUS={self._remark}{count} connection{plural}"
        return self._status

    def _extension(self) -> list[str]:
        """Ask for more time than the unit's TimeoutStopSec=; less than that changes nothing."""
        if not self._stopping or self._clock.seconds() >= self._drained_by:
            return []
        return [f"EXTEND_TIMEOUT_USEC={int(EXTENSION_SECONDS * 1e6)}"]

    def _tell(self, *lines: str) -> None:
        """Send a message, after those that could not be sent; never wait, and never fail."""
        if self._socket is None:
            return
        if lines:
            self._unsent.append("\n".join(lines).encode())
        while self._unsent and _send(self._socket, self._unsent[0], self._address):
            self._unsent.popleft()


def _send(sock: socket.socket, message: bytes, address: bytes) -> bool:
    """Is that message done with?"""
    try:
        sock.sendto(message, address)
    except BlockingIOError:  # systemd has more to read than it can take
        return False
    except OSError:  # nobody is there
        pass
    return True


def _address(told: str) -> bytes:
    """Where NOTIFY_SOCKET is; empty: we cannot send to it."""
    if told.startswith("@"):  # in the abstract namespace; see unix(7)
        return b"\0" + os.fsencode(told[1:])
    return os.fsencode(told) if told.startswith("/") else b""


def _ping_seconds(microseconds: str, pid: str) -> float:
    """After how many seconds to ping, half of what the watchdog allows; 0: never."""
    if not microseconds.isdecimal() or pid not in ("", str(os.getpid())):
        return 0.0
    return int(microseconds) / 2e6
