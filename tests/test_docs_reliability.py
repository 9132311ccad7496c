"""docs/reliability.md tells of every promise that is tested, and of no test that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.hostile.figures import Promise

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


def test_all_promises_are_told() -> None:
    """Each has a row, or several."""
    told = {row.split(" | ")[0].removeprefix("| ") for row in TEXT.splitlines() if row[:2] == "| "}
    assert told - {"promise"} == set(Promise)


def test_tests_are_there() -> None:
    """Each test that is named is in the file that is named."""
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", TEXT)
    hostile = ROOT / "tests" / "hostile"
    missing = [name for file, name in named if f"def {name}(" not in (hostile / file).read_text()]
    assert len(named) > len(Promise)
    assert missing == []
