"""Connections over sockets, closed after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.server.stand_ins import WireTalk


@pytest.fixture
def over_wire() -> Iterator[Callable[..., WireTalk]]:
    """Makes connections over sockets; arguments as for `Talk`."""
    made: list[WireTalk] = []

    def make(*args: Any, **options: Any) -> WireTalk:
        made.append(WireTalk(*args, **options))
        return made[-1]

    yield make
    for talk in made:
        talk.close()
