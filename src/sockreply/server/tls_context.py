"""What the standard library's TLS needs, from the settings of a listener or an `ssl:` endpoint."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sockreply.pem import refuse_passphrase
from sockreply.replies.session import TLS

CIPHERS = ":".join(
    f"ECDHE-{key}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for key in ("ECDSA", "RSA")
)
"""Of TLS 1.2: those that keep yesterday's traffic secret when a key is stolen, and that nothing
is said against. TLS 1.3 has no others."""

_VERSIONS = {
    "TLSv1_METHOD": ssl.TLSVersion.TLSv1,
    "TLSv1_1_METHOD": ssl.TLSVersion.TLSv1_1,
    "TLSv1_2_METHOD": ssl.TLSVersion.TLSv1_2,
}
"""The values of `sslmethod` that stand for one version; all others stand for any version."""


def read_context(parameters: Mapping[str, str]) -> ssl.SSLContext:
    """The certificate, the key and what else the parameters of an endpoint name.

    Args:
        parameters: `privateKey`, `certKey`, `extraCertChain`, `dhParameters` and `sslmethod`, as in
            Twisted's endpoint strings.

    Raises:
        OSError: A file cannot be read, or OpenSSL does not take what is in it (`ssl.SSLError`).
    """
    context = _bare_context()
    version = _VERSIONS.get(parameters.get("sslmethod", ""))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    key = parameters["privateKey"]
    with _one_file(parameters["certKey"], parameters.get("extraCertChain")) as certificates:
        context.load_cert_chain(certificates, key, refuse_passphrase)
    if "dhParameters" in parameters:
        context.load_dh_params(parameters["dhParameters"])
    return context


def server_context(
    certificate: Path, key: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
) -> ssl.SSLContext:
    """What a listener shows its clients.

    Args:
        certificate: A file that begins with the certificate; those of its issuers may follow.
        key: A file with its private key.
        version: The oldest version of TLS that is spoken.

    Raises:
        OSError: A file cannot be read, or OpenSSL does not take what is in it (`ssl.SSLError`).
    """
    context = _bare_context()
    context.minimum_version = version
    context.set_ciphers(CIPHERS)
    context.load_cert_chain(certificate, key, refuse_passphrase)
    return context


def ask_clients(context: ssl.SSLContext, authorities: str, *, required: bool) -> None:
    """Ask clients for a certificate.

    Args:
        context: Of the listener.
        authorities: Certificates, in PEM, of those whose clients are trusted.
        required: Is a client without a certificate refused?

    Raises:
        ssl.SSLError: OpenSSL does not take them.
    """
    context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an issuer below the root will do
    context.load_verify_locations(cadata=authorities)


def choose_by_name(context: ssl.SSLContext, others: Mapping[str, ssl.SSLContext]) -> None:
    """Let the server name that a client asks for (SNI) choose the certificate.

    Args:
        context: For clients that ask for none of these names.
        others: By name, in small letters; `*.example.org` is for any name in its place.
    """

    def choose(wrapped: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        _note_name(wrapped, name, context)
        asked = (name or "").lower().rstrip(".")
        found = others.get(asked) or others.get(f"*.{asked.partition('.')[2]}")
        if found is not None:
            wrapped.context = found

    context.sni_callback = choose


class TLSObject(ssl.SSLObject):
    """TLS over memory, which knows for which server the client has asked."""

    sni = ""
    """The name (SNI); empty: for none."""


def _note_name(wrapped: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
    if name is not None and isinstance(wrapped, TLSObject):
        wrapped.sni = name


def _bare_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION  # it would let a peer cost us a handshake at will
    context.num_tickets = 1  # is enough to resume a session by; each takes time in the handshake
    context.sslobject_class = TLSObject
    context.sni_callback = _note_name
    return context


def version_of(handle: Any) -> str:
    """The version of TLS that was agreed on; empty before that.

    Args:
        handle: As for `describe_tls`.
    """
    if isinstance(handle, ssl.SSLObject):
        return handle.version() or ""
    # pyOpenSSL says "TLSv1.3", too, and "Unknown" before the handshake.
    name: str = handle.get_protocol_version_name()
    return name.removeprefix("Unknown")


def describe_tls(handle: Any) -> TLS:
    """What is known of a connection.

    Args:
        handle: An `ssl.SSLObject` or an `OpenSSL.SSL.Connection`.
    """
    if isinstance(handle, ssl.SSLObject):
        version, cipher = version_of(handle), handle.cipher()
        if cipher is None:  # before the handshake, it may not even be asked
            return TLS("", "", None)
        return TLS(version, cipher[0], handle.getpeercert(True), getattr(handle, "sni", ""))
    from cryptography.hazmat.primitives.serialization import Encoding  # now, because few want it

    shown = handle.get_peer_certificate(as_cryptography=True)
    certificate = None if shown is None else shown.public_bytes(Encoding.DER)
    sni = (handle.get_servername() or b"").decode("ascii", "replace")
    return TLS(version_of(handle), handle.get_cipher_name() or "", certificate, sni)


@contextmanager
def _one_file(certificate: str, chain: str | None) -> Iterator[str]:
    """A file with all of the certificates, which is how OpenSSL reads them."""
    if chain is None:
        yield certificate
        return
    with tempfile.NamedTemporaryFile() as both:
        both.write(Path(certificate).read_bytes() + b"\n" + Path(chain).read_bytes())
        both.flush()
        yield both.name
