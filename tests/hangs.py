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
from pathlib import Path

SECONDS = 120.0
"""How long a test may take, and what it needs: many times what the slowest takes on two cores."""

SLOW = {"hostile": 600.0, "system": 1500.0}
"""The same for folders whose tests load the machine, or build a package and boot it."""


def seconds_for(path: Path) -> float:
    """How long a test in this file may take."""
    return max([SLOW.get(part, SECONDS) for part in path.parts])


def end_after(seconds: float, name: str, stderr: int) -> None:
    """End this process then, unless `go_on` is called before.

    Args:
        seconds: From now.
        name: That of the test.
        stderr: A descriptor for the stacks, which pytest does not capture.
    """
    told = f"{name} hangs\n".encode()
    signal.signal(signal.SIGALRM, lambda *_: os.write(stderr, told))
    signal.setitimer(signal.ITIMER_REAL, seconds * 0.9)
    faulthandler.dump_traceback_later(seconds, exit=True, file=stderr)


def go_on() -> None:
    """The test is over."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    faulthandler.cancel_dump_traceback_later()


def uncaptured_stderr() -> int:
    """Standard error, as it is before pytest captures it."""
    return os.dup(2)
