"""Endpoint strings, ports, and certificates that are read again."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ServerFactory

from sockreply.errors import BadEndpoint, CannotStart
from sockreply.server.endpoints import endpoint_from, factory_again, listen_now
from tests.end_to_end.certificates import make_certificate
from tests.server.ports import NotingReactor


@pytest.mark.parametrize("description", ["", "nonsense:1", "tcp", "tcp:x", "systemd:"])
def test_strings_that_describe_nothing(description: str) -> None:
    """Whatever their parsers raise, the error names the string and the reason."""
    with pytest.raises(BadEndpoint) as caught:
        endpoint_from(NotingReactor(), description)
    assert caught.value.endpoint == description
    assert str(caught.value) == f"endpoint {description}: {caught.value.reason}"


def test_endpoint_that_takes_its_time() -> None:
    """An endpoint that does not listen at once cannot be started on."""

    class Slow:
        def listen(self, _: object) -> Deferred[Any]:
            return Deferred()

    with pytest.raises(CannotStart, match="slow: does not listen at once"):
        listen_now(Slow(), ServerFactory(), "slow")  # type: ignore[arg-type]  # it is enough of one


@pytest.mark.filterwarnings("ignore:X509")  # Twisted's own
def test_key_that_openssl_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only OpenSSL knows of a certificate is said in one line, too."""

    def refuse(*_: object) -> None:
        raise ssl.SSLError(1, "[SSL: EE_KEY_TOO_SMALL] ee key too small (_ssl.c:3900)")

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", refuse)
    description = f"ssl:1:privateKey={make_certificate(tmp_path / 'example.pem')}"
    with pytest.raises(BadEndpoint) as caught:
        factory_again(description, ServerFactory())
    assert str(caught.value) == f"endpoint {description}: OpenSSL refuses it: ee key too small"
