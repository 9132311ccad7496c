"""`sockreply serve`; what it does once it runs is tested in tests/end_to_end/test_runners.py."""

from __future__ import annotations

import pytest
import twisted.internet
from twisted.internet.testing import MemoryReactorClock

from sockreply.commands import tap
from sockreply.commands.serve import Options, run
from sockreply.errors import CannotStart


def test_options_are_those_of_twistd() -> None:
    """`sockreply serve` and `twistd sockreply` understand the same."""
    assert Options is tap.Options


def test_what_cannot_start_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised before the reactor runs."""
    reactor = MemoryReactorClock()
    monkeypatch.setattr(twisted.internet, "reactor", reactor, raising=False)
    options = Options()
    options.parseOptions(["--listen=nonsense:1"])
    with pytest.raises(CannotStart, match="endpoint nonsense:1"):
        run(options)
    assert not reactor.hasRun
