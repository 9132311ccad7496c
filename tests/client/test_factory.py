"""The factory, for those who bring an endpoint of their own."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from sockreply.client import RequestFactory
from sockreply.errors import ConfigError
from sockreply.framing import Netstring
from tests.client.stand_ins import FakeTransport, watch


def test_every_connection_has_its_own_protocol() -> None:
    """What one connection received is no business of the next."""
    factory = RequestFactory(Netstring(), Clock())
    replies = []
    for wire in (b"1:", b"1:A,"):
        protocol = factory.buildProtocol(None)
        assert protocol is not None
        protocol.makeConnection(FakeTransport(protocol))
        replies.append(watch(protocol.request(b"a")))
        protocol.dataReceived(wire)
    assert replies == [[], [b"A"]]


def test_what_cannot_be_made_is_told_when_the_factory_is() -> None:
    """Not when a connection is there already."""
    with pytest.raises(ConfigError):
        RequestFactory("fixed:size=100", Clock(), max_message=10)
