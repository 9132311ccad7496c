"""Certificates for tests of TLS."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

DAY = timedelta(days=1)


def make_certificate(
    path: Path,
    *,
    names: Sequence[str] = ("localhost",),
    subject: str = "CN=localhost",
    issuer: Path | None = None,
    begins: timedelta = -DAY,
    ends: timedelta = DAY,
    passphrase: bytes | None = None,
    ca: bool | None = None,
) -> Path:
    """Write a key and a certificate into a PEM file.

    Args:
        path: The file.
        names: The host names and addresses that it is for; it may be for none.
        subject: As RFC 4514 writes it.
        issuer: A file like this one, whose key signs it; None: its own does.
        begins: When it begins to be valid, from now on.
        ends: When it ceases to be.
        passphrase: Encrypts the key.
        ca: May it sign others? None: if it has no names, and nobody else signed it.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string(subject)
    signer, signed_by = key, name
    if issuer is not None:
        loaded = serialization.load_pem_private_key(issuer.read_bytes(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        signer = loaded
        signed_by = x509.load_pem_x509_certificates(issuer.read_bytes())[0].subject
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(signed_by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
    )
    if ca or (ca is None and not names and issuer is None):
        authority = x509.BasicConstraints(ca=True, path_length=None)
        builder = builder.add_extension(authority, critical=True)
    if names:
        known = x509.SubjectAlternativeName(list(map(_general_name, names)))
        builder = builder.add_extension(known, critical=False)
    certificate = builder.sign(signer, hashes.SHA256())
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        encryption = serialization.BestAvailableEncryption(passphrase)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def make_rsa_key(path: Path) -> None:
    """Write a key of another kind than those of `make_certificate`."""
    key = rsa.generate_private_key(65537, 2048)
    kind = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, *kind))
