"""Compares Python's `re`, which rules use, with engines that have a deadline or linear time.

    python benchmarks/regex_engines.py

It takes what is installed of `regex` and of RE2 (google-re2), neither of which sockreply needs, and
prints the time to import each, to match messages as rules do, and to search a run of digits that
starts over at each of them. It also tells which notation an engine does not have.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

ENGINES = ("re", "regex", "re2")

RULES = {
    r"^MEAS:VOLT\?$": b"MEAS:VOLT?",
    r"^UNIT (?P<unit>kg|lb)$": b"UNIT kg",
    r"(?i)^RCPT TO:<.+>": b"rcpt to:<postmaster@example.com>",
    r"^get (?P<user>[^@]+)@old\.example$": b"get postmaster@old.example",
}
"""Expressions of the examples, and messages that they match."""

OVER = rb"[0-9]+$"
RUNS = 1_024, 2_048, 4_096
"""Digits, twice as many each time."""

NOTATION = (rb"(?=a)b", rb"(?<=a)b", rb"(a)\1", rb"(?>a+)b", rb"a{1,2000}", rb"a\Z", b"\xe9")

REPEATS = 5
"""The best of so many counts."""


def best(call: Callable[[], object], times: int) -> float:
    """Microseconds that a call takes."""
    taken = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        for _ in range(times):
            call()
        taken.append((time.perf_counter() - begun) / times * 1e6)
    return min(taken)


def import_time(name: str) -> float:
    """Milliseconds, in processes of its own."""
    code = f"import time; b = time.perf_counter(); import {name}; print(time.perf_counter() - b)"
    words = [sys.executable, "-c", code]
    runs = (subprocess.run(words, check=True, capture_output=True) for _ in range(REPEATS))
    return min(float(run.stdout) for run in runs) * 1e3


def compiles(engine: Any, pattern: bytes) -> bool:
    """Does the engine have this notation?"""
    try:
        engine.compile(pattern)
    except Exception:  # each has an error of its own
        return False
    return True


def measure(name: str) -> None:
    """Print what there is to tell of an engine."""
    try:
        engine = import_module(name)
    except ImportError:
        print(f"{name}: not installed")
        return
    print(f"{name}: import {import_time(name):.1f} ms")
    for pattern, message in RULES.items():
        compiled = engine.compile(pattern.encode())
        assert compiled.search(message)
        taken = best(lambda search=compiled.search, message=message: search(message), 20_000)  # type: ignore[misc]  # mypy infers no lambda with defaults
        print(f"  {taken:8.2f} us  {pattern}")
    over = engine.compile(OVER)
    for size in RUNS:
        run = b"1" * size + b"x"
        print(f"  {best(lambda run=run: over.search(run), 20):8.2f} us  {size} digits")  # type: ignore[misc]  # mypy infers no lambda with defaults
    lacking = [pattern for pattern in NOTATION if not compiles(engine, pattern)]
    print(f"  does not have {lacking}")


def main() -> None:
    """Measure all."""
    for name in ENGINES:
        measure(name)


if __name__ == "__main__":
    main()
