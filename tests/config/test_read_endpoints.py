"""Where a service can listen."""

from __future__ import annotations

import pytest

from tests.config.refusals import LISTENS
from tests.config.texts import problems_of, short


@pytest.mark.parametrize(("text", "problem"), LISTENS, ids=short)
def test_refused_listens(text: str, problem: str) -> None:
    """A service listens somewhere, on what can be and is not taken."""
    (only,) = problems_of(f"[services.s]\notherwise = []\n{text}")
    assert only.startswith(problem)
