"""How busy the processors were."""

from __future__ import annotations

import os

from benchmarks.disturbance import busy_seconds

STAT = """\
cpu  300 2 40 9000 50 6 7 8 900 0
cpu0 100 1 20 4000 30 3 4 5 600 0
cpu1 200 1 20 5000 20 3 3 3 300 0
cpu10 1 1 1 1 1 1 1 1 1 1
intr 12345
"""


def test_all_but_idle_time_is_busy() -> None:
    """Interrupts and stolen time too; waiting for disks is idle, and guests are in user time."""
    ticks = os.sysconf("SC_CLK_TCK")
    assert busy_seconds(STAT, 0) == 133 / ticks
    assert busy_seconds(STAT, 1) == 230 / ticks
