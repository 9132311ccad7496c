"""A test that hangs fails, and shows where it hangs.

Neither an exception nor a signal can be relied on for that: the reactor catches the one, and code
in C may keep the other waiting. So the process prints the stacks of its threads and ends; under
`-n 2`, pytest-xdist goes on with the other tests in another process. A signal is good enough to
print the name of the test, which the stacks do not have if it waits for the reactor.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import time
from pathlib import Path

SECONDS = 120.0
"""How long a test may take, and what it needs: many times what the slowest takes on two cores."""

SLOW = {"hostile": 600.0, "system": 1500.0}
"""The same for folders whose tests load the machine, or build a package and boot it."""


def seconds_for(path: Path) -> float:
    """How long a test in this file may take."""
    return max([SLOW.get(part, SECONDS) for part in path.parts])


class Watch:
    """Ends this process when a test takes too long.

    Args:
        stderr: A descriptor for the stacks, which pytest does not capture.
    """

    def __init__(self, stderr: int) -> None:
        self._stderr = stderr
        self._until = 0.0

    def begin(self, seconds: float, name: str) -> None:
        """A test begins, and may take so long, or a tenth less.

        To set the time of the end anew means to wait for a thread, so it is not done for every
        test.

        Args:
            seconds: From now.
            name: That of the test.
        """
        told = f"{name} hangs\n".encode()
        signal.signal(signal.SIGALRM, lambda *_: os.write(self._stderr, told))
        signal.setitimer(signal.ITIMER_REAL, seconds * 0.8)
        left = self._until - time.monotonic()
        if not seconds * 0.9 < left <= seconds:
            faulthandler.dump_traceback_later(seconds, exit=True, file=self._stderr)
            self._until = time.monotonic() + seconds

    def end(self, *, last: bool) -> None:
        """The test is over.

        Args:
            last: Does no other one begin soon?
        """
        signal.setitimer(signal.ITIMER_REAL, 0)
        if last:
            faulthandler.cancel_dump_traceback_later()
            self._until = 0.0


def uncaptured_stderr() -> int:
    """Standard error, as it is before pytest captures it."""
    return os.dup(2)
