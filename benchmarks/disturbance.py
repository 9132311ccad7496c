"""How much of the two processors others took while a load ran.

What the processors did, less what the server and this process's children used. The first is
sampled by the kernel's clock, so it is right to a few hundredths of a second; a server that sleeps
between requests hides from that clock, and the result may then be below zero.
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

from benchmarks.machine import Processors
from benchmarks.process import Process

TOO_MUCH = 0.15
"""Of one processor; what is measured meanwhile is measured again."""


class Disturbance:
    """Counts from its making on.

    Args:
        processors: Where to look.
        server: Its use does not count.
    """

    def __init__(self, processors: Processors, server: Process) -> None:
        self._processors = processors
        self._server = server
        self._started = time.monotonic()
        self._before = self._others()

    def share(self) -> float:
        """What others took, of one processor."""
        return (self._others() - self._before) / (time.monotonic() - self._started)

    def _others(self) -> float:
        stat = Path("/proc/stat").read_text()
        busy = sum(busy_seconds(stat, n) for n in (self._processors.server, self._processors.load))
        return (
            busy
            - self._server.cpu_seconds()
            - _used(resource.RUSAGE_CHILDREN)
            - _used(resource.RUSAGE_SELF)
        )


def busy_seconds(stat: str, processor: int) -> float:
    """The seconds in which a processor was not idle.

    Args:
        stat: The text of /proc/stat.
        processor: Which one.
    """
    line = next(line for line in stat.splitlines() if line.startswith(f"cpu{processor} "))
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, line.split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _used(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime
