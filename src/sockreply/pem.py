"""Files with keys and certificates in PEM: what is wrong with one, and whose it is until when."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from cryptography.x509 import Certificate as Decoded

_CERTIFICATE = re.compile(
    rb"-----BEGIN ((?:[A-Z0-9]+ )*CERTIFICATE)-----(?:.*?-----END \1-----)?", re.S
)
_KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----(?:\s*Proc-Type:[^\n]*ENCRYPTED)?")

LIMIT = 16 * 1024 * 1024
"""Bytes of a file; a system's authorities together have half a million."""

OTHER_KEY = {"KEY_VALUES_MISMATCH", "NO_CERTIFICATE_ASSIGNED"}
"""What OpenSSL says of a key that is not a certificate's: of the same kind, or of another one."""

ENCRYPTED = "holds an encrypted private key; `openssl pkey` writes it without a passphrase"


@dataclass(frozen=True)
class Certificate:
    """What a certificate says of itself.

    Args:
        file: Where it stands, as it was written.
        names: What it is for: host names and addresses, or else its subject.
        begins: When it begins to be valid.
        ends: When it ceases to be.
        asked_as: The server name (SNI) for which it is shown; None: to all others.
    """

    file: str
    names: tuple[str, ...]
    begins: datetime
    ends: datetime
    asked_as: str | None = None


def contents_of(path: Path) -> bytes:
    """What a file holds.

    Raises:
        OSError: It cannot be read, or never ends, or has far too much for keys and certificates.
        ValueError: No file can have that name.
    """
    with path.open("rb") as opened:
        data = opened.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return data


def key_fault(data: bytes) -> str | None:
    """What is obviously wrong with a file that should hold a private key; None: nothing."""
    found = _KEY.search(data)
    if found is None:
        return "holds no private key in PEM"
    return ENCRYPTED if b"ENCRYPTED" in found[0] else None


def certificate_fault(data: bytes) -> str | None:
    """What is obviously wrong with a file that should hold a certificate; None: nothing."""
    return None if _CERTIFICATE.search(data) else "holds no certificate in PEM"


def refuse_passphrase() -> NoReturn:
    """Answers when OpenSSL wants the passphrase of a key, so that it does not ask on the terminal.

    Raises:
        OSError: Always.
    """
    raise OSError(ENCRYPTED)


def certificates_of(data: bytes) -> str:
    """The certificates in a file, without what stands between them."""
    blocks = (found[0] for found in _CERTIFICATE.finditer(data))
    return b"\n".join(blocks).decode("ascii", "replace")


def described(data: bytes, file: str, asked_as: str | None = None) -> Certificate | None:
    """What the first certificate in a file says; None: it cannot be read.

    Args:
        data: What the file holds.
        file: Its name.
        asked_as: As of a `Certificate`.
    """
    from cryptography import x509  # now, because it takes its time, and only some files have TLS

    try:
        read = x509.load_pem_x509_certificates(data)[0]
        begins, ends = read.not_valid_before_utc, read.not_valid_after_utc
        return Certificate(file, _names(read), begins, ends, asked_as)
    except Exception:  # OpenSSL takes some that this does not, for any of many reasons
        return None


def subject_of(certificate: bytes) -> str:
    """The subject of a certificate in DER, as RFC 4514 writes it; empty: it cannot be read."""
    from cryptography import x509  # now, because few ask

    try:
        return x509.load_der_x509_certificate(certificate).subject.rfc4514_string()
    except Exception:  # as above
        return ""


def _names(certificate: Decoded) -> tuple[str, ...]:
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (certificate.subject.rfc4514_string(),)
    addresses = map(str, found.get_values_for_type(x509.IPAddress))
    return (*found.get_values_for_type(x509.DNSName), *addresses)
