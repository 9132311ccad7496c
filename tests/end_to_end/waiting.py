"""How long these tests wait, and how: they look until it is so, and fail when it is not in time."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 20.0
"""Seconds in which anything happens that happens at all, on a slow machine."""


def eventually(happened: Callable[[], object], what: Callable[[], str] = str) -> None:
    """Return as soon as something has happened; fail when it does not.

    Args:
        happened: Looks; something true says so.
        what: Tells, for the failure, what is there instead.
    """
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"did not happen in {PATIENCE:g} s: {what()}"
        time.sleep(0.01)


def within(seconds: float, happened: Callable[[], object]) -> bool:
    """Does something happen in this time?"""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
