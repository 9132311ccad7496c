"""Starts `sockreply` with something altered: `python -m tests.hostile.altered WAY OPTIONS...`.

A way is one of `WAYS`. Each is either what may happen to a machine, or what the daemon would be
without that which a test is about.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

_real_time = time.time
_shift = 0.0


def altered(*ways: str) -> tuple[str, ...]:
    """The runner that serves with these alterations."""
    return (sys.executable, "-m", "tests.hostile.altered", "+".join(ways), "serve")


def without_looks() -> None:
    """Take no rounds."""
    from sockreply.server import rounds

    rounds.PAUSE = 1e9


def with_steps() -> None:
    """Set the clock by an hour: with SIGUSR1 forward, with SIGUSR2 back.

    Whatever has imported `time.time` already would not notice.
    """
    assert "twisted" not in sys.modules

    def step(number: int, _: object) -> None:
        global _shift
        _shift += 3600 if number == signal.SIGUSR1 else -3600

    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, step)
    time.time = lambda: _real_time() + _shift


def by_the_clock() -> None:
    """Let timers go by the time of day, as Twisted's do."""
    from sockreply import clocks

    clocks.keep_steady = lambda reactor: None


def hesitant() -> None:
    """Take a second from finding that nobody listens on a socket to replacing it."""
    from sockreply.server import unix_sockets

    look = unix_sockets._somebody_listens

    def look_and_wait(path: Path) -> bool:
        found = look(path)
        time.sleep(1)
        return found

    unix_sockets._somebody_listens = look_and_wait


def careless() -> None:
    """Let several replace a socket at the same time."""
    from sockreply.server import unix_sockets

    unix_sockets._lock = lambda number: None


WAYS: dict[str, Callable[[], None]] = {
    "without looks": without_looks,
    "with steps": with_steps,
    "by the clock": by_the_clock,
    "hesitant": hesitant,
    "careless": careless,
}


def main() -> int:
    """Serve."""
    way, *words = sys.argv[1:]
    for each in way.split("+"):
        WAYS[each]()
    from sockreply.commands.cli import main as sockreply  # now, because it imports Twisted

    return sockreply(words)


if __name__ == "__main__":
    sys.exit(main())
