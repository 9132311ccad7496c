"""From endpoint strings to endpoints to connect to."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock

from sockreply.client.endpoints import client_endpoint
from sockreply.client.tls import OverTLS
from tests.end_to_end.certificates import make_certificate


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A certificate with its key, in a directory of such files, which is the current one."""
    make_certificate(tmp_path / "pair.pem")
    monkeypatch.chdir(tmp_path)
    return "pair.pem"


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("tls:example.org:443", "example.org"),
        ("TLS:host=example.org:port=443:timeout=5:bindAddress=127.0.0.1", "example.org"),
        (r"tls:example.org:443:endpoint=unix\:x.sock", "example.org"),
        ("tls:example.org:443:trustRoots=.:certificate=pair.pem", "example.org"),
        ("ssl:192.0.2.1:443:hostname=example.org:caCertsDir=.", "example.org"),
    ],
)
@pytest.mark.usefixtures("pair")
def test_verified(description: str, name: str) -> None:
    """Where a name is verified, it is done by what `--tls` does it with."""
    endpoint = client_endpoint(MemoryReactorClock(), description)
    assert isinstance(endpoint, OverTLS)
    assert endpoint.tls.server_name == name
    assert endpoint.tls.context.verify_mode == ssl.CERT_REQUIRED
    trusts_only = "trustRoots" in description or "caCertsDir" in description
    assert (endpoint.tls.context.cert_store_stats()["x509"] == 1) is trusts_only


@pytest.mark.parametrize("description", ["tcp:example.org:1", "unix:x", "ssl:example.org:1"])
def test_others(description: str) -> None:
    """All others are Twisted's own."""
    assert not isinstance(client_endpoint(MemoryReactorClock(), description), OverTLS)


def test_udp() -> None:
    """Requests are not sent over UDP."""
    with pytest.raises(ValueError, match="requests go over streams, not over UDP"):
        client_endpoint(MemoryReactorClock(), "udp:127.0.0.1:53")


def test_where_it_connects(tmp_path: Path) -> None:
    """An endpoint of its own may stand below."""
    reactor = MemoryReactorClock()
    description = rf"tls:example.org:443:endpoint=unix\:{tmp_path}/x.sock"
    client_endpoint(reactor, description).connect(Factory())
    assert reactor.unixClients[0][0] == f"{tmp_path}/x.sock"


@pytest.mark.parametrize("description", ["tls:a", "tls:a:x", "tls:a:1:x=y", "ssl:a:1:hostname="])
def test_none(description: str) -> None:
    """What describes none is an error, as it is to Twisted."""
    with pytest.raises(Exception):  # noqa: B017, PT011 - each has its own
        client_endpoint(MemoryReactorClock(), description)
