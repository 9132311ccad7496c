"""What is said of files that endpoint strings name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from twisted.internet.testing import MemoryReactorClock

from sockreply.client import connect
from sockreply.endpoint_files import UnusableFile, check_client_files, check_server_files
from sockreply.errors import BadEndpoint, ConfigError
from sockreply.pem import ENCRYPTED, LIMIT
from sockreply.server.endpoint_address import address_of
from sockreply.server.endpoints import endpoint_from


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of each kind in the current directory; only their first lines are right."""
    for directory in ("roots", "junk roots", "none"):
        (tmp_path / directory).mkdir()
    texts = {
        "key.pem": "-----BEGIN RSA PRIVATE KEY-----",
        "cert.pem": "a comment\n-----BEGIN CERTIFICATE-----",
        "both.pem": "-----BEGIN PRIVATE KEY-----\n-----BEGIN TRUSTED CERTIFICATE-----",
        "secret.pem": "-----BEGIN ENCRYPTED PRIVATE KEY-----",
        "dh.pem": "-----BEGIN DH PARAMETERS-----",
        "junk": "junk",
        "a:b.pem": "-----BEGIN PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----",
        "roots/a.PEM": "-----BEGIN CERTIFICATE-----",
        "roots/README": "",
        "junk roots/b.pem": "junk",
        "none/b.crt": "-----BEGIN CERTIFICATE-----",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(f"{text}\n")
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(LIMIT + 1)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("description", "says"),
    [
        ("ssl:1:privateKey=no", "privateKey: cannot read no: No such file or directory"),
        ("ssl:1", "privateKey: cannot read server.pem: No such file or directory"),
        ("ssl:1:no:cert.pem", "privateKey: cannot read no: No such file or directory"),
        ("SSL:1:key.pem:certKey=no", "certKey: cannot read no: No such file or directory"),
        ("ssl:1:privateKey=roots", "privateKey: cannot read roots: Is a directory"),
        ("ssl:1:privateKey=", "privateKey: cannot read '': Is a directory"),
        ("ssl:1:privateKey=\0", "privateKey: cannot read \0: embedded null byte"),
        ("ssl:1:privateKey=huge", "privateKey: cannot read huge: File too large"),
        ("ssl:1:key.pem:huge", "certKey: cannot read huge: File too large"),
        ("ssl:1:both.pem:dhParameters=huge", "dhParameters: cannot read huge: File too large"),
        ("ssl:1:cert.pem:cert.pem", "privateKey: cert.pem holds no private key in PEM"),
        (
            "ssl:1:secret.pem:cert.pem",
            f"privateKey: secret.pem {ENCRYPTED}",
        ),
        ("ssl:1:key.pem:junk", "certKey: junk holds no certificate in PEM"),
        ("ssl:1:both.pem:extraCertChain=junk", "extraCertChain: junk holds no certificate in PEM"),
        (
            "ssl:1:both.pem:dhParameters=junk",
            "dhParameters: junk holds no Diffie-Hellman parameters in PEM",
        ),
    ],
)
def test_files_of_servers(description: str, says: str) -> None:
    """Each error names the parameter, also one that was not written, and the file as it was."""
    with pytest.raises(UnusableFile) as raised:
        check_server_files(description)
    assert str(raised.value) == says


@pytest.mark.parametrize(
    ("description", "says"),
    [
        ("tls:h:1:trustRoots=no", "trustRoots: cannot read no: No such file or directory"),
        ("tls:h:1:trustRoots=cert.pem", "trustRoots: cert.pem is not a directory of certificates"),
        ("tls:h:1:trustRoots=none", "trustRoots: none has no file that ends in .pem"),
        (
            "tls:h:1:trustRoots=junk roots",
            "trustRoots: junk roots has b.pem, which holds no certificate in PEM",
        ),
        ("ssl:h:1:caCertsDir=no", "caCertsDir: cannot read no: No such file or directory"),
        ("tls:h:1:certificate=no", "certificate: cannot read no: No such file or directory"),
        ("tls:h:1:certificate=cert.pem", "privateKey: cert.pem holds no private key in PEM"),
        ("ssl:h:1:certKey=key.pem", "certKey: key.pem holds no certificate in PEM"),
        ("ssl:h:1:privateKey=junk", "privateKey: junk holds no private key in PEM"),
    ],
)
def test_files_of_clients(description: str, says: str) -> None:
    """The same for those that endpoints to connect to name."""
    with pytest.raises(UnusableFile) as raised:
        check_client_files(description)
    assert str(raised.value) == says


@pytest.mark.parametrize(
    "description",
    [
        "ssl:1:key.pem:certKey=cert.pem:extraCertChain=cert.pem:dhParameters=dh.pem",
        "ssl:1:privateKey=both.pem:interface=key.pem",
        "tcp:1:privateKey=no",
        "unix:no",
        "odd",
        "",
    ],
)
def test_nothing_is_wrong_with_files_of_servers(description: str) -> None:
    """Only what is named, and only where it is, is looked at."""
    check_server_files(description)


@pytest.mark.parametrize(
    "description",
    [
        "tls:h:1:trustRoots=roots:certificate=cert.pem:privateKey=key.pem",
        "tls:h:1:certificate=both.pem",
        "ssl:h:1:caCertsDir=roots:certKey=cert.pem:privateKey=key.pem",
        "tls:h:1:caCertsDir=no",
        "tcp:h:1:trustRoots=no",
    ],
)
def test_nothing_is_wrong_with_files_of_clients(description: str) -> None:
    """The same for clients."""
    check_client_files(description)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read all files")
def test_a_file_that_may_not_be_read() -> None:
    """The system's reason is in the line."""
    Path("key.pem").chmod(0)
    with pytest.raises(UnusableFile, match=r"^privateKey: cannot read key.pem: Permission denied"):
        check_server_files("ssl:1:key.pem")


def test_endpoints_are_checked() -> None:
    """Those to listen on, without a hint of how endpoints are written, and those to connect to."""
    for check in (lambda it: endpoint_from(MemoryReactorClock(), it), address_of):
        with pytest.raises(BadEndpoint) as listening:
            check("ssl:1:key.pem:junk")
        assert listening.value.reason == "certKey: junk holds no certificate in PEM"
    with pytest.raises(ConfigError) as connecting:
        connect("tls:h:1:trustRoots=no", reactor=MemoryReactorClock())
    assert str(connecting.value) == (
        "'tls:h:1:trustRoots=no' is not an endpoint to connect to: "
        "trustRoots: cannot read no: No such file or directory"
    )


@pytest.mark.parametrize(
    ("description", "says"),
    [
        ("tcp:h", "it needs a value for port"),
        ("tcp:h:x", "'x' is not a whole number"),
        ("tcp:h:1:odd=1", "there is no parameter 'odd'"),
    ],
)
def test_words_for_endpoints_to_connect_to(description: str, says: str) -> None:
    """What is wrong with them is said as it is of those to listen on."""
    with pytest.raises(ConfigError, match=f"is not an endpoint to connect to: {says}"):
        connect(description, reactor=MemoryReactorClock())
