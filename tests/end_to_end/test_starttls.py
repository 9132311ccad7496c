"""examples/starttls.toml, asked by programs and libraries that nobody here wrote, and by ours."""

from __future__ import annotations

import os
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.certificates import DAY, make_certificate
from tests.end_to_end.clients import connect, read_all, read_bytes
from tests.end_to_end.daemons import ROOT, SCRIPTS, Daemon, Start
from tests.end_to_end.waiting import PATIENCE

BIND = bytes.fromhex("300c020102600702010304008000")
LDAP = "length:bytes=1,offset=1,strip=no"
KINDS = ["smtp", "ldap", "postgres"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PEM file with a key and its own certificate."""
    path = tmp_path_factory.mktemp("starttls") / "cert.pem"
    return make_certificate(path, names=("localhost", "127.0.0.1"), ends=90 * DAY)


@pytest.fixture(scope="module")
def daemon(start_shared_daemon: Start, certificate: Path) -> Daemon:
    """Serves the example."""
    shutil.copy(certificate, certificate.with_name("key.pem"))
    text = (ROOT / "examples" / "starttls.toml").read_text(encoding="utf-8")
    copy = certificate.with_name("starttls.toml")
    copy.write_text(re.sub(r"\btcp:\d+", "tcp:0", text), encoding="utf-8")
    return start_shared_daemon("--config", str(copy))


@pytest.fixture
def ports(daemon: Daemon) -> dict[str, int]:
    """By what is spoken there."""
    return dict(zip(KINDS, daemon.ports(3), strict=True))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("kind", KINDS)
def test_openssl(ports: dict[str, int], certificate: Path, kind: str) -> None:
    """`openssl s_client -starttls` gets as far as TLS, and verifies the certificate."""
    where = ["-starttls", kind, "-connect", f"127.0.0.1:{ports[kind]}"]
    trusts = ["-CAfile", str(certificate), "-verify_return_error", "-verify_ip", "127.0.0.1"]
    done = subprocess.run(
        ["openssl", "s_client", *where, *trusts], input=b"", capture_output=True, timeout=PATIENCE
    )
    assert done.returncode == 0
    assert b"Verification: OK" in done.stdout


def test_smtplib(ports: dict[str, int], certificate: Path) -> None:
    """Python's smtplib asks for TLS, says EHLO again and logs in, which it may not in clear."""
    with smtplib.SMTP("127.0.0.1", ports["smtp"], "client", PATIENCE) as server:
        server.ehlo()
        assert "starttls" in server.esmtp_features
        assert server.docmd("AUTH", "PLAIN AGtpbQBzZWNyZXQ=")[0] == 538
        context = ssl.create_default_context(cafile=certificate)
        assert server.starttls(context=context)[0] == 220
        code, told = server.ehlo()
        assert (code, told.splitlines()[0]) == (250, b"mail.example, by TLS 1.3")
        assert "starttls" not in server.esmtp_features
        assert server.login("kim", "secret")[0] == 235


def test_ldap(ports: dict[str, int], certificate: Path) -> None:
    """A client of LDAP binds once there is TLS, and not before."""
    with connect(ports["ldap"]) as client:
        client.sendall(BIND)
        client.sendall(bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037")
        assert read_bytes(client, 14) == bytes.fromhex("300c02010178070a010004000400")
        context = ssl.create_default_context(cafile=certificate)
        with context.wrap_socket(client, server_hostname="localhost") as secure:
            secure.sendall(BIND)
            assert secure.recv(100) == bytes.fromhex("300c02010261070a010004000400")


@pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed")
def test_psql(ports: dict[str, int], certificate: Path) -> None:
    """Psql verifies the certificate and the name, and shows what it is told inside TLS."""
    verifies = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(certificate)}
    done = subprocess.run(
        ["psql", "-h", "localhost", "-p", str(ports["postgres"]), "-U", "kim", "-c", "SELECT 1"],
        capture_output=True,
        timeout=PATIENCE,
        env={**os.environ, **verifies},
    )
    assert b"FATAL:  This is only a stand-in" in done.stderr


@pytest.mark.parametrize(
    ("kind", "words", "printed"),
    [
        ("smtp", ["--starttls", "smtp", "-f", "line", "NOOP"], b"502 5.5.1 Not here\n"),
        (
            "smtp",
            ["--greeting", "--starttls", "STARTTLS", "-f", "line", "--replies", "3", "EHLO x"],
            b"220 mail.example ESMTP\n250-mail.example, by TLS 1.3\n250-AUTH PLAIN\n250 8BITMIME\n",
        ),
        (
            "ldap",
            ["--starttls", "ldap", "-f", LDAP, "--hex", BIND.hex()],
            b"300c02010261070a010004000400\n",
        ),
        ("postgres", ["--starttls", "postgres", "--hex", "00000008 00030000"], b"45"),
    ],
)
def test_send(
    ports: dict[str, int], certificate: Path, kind: str, words: list[str], printed: bytes
) -> None:
    """`sockreply send --starttls` asks as each protocol does, or with a message."""
    options = ["--ca", str(certificate), "--host", "localhost", "--port", str(ports[kind])]
    done = subprocess.run(
        [SCRIPTS / "sockreply", "send", *options, *words], capture_output=True, timeout=PATIENCE
    )
    assert done.stderr == b""
    assert done.stdout.startswith(printed)


def test_nothing_is_injected(ports: dict[str, int], certificate: Path) -> None:
    """What somebody added in clear is neither answered in clear nor inside."""
    with connect(ports["smtp"]) as client:
        assert read_bytes(client, 24) == b"220 mail.example ESMTP\r\n"
        client.sendall(b"STARTTLS\r\nAUTH PLAIN x\r\nQUIT\r\n")
        assert read_bytes(client, 20) == b"220 2.0.0 Go ahead\r\n"
        context = ssl.create_default_context(cafile=certificate)
        with context.wrap_socket(client, server_hostname="localhost") as secure:
            secure.sendall(b"NOOP\r\nQUIT\r\n")
            assert read_all(secure) == b"502 5.5.1 Not here\r\n221 2.0.0 Bye\r\n"


def test_client_that_is_cut_off(ports: dict[str, int]) -> None:
    """A client that leaves in the middle harms nobody."""
    with connect(ports["smtp"]) as client:
        client.sendall(b"STARTTLS\r\n")
        read_bytes(client, 44)
        client.shutdown(socket.SHUT_RDWR)
    with connect(ports["smtp"]) as other:
        assert read_bytes(other, 24) == b"220 mail.example ESMTP\r\n"
