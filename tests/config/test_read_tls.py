"""The TLS of a listener, made of what a configuration says, or refused."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from sockreply.config import read
from sockreply.errors import BadFile
from sockreply.replies import Await, Reply, Send, StartTLS
from sockreply.settings import TLSSettings
from tests.config.texts import TLS
from tests.end_to_end.certificates import DAY, make_certificate, make_rsa_key
from tests.rules.stand_ins import session

FILE = """
[services.s]
listen = {{ endpoint = "{endpoint}", tls = {{ {tls} }} }}
otherwise = "x"
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with good and bad certificates and keys."""
    directory = tmp_path_factory.mktemp("tls")
    make_certificate(directory / "good.pem", ends=90 * DAY)
    make_rsa_key(directory / "rsa.pem")
    make_certificate(directory / "other.pem", names=("*.example.org",), ends=90 * DAY)
    make_certificate(directory / "secret.pem", passphrase=b"secret")
    make_certificate(directory / "old.pem", ends=timedelta(hours=-1))
    make_certificate(directory / "early.pem", begins=DAY, ends=90 * DAY)
    make_certificate(directory / "soon.pem", ends=12.5 * DAY)
    good = (directory / "good.pem").read_text()
    key, _, certificate = good.partition("-----BEGIN CERTIFICATE-----")
    (directory / "key.pem").write_text(key)
    (directory / "cert.pem").write_text("-----BEGIN CERTIFICATE-----" + certificate)
    (directory / "broken.pem").write_text(key + "-----BEGIN CERTIFICATE-----\nAAAA\n" * 2)
    (directory / "cut.pem").write_text(good.replace(certificate[40:90], ""))
    (directory / "bad key.pem").write_text(key.replace(key[60:70], "AAAAAAAAAA"))
    (directory / "junk").write_text("junk")
    return directory


def tls_of(files: Path, tls: str, endpoint: str = "tcp:0") -> tuple[TLSSettings, tuple[str, ...]]:
    """What is made of a table, and the warnings."""
    path = files / "file.toml"
    path.write_text(FILE.format(endpoint=endpoint, tls=tls))
    settings = read(path)
    (listener,) = settings.services["s"].listen
    assert listener.tls is not None
    return listener.tls, settings.warnings


def test_everything(files: Path) -> None:
    """All that a table can have."""
    tls, warnings = tls_of(files, TLS.strip().replace("\n", ", "))
    assert len(warnings) == 1  # nothing begins TLS
    assert tls.starttls
    assert tls.context.verify_mode == ssl.CERT_REQUIRED
    assert tls.context.minimum_version == ssl.TLSVersion.TLSv1_3
    assert [(each.file, each.names, each.asked_as) for each in tls.certificates] == [
        ("cert.pem", ("localhost",), None),
        ("other.pem", ("*.example.org",), "*.Example.org"),
    ]


def test_defaults(files: Path) -> None:
    """The key is in the certificate's file, no client is asked, and TLS 1.1 is too old."""
    tls, _ = tls_of(files, "certificate = 'good.pem'")
    assert not tls.starttls
    assert tls.context.verify_mode == ssl.CERT_NONE
    assert tls.context.minimum_version == ssl.TLSVersion.TLSv1_2
    tls, _ = tls_of(files, "certificate = 'good.pem', client_ca = 'cert.pem'")
    assert tls.context.verify_mode == ssl.CERT_OPTIONAL


@pytest.mark.parametrize(
    ("tls", "problem"),
    [
        ("", ".certificate: is missing"),
        ("certificate = 'no.pem'", ".certificate: cannot read DIR/no.pem: No such file or"),
        ("certificate = '.'", ".certificate: DIR is a directory"),
        ("certificate = ''", ".certificate: '' is not a file name"),
        ("certificate = 'junk'", ".certificate: DIR/junk holds no certificate in PEM"),
        ("certificate = 'cert.pem'", ".certificate: DIR/cert.pem holds no private key in PEM"),
        (
            "certificate = 'broken.pem'",
            ".certificate: DIR/broken.pem has something in it that OpenSSL cannot read: ",
        ),
        (
            "certificate = 'cut.pem'",
            ".certificate: DIR/cut.pem has something in it that OpenSSL cannot read: ",
        ),
        (
            "certificate = 'secret.pem'",
            ".certificate: DIR/secret.pem holds an encrypted private key; `openssl pkey` writes",
        ),
        (
            "certificate = 'good.pem', key = 'secret.pem'",
            ".key: DIR/secret.pem holds an encrypted private key",
        ),
        (
            "certificate = 'good.pem', key = 'other.pem'",
            ".key: DIR/other.pem is not the key of the first certificate in DIR/good.pem",
        ),
        (
            "certificate = 'good.pem', key = 'rsa.pem'",
            ".key: DIR/rsa.pem is not the key of the first certificate in DIR/good.pem",
        ),
        (
            "certificate = 'good.pem', key = 'bad key.pem'",
            ".key: OpenSSL cannot use the key in DIR/bad key.pem: ",
        ),
        ("certificate = 'good.pem', key = 'junk'", ".key: DIR/junk holds no private key in PEM"),
        ("certificate = 'good.pem', client_ca = 'junk'", ".client_ca: DIR/junk holds no certif"),
        ("certificate = 'good.pem', require_client = true", ".require_client: needs client_ca"),
        (
            "certificate = 'good.pem', min_version = '1.1'",
            ".min_version: expected '1.2' or '1.3', found text '1.1'",
        ),
        ("certificate = 'good.pem', alpn = ['']", ".alpn[1]: '' is not 1 to 255 characters"),
        (
            f"certificate = 'good.pem', alpn = ['{'a' * 255}', '{'a' * 256}']",
            f".alpn[2]: '{'a' * 60}'... is not 1 to 255 characters of ASCII",
        ),
        ("certificate = 'good.pem', alpn = ['ä']", ".alpn[1]: 'ä' is not 1 to 255 characters of"),
        (
            "certificate = 'good.pem', sni = { 'a.example' = { certificate = 'junk' } }",
            ".sni.'a.example'.certificate: DIR/junk holds no certificate in PEM",
        ),
        (
            "certificate = 'good.pem', sni = { 'a.example' = { key = 'good.pem' } }",
            ".sni.'a.example'.certificate: is missing",
        ),
        (
            "certificate = 'good.pem', sni = { '*' = { certificate = 'other.pem' } }",
            ".sni.'*': is not a server name",
        ),
        (
            "certificate = 'good.pem', sni = { 'bücher.example' = { certificate = 'other.pem' } }",
            ".sni.'bücher.example': clients ask for names in ASCII; write it as xn--bcher-kva.ex",
        ),
        (
            "certificate='good.pem', sni={a={certificate='good.pem'},A={certificate='good.pem'}}",
            ".sni.A: is there already, in another case",
        ),
        ("certificate = 'good.pem', keys = 'x'", ".keys: unknown key (did you mean key?); known: "),
        ("certificate = 'good.pem', sni = 5", ".sni: expected a table, found number 5"),
        ("certificate = 'good.pem', sni = { a = 5 }", ".sni.a: expected a table, found number 5"),
    ],
)
def test_refused(files: Path, tls: str, problem: str) -> None:
    """What is wrong is one line, with its place and the file."""
    with pytest.raises(BadFile) as raised:
        tls_of(files, tls)
    (line,) = raised.value.problems
    assert line.startswith("services.s.listen.tls" + problem.replace("DIR", str(files)))


def test_twice(files: Path) -> None:
    """An endpoint string that has TLS cannot have it once more."""
    with pytest.raises(BadFile) as raised:
        tls_of(files, "certificate = 'good.pem'", f"ssl:0:privateKey={files / 'good.pem'}")
    assert "has TLS of its own; with tls, use tcp:" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("old.pem", "old.pem expired on "),
        ("early.pem", "early.pem is not valid before "),
        ("soon.pem", "soon.pem expires in 12 days, on "),
    ],
)
def test_dates(files: Path, name: str, warning: str) -> None:
    """A certificate that is not valid, or not for much longer, is warned of."""
    _, (line,) = tls_of(files, f"certificate = '{name}'")
    assert line.startswith(f"services.s.listen.tls.certificate: {warning}")
    path = files / "string.toml"
    path.write_text(f"[services.s]\nlisten = 'ssl:0:privateKey={files / name}'\notherwise = 'x'")
    (line,) = read(path).warnings
    assert line.startswith("services.s.listen: ")
    assert warning in line


STARTING = """
[services.s]
listen = ["tcp:0", {{ endpoint = "unix:s.sock", tls = {{ certificate = "good.pem"{more} }} }}]
keep_alive = true
framing = "line"
otherwise = {otherwise}
"""


def test_begin_later(files: Path) -> None:
    """A reply may begin TLS where a listener has the certificate ready for that."""
    path = files / "starting.toml"
    steps = "['go', { starttls = true }, { template = '{{ tls }}' }]"
    path.write_text(STARTING.format(more=", starttls = true", otherwise=steps))
    settings = read(path)
    assert settings.warnings == ()
    table = settings.services["s"].responder
    reply = table.respond(b"", session())
    assert isinstance(reply, Reply)
    assert list(reply)[:2] == [Send(b"go"), StartTLS()]
    assert isinstance(list(reply)[2], Await)  # it is filled in once there is TLS


def test_begin_nowhere(files: Path) -> None:
    """It may not elsewhere, and it is odd if none does."""
    path = files / "starting.toml"
    path.write_text(STARTING.format(more="", otherwise="['go', { starttls = true }]"))
    with pytest.raises(BadFile) as raised:
        read(path)
    (line,) = raised.value.problems
    reason = "no listener of the service has tls with starttls = true"
    assert line == f"services.s.otherwise[2].starttls: {reason}"
    path.write_text(STARTING.format(more=", starttls = true", otherwise="'x'"))
    reason = "has starttls, but no reply begins TLS: { starttls = true }"
    assert read(path).warnings == (f"services.s.listen: {reason}",)
