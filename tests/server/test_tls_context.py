"""What a listener shows its clients, with OpenSSL's client at the other end, in memory."""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL

from sockreply.pem import certificates_of
from sockreply.server.certificates import certificates_of as certificates_of_listener
from sockreply.server.tls_context import (
    CIPHERS,
    ask_clients,
    choose_by_name,
    describe_tls,
    read_context,
    server_context,
)
from sockreply.settings import ListenerSettings, TLSSettings
from tests.end_to_end.certificates import make_certificate

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with certificates."""
    directory = tmp_path_factory.mktemp("pairs")
    for name in ("localhost", "one", "wild"):
        make_certificate(directory / f"{name}.pem", names=(name,), subject=f"CN={name}")
    make_certificate(directory / "ca.pem", names=(), subject="CN=Test CA")
    make_certificate(
        directory / "device.pem", names=(), subject="CN=device-1,O=X", issuer=directory / "ca.pem"
    )
    return directory


class Handshake:
    """A handshake in memory, as far as it comes.

    Args:
        server: The listener's context.
        name: The server name that the client asks for; None: none.
        shows: The client's own certificate.
        version: The only one that the client speaks.
    """

    def __init__(
        self,
        server: ssl.SSLContext,
        name: str | None = None,
        shows: Path | None = None,
        version: ssl.TLSVersion = VERSIONS[1],
        alpn: tuple[str, ...] = (),
    ) -> None:
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.minimum_version = client.maximum_version = version
        if shows is not None:
            client.load_cert_chain(shows)
        if alpn:
            client.set_alpn_protocols(alpn)
        there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(back, there, server_hostname=name)
        self.server: Any = server.wrap_bio(there, back, server_side=True)
        for _ in range(4):
            for side in (self.client, self.server):
                with suppress(ssl.SSLWantReadError):
                    side.do_handshake()

    @property
    def subject(self) -> str:
        """Of the certificate that the client was shown."""
        shown = self.client.getpeercert(True)
        assert shown is not None
        return describe_tls(self.server)._replace(certificate=shown).subject


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("one.example", "CN=one"),
        ("ONE.example", "CN=one"),
        ("a.one.example", "CN=localhost"),
        ("a.wild.example", "CN=wild"),
        ("a.b.wild.example", "CN=localhost"),
        ("wild.example", "CN=localhost"),
        ("example", "CN=localhost"),
        (None, "CN=localhost"),
    ],
)
def test_names(pairs: Path, name: str | None, subject: str, version: ssl.TLSVersion) -> None:
    """The name that a client asks for chooses the certificate; a star is for one word."""
    context, one, wild = (
        server_context(pairs / f"{each}.pem", pairs / f"{each}.pem")
        for each in ("localhost", "one", "wild")
    )
    choose_by_name(context, {"one.example": one, "*.wild.example": wild})
    handshake = Handshake(context, name, version=version)
    assert handshake.subject == subject
    assert describe_tls(handshake.server).sni == (name or "")


def test_name_at_a_string(pairs: Path) -> None:
    """Of an `ssl:` endpoint, too, it is known which name was asked for."""
    name = str(pairs / "localhost.pem")
    context = read_context({"privateKey": name, "certKey": name})
    assert describe_tls(Handshake(context, "a.example").server).sni == "a.example"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", [None, "one.example"])
def test_clients(pairs: Path, version: ssl.TLSVersion, name: str | None) -> None:
    """Under every name, a client without a good certificate is refused where one is needed."""
    authorities = certificates_of((pairs / "ca.pem").read_bytes())
    for required in (True, False):
        context, one = (
            server_context(pairs / f"{each}.pem", pairs / f"{each}.pem")
            for each in ("localhost", "one")
        )
        ask_clients(context, authorities, required=required)
        ask_clients(one, authorities, required=required)
        choose_by_name(context, {"one.example": one})
        known = Handshake(context, name, pairs / "device.pem", version).server
        assert describe_tls(known).subject == "CN=device-1,O=X"
        if required:
            with pytest.raises(ssl.SSLError):
                Handshake(context, name, version=version)
        else:
            assert describe_tls(Handshake(context, name, version=version).server).subject == ""
        with pytest.raises(ssl.SSLError):
            Handshake(context, name, pairs / "one.pem", version)


def test_versions_and_ciphers(pairs: Path) -> None:
    """Nothing older than TLS 1.2, or than 1.3; of 1.2 only ciphers with forward secrecy."""
    pair = pairs / "localhost.pem"
    with pytest.raises(ssl.SSLError):
        Handshake(server_context(pair, pair, VERSIONS[1]), version=VERSIONS[0])
    context = server_context(pair, pair)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    found = {each["name"] for each in context.get_ciphers() if each["protocol"] == "TLSv1.2"}
    assert found == set(CIPHERS.split(":"))
    options = ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    assert context.options & options == options


def test_encrypted_key_is_never_asked_for(tmp_path: Path) -> None:
    """OpenSSL does not ask for a passphrase on the terminal."""
    pair = make_certificate(tmp_path / "secret.pem", passphrase=b"secret")
    with pytest.raises(OSError, match="encrypted"):
        server_context(pair, pair)
    with pytest.raises(OSError, match="encrypted"):
        read_context({"privateKey": str(pair), "certKey": str(pair)})


def test_server_name_of_twisted(pairs: Path) -> None:
    """Of a connection of Twisted's own TLS, the name is known, too."""
    handle = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
    handle.set_tlsext_host_name(b"a.example")
    assert describe_tls(handle).sni == "a.example"


def test_certificates_of_listeners(pairs: Path) -> None:
    """They are known of a table, and of a string with TLS."""
    pair = pairs / "one.pem"
    (told,) = certificates_of_listener(ListenerSettings(f"ssl:0:privateKey={pair}"))
    assert told.names == ("one",)
    tls = TLSSettings(server_context(pair, pair), (told,))
    assert certificates_of_listener(ListenerSettings("tcp:0", tls)) == (told,)
    assert certificates_of_listener(ListenerSettings("tcp:0")) == ()
