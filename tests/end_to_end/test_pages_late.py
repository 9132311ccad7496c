"""The other half of the sessions in README.md and docs/: `test_pages.py` has the first one.

They take longest of all tests, and the tests of one file run in one process.
"""

from __future__ import annotations

import pytest

from tests.end_to_end.pages import LATE, Session
from tests.end_to_end.shell import Shell


@pytest.mark.parametrize("session", LATE, ids=str)
def test_commands_print_what_the_page_says(shell: Shell, session: Session) -> None:
    """Each command runs, and prints the lines below it."""
    shell.play(session)
