"""What is said of files with keys and certificates."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sockreply.pem import (
    ENCRYPTED,
    certificate_fault,
    certificates_of,
    described,
    key_fault,
    subject_of,
)
from tests.end_to_end.certificates import DAY, make_certificate


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"-----BEGIN PRIVATE KEY-----", None),
        (b"a comment\n-----BEGIN RSA PRIVATE KEY-----\nAAAA", None),
        (b"junk", "holds no private key in PEM"),
        (b"-----BEGIN PUBLIC KEY-----", "holds no private key in PEM"),
        (b"-----BEGIN ENCRYPTED PRIVATE KEY-----", ENCRYPTED),
        (b"-----BEGIN EC PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: x", ENCRYPTED),
    ],
)
def test_keys(data: bytes, fault: str | None) -> None:
    """A key has its first line, and is not encrypted in either of the ways that there are."""
    assert key_fault(data) == fault


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"-----BEGIN CERTIFICATE-----", None),
        (b"text\n-----BEGIN TRUSTED CERTIFICATE-----", None),
        (b"-----BEGIN CERTIFICATE REQUEST-----", "holds no certificate in PEM"),
        (b"", "holds no certificate in PEM"),
    ],
)
def test_certificates(data: bytes, fault: str | None) -> None:
    """A certificate has its first line; a request for one is none."""
    assert certificate_fault(data) == fault


def test_described(tmp_path: Path) -> None:
    """The names that it is for, or else its subject, and from when to when it is valid."""
    names = ("localhost", "*.example.org", "127.0.0.1", "::1")
    data = make_certificate(tmp_path / "a.pem", names=names, ends=5 * DAY).read_bytes()
    told = described(data, "a.pem", "example.org")
    assert told is not None
    assert (told.file, told.names, told.asked_as) == ("a.pem", names, "example.org")
    assert timedelta(days=4) < told.ends - datetime.now(UTC) < timedelta(days=5)
    assert told.begins < datetime.now(UTC)
    data = make_certificate(tmp_path / "b.pem", names=(), subject="CN=b,O=B").read_bytes()
    unnamed = described(data, "b.pem")
    assert unnamed is not None
    assert unnamed.names == ("CN=b,O=B",)
    assert described(b"-----BEGIN CERTIFICATE-----\n", "c.pem") is None


def test_only_certificates(tmp_path: Path) -> None:
    """What stands between certificates, such as keys and text in any letters, is left out."""
    data = make_certificate(tmp_path / "a.pem").read_bytes() + "\nä\n".encode()
    data += make_certificate(tmp_path / "b.pem").read_bytes()
    found = certificates_of(data)
    assert found.count("BEGIN CERTIFICATE") == found.count("END CERTIFICATE") == 2
    assert "KEY" not in found
    assert found.isascii()


def test_subject(tmp_path: Path) -> None:
    """The subject is in one line, with what has a meaning in it escaped."""
    path = make_certificate(tmp_path / "a.pem", subject=r"CN=one\, two,OU=x\+y")
    der = ssl.PEM_cert_to_DER_cert(certificates_of(path.read_bytes()))
    assert subject_of(der) == r"CN=one\, two,OU=x\+y"
    assert subject_of(b"junk") == ""
