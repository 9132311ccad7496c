"""The options of `sockreply send` that are about TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from twisted.python import usage

from sockreply.client import ClientTLS
from sockreply.client.starttls import KINDS
from sockreply.commands.send import Options
from sockreply.errors import ConfigError
from tests.end_to_end.certificates import make_certificate


def tls_of(*words: str) -> ClientTLS | None:
    """The TLS that a command line asks for."""
    options = Options()
    options.parseOptions([*words, "00"])
    return options.tls


def test_none_unless_asked_for() -> None:
    """Nothing said is no TLS."""
    assert tls_of() is None


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ((), "127.0.0.1"),
        (("--host", "mail.example"), "mail.example"),
        (("--to", "tcp:mail.example:25"), "mail.example"),
        (("--to", r"tcp:host=\:\:1:port=25"), "::1"),
        (("--to", "unix:x.sock", "--server-name", "mail.example"), "mail.example"),
        (("--host", "10.0.0.1", "--server-name", "mail.example"), "mail.example"),
    ],
)
def test_server_name(words: tuple[str, ...], name: str) -> None:
    """The name of the host is verified, or another one that is given."""
    tls = tls_of("--tls", *words)
    assert tls is not None
    assert tls.server_name == name
    assert tls.context.check_hostname


def test_whom_to_trust(tmp_path: Path) -> None:
    """With --ca nobody else, with --insecure everybody; --cert is shown."""
    pair = str(make_certificate(tmp_path / "pair.pem"))
    tls = tls_of("--tls", "--ca", pair, "--cert", pair, "--key", pair)
    assert tls is not None
    assert tls.context.verify_mode == ssl.CERT_REQUIRED
    assert tls.context.cert_store_stats()["x509"] == 1
    tls = tls_of("--tls", "--insecure", "--to", "unix:x.sock")
    assert tls is not None
    assert tls.context.verify_mode == ssl.CERT_NONE
    assert tls.server_name is None


def test_starttls() -> None:
    """A protocol by its name, or a message; it asks for TLS by itself."""
    tls = tls_of("--starttls", "smtp")
    assert tls is not None
    assert tls.starttls == KINDS["smtp"]
    tls = tls_of("--starttls", "SECURE", "-f", "line")
    assert tls is not None
    assert [each.says for each in tls.starttls] == [b"SECURE\n"]
    tls = tls_of("--starttls", "00ff", "-f", "netstring", "--hex", "--greeting", "--to", "tcp:a:1")
    assert tls is not None
    assert [each.says for each in tls.starttls] == [b"", b"2:\0\xff,"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--ca", "x"), "--ca needs --tls or --starttls"),
        (("--cert", "x"), "--cert needs --tls or --starttls"),
        (("--server-name", "x"), "--server-name needs --tls or --starttls"),
        (("--insecure",), "--insecure needs --tls or --starttls"),
        (
            ("--tls", "--insecure", "--ca", "x"),
            "--insecure verifies nothing, so --ca has no effect",
        ),
        (("--tls", "--key", "x"), "--key needs --cert"),
        (("--tls", "--ca", "no"), "--ca: cannot read no: No such file or directory"),
        (("--tls", "--cert", "no"), "--cert: cannot read no: No such file or directory"),
        (("--tls", "--to", "tls:a:1"), "tls:a:1 has TLS of its own; with --tls, use tcp:HOST:PORT"),
        (
            ("--tls", "--to", "unix:a"),
            "--server-name is needed, because unix:a names no host to verify",
        ),
        (("--tls", "--server-name", ""), "'' is not a server's name: "),
        (("--starttls", "x", "-f", "eof"), "--starttls: a connection of this framing carries one"),
        (("--starttls", "x" * 300, "-f", "length:bytes=1"), "--starttls: 300 bytes, but the len"),
    ],
)
def test_what_cannot_be(words: tuple[str, ...], says: str) -> None:
    """It is said in one line."""
    with pytest.raises((ConfigError, usage.UsageError)) as caught:
        tls_of(*words)
    assert str(caught.value).startswith(says)
