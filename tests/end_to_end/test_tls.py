"""The TLS table of a listener, asked by `openssl s_client`."""

from __future__ import annotations

import re
import shutil
import signal
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.certificates import DAY, make_certificate
from tests.end_to_end.clients import connect, read_bytes
from tests.end_to_end.daemons import Daemon, Start
from tests.end_to_end.waiting import PATIENCE, eventually

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")

FILE = """
[services.a]
listen = {{ endpoint = "tcp:0:interface=127.0.0.1", tls = {{ {tls} }} }}
framing = "line"
otherwise = "served"
"""
NAMED = """certificate = "server.pem", alpn = ["one", "two"], \
sni = { "*.example.org" = { certificate = "other.pem" } }"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory with an authority, and what it has signed."""
    ca = make_certificate(tmp_path / "ca.pem", names=(), subject="CN=Test CA", ends=90 * DAY)
    chain = make_certificate(
        tmp_path / "issuer.pem", names=(), subject="CN=Issuer", ends=90 * DAY, issuer=ca, ca=True
    )
    for name in ("server", "other", "renewed"):
        path = make_certificate(
            tmp_path / f"{name}.pem", subject=f"CN={name}", issuer=chain, ends=90 * DAY
        )
        path.write_bytes(path.read_bytes() + chain.read_bytes())
    make_certificate(
        tmp_path / "device.pem", names=(), subject="CN=device", issuer=ca, ends=90 * DAY
    )
    make_certificate(tmp_path / "stranger.pem", subject="CN=stranger", ends=90 * DAY)
    return tmp_path


def serve(start_daemon: Start, files: Path, tls: str) -> Daemon:
    """A daemon with a listener that has this TLS."""
    (files / "tls.toml").write_text(FILE.format(tls=tls))
    return start_daemon("--config", str(files / "tls.toml"))


def s_client(daemon: Daemon, files: Path, *options: str) -> str:
    """What `openssl s_client` shows that sends a line and reads to the end."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{daemon.port}", "-ign_eof"]
    trusts = ["-CAfile", str(files / "ca.pem"), "-verify_return_error"]
    done = subprocess.run(
        [*command, *trusts, *options],
        input=b"hello\n",
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def test_what_a_client_is_shown(start_daemon: Start, files: Path) -> None:
    """The chain, the protocol that both know, and the certificate for the name."""
    daemon = serve(start_daemon, files, NAMED)
    shown = s_client(daemon, files, "-servername", "localhost", "-alpn", "two,three", "-showcerts")
    assert "subject=CN = server" in shown
    assert "ALPN protocol: two" in shown
    assert shown.count("BEGIN CERTIFICATE") >= 2
    assert "Verification: OK" in shown
    assert "Compression: NONE" in shown
    assert "Secure Renegotiation IS" in shown
    assert "served" in shown
    shown = s_client(daemon, files, "-servername", "a.example.org", "-tls1_2")
    assert "subject=CN = other" in shown
    assert "No ALPN negotiated" in shown
    assert re.search("Cipher +(?:is|:) ECDHE-ECDSA-AES128-GCM-SHA256", shown)
    assert "served" not in s_client(daemon, files, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_clients_with_certificates(start_daemon: Start, files: Path, version: str) -> None:
    """Only a client whose certificate the authority has signed is served."""
    tls = 'certificate = "server.pem", client_ca = "ca.pem", require_client = true'
    daemon = serve(start_daemon, files, tls)
    device, stranger = str(files / "device.pem"), str(files / "stranger.pem")
    assert "served" in s_client(daemon, files, version, "-cert", device, "-key", device)
    assert "served" not in s_client(daemon, files, version, "-cert", stranger, "-key", stranger)
    assert "served" not in s_client(daemon, files, version)


def test_reload(start_daemon: Start, files: Path) -> None:
    """SIGHUP reads the files again, and changes all of the table; a bad file changes nothing."""
    daemon = serve(start_daemon, files, 'certificate = "server.pem"')
    assert "subject=CN = server" in s_client(daemon, files)
    good = (files / "server.pem").read_bytes()
    (files / "server.pem").write_bytes((files / "renewed.pem").read_bytes())
    daemon.signal(signal.SIGHUP)
    eventually(lambda: daemon.log.count("reloaded") == 1)
    assert "subject=CN = renewed" in s_client(daemon, files)
    (files / "server.pem").write_bytes(good[:300])
    daemon.signal(signal.SIGHUP)
    eventually(lambda: "still running the previous configuration" in daemon.log)
    assert "subject=CN = renewed" in s_client(daemon, files)
    (files / "server.pem").write_bytes(good)
    (files / "tls.toml").write_text(FILE.format(tls=f'{NAMED}, min_version = "1.3"'))
    daemon.signal(signal.SIGHUP)
    eventually(lambda: daemon.log.count("reloaded") == 2)
    shown = s_client(daemon, files, "-servername", "a.example.org", "-alpn", "one")
    assert "subject=CN = other" in shown
    assert "ALPN protocol: one" in shown
    assert "served" not in s_client(daemon, files, "-tls1_2")


def accepted_ciphers(daemon: Daemon, files: Path) -> set[str]:
    """The ciphers of TLS 1.2 that a listener takes, of all that `openssl` has."""
    listed = subprocess.run(
        ["openssl", "ciphers", "-s", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        cipher
        for cipher in listed.stdout.strip().split(":")
        if "served" in s_client(daemon, files, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
    }


def test_nothing_weak(start_daemon: Start, files: Path) -> None:
    """By default there are only ciphers of the best kind, no old version, no renegotiation."""
    daemon = serve(start_daemon, files, 'certificate = "server.pem"')
    assert accepted_ciphers(daemon, files) == {
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
    }
    for version in ("-tls1", "-tls1_1"):
        assert "served" not in s_client(daemon, files, version, "-cipher", "ALL:@SECLEVEL=0")
    keeps = FILE.format(tls='certificate = "server.pem"') + "keep_alive = true\n"
    (files / "keep.toml").write_text(keeps)
    again = start_daemon("--config", str(files / "keep.toml"))
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{again.port}", "-tls1_2"]
    done = subprocess.run(command, input=b"R\n", capture_output=True, timeout=PATIENCE, check=False)
    assert b"RENEGOTIATING" in done.stdout + done.stderr
    assert b"no renegotiation" in done.stdout + done.stderr


def test_weaker_ciphers_would_be_seen(start_daemon: Start, files: Path) -> None:
    """The control: of OpenSSL's own defaults, which an `ssl:` string has, some are not as good."""
    pair = files / "server.pem"
    daemon = start_daemon(
        "--listen", f"ssl:0:interface=127.0.0.1:privateKey={pair}", "--reply", "served"
    )
    assert "ECDHE-ECDSA-AES256-SHA384" in accepted_ciphers(daemon, files)


@pytest.mark.parametrize("starttls", [False, True])
def test_behind_a_proxy(start_daemon: Start, files: Path, starttls: bool) -> None:
    """A PROXY header comes first, then TLS, at once or when a reply begins it, then messages."""
    later = str(starttls).lower()
    (files / "proxied.toml").write_text(
        "[services.a]\n"
        'listen = { endpoint = "tcp:0:interface=127.0.0.1", proxy_from = "127.0.0.1", '
        f'tls = {{ certificate = "server.pem", starttls = {later} }} }}\n'
        'framing = "line"\nkeep_alive = true\n'
        'otherwise = { template = "{{ peer.host }} by {{ tls.version }}" }\n'
        + "rules = [{ when.equals = 'TLS', reply = ['go', { starttls = true }] }]"
        * starttls
    )
    daemon = start_daemon("--config", str(files / "proxied.toml"))
    context = ssl.create_default_context(cafile=files / "ca.pem")
    with connect(daemon.port) as client:
        client.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.8 1000 2000\r\n")
        if starttls:
            client.sendall(b"hello\nTLS\n")
            assert read_bytes(client, 17) == b"192.0.2.7 by \ngo\n"
        with context.wrap_socket(client, server_hostname="localhost") as secure:
            secure.sendall(b"hello\n")
            assert secure.recv(100) == b"192.0.2.7 by 1.3\n"
