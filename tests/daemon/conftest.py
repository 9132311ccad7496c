"""What the tests of a daemon in memory share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred, execute


@pytest.fixture(autouse=True)
def _read_in_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is read at once, and not in a thread."""

    def at_once(_: object, work: Callable[..., Any]) -> Deferred[Any]:
        return execute(work, lambda call: call())

    monkeypatch.setattr("sockreply.daemon.rereading.aside", at_once)
