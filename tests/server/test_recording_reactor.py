"""What an endpoint would ask a real reactor for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.protocol import ServerFactory

from sockreply.server.endpoints import endpoint_from
from sockreply.server.recording_reactor import Asked, RecordingReactor
from sockreply.tls_layer import TLSFactory
from tests.end_to_end.certificates import make_certificate

FACTORY: Any = ServerFactory()


def asked_by(description: str) -> Asked:
    """What an endpoint asks for when it is to listen."""
    reactor = RecordingReactor()
    endpoint = endpoint_from(reactor, description)
    assert reactor.asked is None
    endpoint.listen(FACTORY)
    assert reactor.asked is not None
    return reactor.asked


@pytest.mark.parametrize(
    ("description", "asked"),
    [
        ("tcp:80", Asked(FACTORY, port=80)),
        (
            "tcp:80:interface=127.0.0.1:backlog=9",
            Asked(FACTORY, port=80, interface="127.0.0.1", backlog=9),
        ),
        ("tcp6:80", Asked(FACTORY, port=80, interface="::")),
        ("unix:/run/x:mode=600:lockfile=0", Asked(FACTORY, path="/run/x")),
    ],
)
def test_plain_endpoints(description: str, asked: Asked) -> None:
    """The port and its interface, or the path of the socket, and the factory are remembered."""
    assert asked_by(description) == asked


@pytest.mark.filterwarnings("ignore:X509")  # Twisted's own
def test_tls(tmp_path: Path) -> None:
    """With a certificate, connections are made within TLS."""
    certificate = make_certificate(tmp_path / "example.pem")
    asked = asked_by(f"ssl:443:privateKey={certificate}:interface=127.0.0.1")
    assert (asked.port, asked.interface) == (443, "127.0.0.1")
    assert isinstance(asked.factory, TLSFactory)
    assert asked.factory.wrappedFactory is FACTORY


def test_prefix_for_services() -> None:
    """An endpoint behind `haproxy:` asks as without it: reading headers is up to a service."""
    asked = asked_by("haproxy:tcp:80")
    assert asked.port == 80
    assert asked.factory is FACTORY
