"""The addresses that endpoint strings stand for."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockreply.errors import ConfigError
from sockreply.server.endpoint_address import address_of, on_loopback
from tests.end_to_end.certificates import make_certificate

COLLIDE = [
    ("tcp:80", "tcp:80"),
    ("tcp:80", "tcp:port=80:backlog=5"),
    ("tcp:80", "tcp:80:interface=127.0.0.1"),
    ("tcp:80:interface=0.0.0.0", "tcp:80:interface=localhost"),
    ("tcp:80:interface=127.0.0.1", "tcp:80:127.0.0.1"),
    ("tcp6:80", "tcp:80:interface=127.0.0.1"),
    ("tcp6:80", "tcp:80"),
    (r"tcp6:80:interface=\:\:1", r"tcp:80:interface=0\:0\:\:1"),
    ("haproxy:tcp:80", "tcp:80"),
    ("udp:53", "udp:53:interface=127.0.0.1"),
    (r"UDP:53:interface=\:\:", "udp:53"),
    ("unix:/run/x", "unix:/run/x:mode=600"),
    ("unix:x", "unix:x"),
    ("systemd:domain=INET:index=0", "systemd:domain=INET:index=0"),
]

APART = [
    ("tcp:80", "tcp:81"),
    ("tcp:0", "tcp:0"),
    ("tcp:80:interface=127.0.0.1", "tcp:80:interface=127.0.0.2"),
    ("tcp:80", r"tcp6:80:interface=\:\:1"),
    ("tcp:80", "unix:80"),
    ("tcp:53", "udp:53"),
    ("udp:0", "udp:0"),
    ("udp:53:interface=127.0.0.1", "udp:53:interface=127.0.0.2"),
    ("unix:/run/x", "unix:/run/y"),
    ("systemd:domain=INET:index=0", "systemd:domain=INET:index=1"),
]


@pytest.mark.parametrize(("one", "other"), COLLIDE)
def test_collide(one: str, other: str) -> None:
    """Two endpoints that need the same address collide, either way."""
    assert address_of(one).collides(address_of(other))
    assert address_of(other).collides(address_of(one))


@pytest.mark.parametrize(("one", "other"), APART)
def test_do_not_collide(one: str, other: str) -> None:
    """Two endpoints that can both be listened on do not."""
    assert not address_of(one).collides(address_of(other))
    assert not address_of(other).collides(address_of(one))


@pytest.mark.filterwarnings("ignore:X509")  # Twisted's own
def test_tls(tmp_path: Path) -> None:
    """TLS is on a TCP port like any other."""
    certificate = make_certificate(tmp_path / "localhost.pem")
    ssl = f"ssl:443:privateKey={certificate}"
    assert address_of(ssl).collides(address_of("tcp:443"))
    assert on_loopback(ssl) == f"{ssl}:interface=127.0.0.1"
    tls = f"tls:{tmp_path}:443"
    assert address_of(tls).collides(address_of(ssl))
    assert on_loopback(tls) == rf"{tls}:interface=\:\:1"


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        ("tcp:9464", "tcp:9464:interface=127.0.0.1"),
        ("tcp:9464:backlog=5", "tcp:9464:backlog=5:interface=127.0.0.1"),
        ("tcp6:9464", r"tcp6:9464:interface=\:\:1"),
        ("haproxy:tcp:9464", "haproxy:tcp:9464:interface=127.0.0.1"),
        ("tcp:9464:interface=0.0.0.0", None),
        ("tcp:9464:0.0.0.0", None),
        (r"tcp6:9464:interface=\:\:", None),
        ("unix:/run/x", None),
        ("systemd:domain=INET:name=metrics", None),
    ],
)
def test_on_loopback(endpoint: str, local: str | None) -> None:
    """An endpoint without an interface gets the loopback one; others stay as they are."""
    assert on_loopback(endpoint) == (local or endpoint)
    assert address_of(on_loopback(endpoint)) is not None
    assert on_loopback(on_loopback(endpoint)) == (local or endpoint)


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        ("", "Unknown endpoint type: ''"),
        ("12345", "Unknown endpoint type: '12345'"),
        ("tcp", "it needs a value for port; for example "),
        ("tcp:x", "'x' is not a whole number; for example tcp:12345:interface="),
        (
            "tcp:80:interface=::1",
            "it has two values for interface; write a colon that is part of a value",
        ),
        ("tcp:65536", "65536 is not a port from 0 to 65535"),
        ("tcp:-1", "-1 is not a port from 0 to 65535"),
        ("tcp:80\\", "RuntimeError: "),
        ("systemd:", "expected systemd:domain=INET:index=0"),
        ("systemd:domain=INETT:index=0", "expected systemd:domain=INET:index=0"),
        ("systemd:domain=INET", "expected systemd:domain=INET:index=0"),
    ],
)
def test_refused(endpoint: str, reason: str) -> None:
    """A string that describes no endpoint is an error that quotes it."""
    for read in (address_of, on_loopback):
        with pytest.raises(ConfigError) as caught:
            read(endpoint)
        assert str(caught.value).startswith(f"endpoint {endpoint}: {reason}")


def test_udp_is_for_services() -> None:
    """What needs streams, as metrics do, cannot listen on UDP."""
    with pytest.raises(ConfigError) as caught:
        on_loopback("udp:9464")
    assert str(caught.value) == "endpoint udp:9464: UDP is for services"


@given(st.text(st.sampled_from("tcp6udunixsl:=\\0.1\0 é"), max_size=20))
def test_nothing_but_config_errors(endpoint: str) -> None:
    """A string describes an endpoint or is a ConfigError."""
    for read in (address_of, on_loopback):
        with suppress(ConfigError):
            read(endpoint)


def test_hints() -> None:
    """An error says how the string may have been meant, unless something else is wrong."""
    for endpoint, hint in (
        (
            "tcp:80:interface=::1",
            r"; write a colon that is part of a value as \:, as in tcp6:80:",
        ),
        ("5025", "; for example tcp:12345:interface=127.0.0.1 or unix:/run/NAME.sock"),
        ("ssl:80:privateKey=/none", "privateKey: cannot read /none: No such file or directory"),
    ):
        with pytest.raises(ConfigError) as caught:
            address_of(endpoint)
        assert hint in str(caught.value)
    assert "for example" not in str(caught.value)
