"""From the parameters of an `ssl:` endpoint to what the standard library's TLS needs."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sockreply.replies.responder import TLS

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
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION  # it would let a peer cost us a handshake at will
    context.num_tickets = 1  # is enough to resume a session by; each takes time in the handshake
    version = _VERSIONS.get(parameters.get("sslmethod", ""))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    key = parameters["privateKey"]
    with _one_file(parameters["certKey"], parameters.get("extraCertChain")) as certificates:
        context.load_cert_chain(certificates, key)
    if "dhParameters" in parameters:
        context.load_dh_params(parameters["dhParameters"])
    return context


def describe_tls(handle: Any) -> TLS:
    """What is known of a connection.

    Args:
        handle: An `ssl.SSLObject` or an `OpenSSL.SSL.Connection`.
    """
    if isinstance(handle, ssl.SSLObject):
        version, cipher = handle.version(), handle.cipher()
        if version is None or cipher is None:  # before the handshake, it may not even be asked
            return TLS("", "", None)
        return TLS(version, cipher[0], handle.getpeercert(True))
    from cryptography.hazmat.primitives.serialization import Encoding  # now, because few want it

    shown = handle.get_peer_certificate(as_cryptography=True)
    certificate = None if shown is None else shown.public_bytes(Encoding.DER)
    # pyOpenSSL says "TLSv1.3", too, and "Unknown" before the handshake.
    version = handle.get_protocol_version_name().removeprefix("Unknown")
    return TLS(version, handle.get_cipher_name() or "", certificate)


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
