"""Services behind proxies, closed after the test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.address import IPv4Address

from sockreply.server.transport import SendsAtOnce
from tests.server.proxy.site import MakeSite, Site


@pytest.fixture
def make_site(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeSite]:
    """Makes them; arguments as for `Site`."""
    here = IPv4Address("TCP", "127.0.0.1", 12345)
    monkeypatch.setattr(SendsAtOnce, "getHost", lambda _: here)  # a pair of sockets has no address
    made: list[Site] = []

    def make(*args: Any, **options: Any) -> Site:
        made.append(Site(*args, **options))
        return made[-1]

    yield make
    for site in made:
        site.close()
