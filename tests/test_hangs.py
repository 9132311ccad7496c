"""Tests that hang."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.hangs import SECONDS, SLOW, seconds_for

HANGING = """
import threading, time
from collections import deque
from itertools import count
import pytest, pytest_twisted
from tests import hangs

hangs.SECONDS = 1.0

def test_before():
    pass

def test_in_c():
    deque(count(), 0)  # takes numbers without end, and looks at no signal

def test_in_a_loop():
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

@pytest_twisted.inlineCallbacks
def test_in_the_reactor():
    from twisted.internet.defer import Deferred
    yield Deferred()

def test_after():
    pass
"""


@pytest.mark.parametrize("name", ["in_c", "in_a_loop", "in_the_reactor"])
def test_it_fails_and_shows_where(tmp_path: Path, name: str) -> None:
    """Wherever a test hangs, the run fails soon, and shows which it is, or the line."""
    (tmp_path / "test_hanging.py").write_text(HANGING)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*words, "--rootdir", str(tmp_path), str(tmp_path), "-k", f"before or {name}"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=SECONDS / 2,
        check=False,
    )
    assert done.returncode == 1
    assert "Timeout (0:00:01)!" in done.stderr
    shown = f"test_hanging.py::test_{name} hangs" if name != "in_c" else "in test_in_c"
    assert shown in done.stderr


def test_how_long_a_test_may_take() -> None:
    """Longer where it builds and boots machines."""
    assert seconds_for(Path("/x/tests/server/test_x.py")) == SECONDS
    assert seconds_for(Path("/x/tests/system/test_x.py")) == SLOW["system"]
