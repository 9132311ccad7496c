"""TLS of the client, with a server's layer at the other end, in memory."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from sockreply.client import ClientTLS, RequestProtocol, client_context
from sockreply.client.tls import has_tls
from sockreply.errors import ConfigError
from sockreply.framing import Line
from sockreply.pem import LIMIT
from sockreply.server.tls_context import server_context
from sockreply.tls_layer import TLSFactory
from tests.end_to_end.certificates import make_certificate, make_rsa_key
from tests.server.stand_ins import watch


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with certificates."""
    directory = tmp_path_factory.mktemp("client")
    for name, names in {"good": ("localhost", "127.0.0.1"), "other": ("other",)}.items():
        make_certificate(directory / f"{name}.pem", names=names)
    make_certificate(directory / "nameless.pem", names=())
    make_certificate(directory / "secret.pem", passphrase=b"x")
    (directory / "junk").write_text("junk")
    make_rsa_key(directory / "rsa.pem")
    with (directory / "huge").open("wb") as huge:
        huge.truncate(LIMIT + 1)
    return directory


class Echo(Protocol):
    """Sends back what it gets."""

    transport: Any

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


class Pair:
    """A client and a server in memory.

    Args:
        server: What the server shows.
        tls: The client's.
    """

    def __init__(self, server: Path, tls: ClientTLS) -> None:
        self.client = RequestProtocol(Line(), Clock())
        self.layers = [
            TLSFactory(Factory.forProtocol(lambda: self.client), tls.context, tls.server_name),
            TLSFactory(Factory.forProtocol(Echo), server_context(server, server)),
        ]
        self.ends = [(each.buildProtocol(None), StringTransport()) for each in self.layers]
        for protocol, transport in self.ends:
            assert protocol is not None
            protocol.makeConnection(transport)

    def talk(self) -> None:
        """Let what was sent arrive."""
        for _ in range(6):
            for (_, sender), (receiver, _) in (self.ends, self.ends[::-1]):
                data = sender.value()
                sender.clear()
                if data:
                    receiver.dataReceived(data)

    def end(self) -> None:
        """Let the client's connection be gone."""
        self.ends[0][0].connectionLost(Failure(ConnectionDone()))


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_request(files: Path, name: str) -> None:
    """A request waits for the handshake, and its reply comes back; closing says good-bye."""
    context = client_context(authorities=[str(files / "good.pem")])
    pair = Pair(files / "good.pem", ClientTLS(context, name))
    reply = watch(pair.client.request(b"hello"))
    assert has_tls(pair.client.transport)
    assert reply == []
    pair.talk()
    assert reply == [b"hello"]
    closed = watch(pair.client.close())
    pair.talk()
    assert pair.ends[0][1].disconnecting
    pair.end()
    assert closed == [None]
    assert pair.client.broken is None


@pytest.mark.parametrize(
    ("server", "trusted", "why"),
    [
        ("other", "other", "TLS: hostname mismatch, certificate is not valid for 'localhost'"),
        ("nameless", "nameless", "TLS: hostname mismatch, certificate is not valid for 'local"),
        ("good", "other", "TLS: self-signed certificate"),
    ],
)
def test_not_the_server(files: Path, server: str, trusted: str, why: str) -> None:
    """Another name, no name at all and an unknown issuer are refused, each in a line."""
    context = client_context(authorities=[str(files / f"{trusted}.pem")])
    pair = Pair(files / f"{server}.pem", ClientTLS(context, "localhost"))
    reply = watch(pair.client.request(b"hello"))
    pair.talk()
    pair.end()
    assert str(reply[0]).startswith(f"connection ended before the reply: {why}")


def test_anybody(files: Path) -> None:
    """Where nothing is verified, anybody will do."""
    pair = Pair(files / "other.pem", ClientTLS(client_context(verify=False), "localhost"))
    reply = watch(pair.client.request(b"hello"))
    pair.talk()
    assert reply == [b"hello"]


def test_stream_that_is_cut_off(files: Path) -> None:
    """An end without good-bye may be somebody else's work, so no message ends with it."""
    pair = Pair(files / "other.pem", ClientTLS(client_context(verify=False), None))
    reply = watch(pair.client.request(b"hello"))
    pair.talk()
    assert reply == [b"hello"]
    layer: Any = pair.ends[0][0]
    layer.transport.connectionLost = layer.connectionLost
    layer.readConnectionLost()
    assert pair.client.broken == "reset or lost"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda d: client_context(authorities=[f"{d}/no"]), "cannot read DIR/no: No such file"),
        (lambda d: client_context(authorities=[f"{d}/huge"]), "cannot read DIR/huge: File too la"),
        (lambda d: client_context(certificate=f"{d}/huge"), "cannot read DIR/huge: File too la"),
        (lambda d: client_context(authorities=[f"{d}/junk"]), "DIR/junk holds no certificate"),
        (lambda d: client_context(certificate=f"{d}/secret.pem"), "DIR/secret.pem holds an encry"),
        (
            lambda d: client_context(certificate=f"{d}/good.pem", key=f"{d}/other.pem"),
            "DIR/other.pem is not the key of the certificate",
        ),
        (
            lambda d: client_context(certificate=f"{d}/good.pem", key=f"{d}/rsa.pem"),
            "DIR/rsa.pem is not the key of the certificate",
        ),
        (lambda _: ClientTLS(client_context(), ""), "'' is not a server's name: "),
    ],
)
def test_what_cannot_be(files: Path, make: Callable[[Path], object], says: str) -> None:
    """What is wrong with a file or a name is one line."""
    with pytest.raises(ConfigError) as raised:
        make(files)
    assert str(raised.value).startswith(says.replace("DIR", str(files)))


def test_verifies_unless_told_otherwise() -> None:
    """The defaults are the safe ones."""
    context = client_context()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert not context.hostname_checks_common_name
