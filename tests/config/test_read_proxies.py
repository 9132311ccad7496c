"""Proxies, made of what a configuration says, or refused."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from sockreply.config import settings_from
from sockreply.errors import BadSettings
from sockreply.settings import Proxies, Settings


def read(listen: object, **service: object) -> Settings:
    """The settings of a service that listens there."""
    document = {"services": {"s": {"listen": listen, "otherwise": "x", **service}}}
    return settings_from(document, Path("/"))


@pytest.mark.parametrize(
    ("endpoint", "written", "meant"),
    [
        ("tcp:1", "192.0.2.1", (ip_network("192.0.2.1/32"),)),
        ("tcp:1", ["10.0.0.0/8", "::1"], (ip_network("10.0.0.0/8"), ip_network("::1/128"))),
        ("unix:a", "unix", ("unix",)),
        ("unix:a", ["unix", "::1"], ("unix", ip_network("::1/128"))),
        ("systemd:domain=UNIX:index=0", "unix", ("unix",)),
        ("systemd:INET:index=0", "::1", (ip_network("::1/128"),)),
    ],
)
def test_proxies(endpoint: str, written: object, meant: tuple[Proxies, ...]) -> None:
    """They are networks, or `unix`."""
    settings = read({"endpoint": endpoint, "proxy_from": written})
    assert settings.services["s"].listen[0].proxy_from == meant


def test_none() -> None:
    """Without the key, no header is read."""
    for listen in ("tcp:1", {"endpoint": "tcp:1"}):
        assert read(listen).services["s"].listen[0].proxy_from is None


@pytest.mark.parametrize(
    ("endpoint", "written", "problem"),
    [
        ("tcp:1", [], ": names no proxy, so nobody could connect"),
        ("tcp:1", "", ": '' is not a network; for example 192.0.2.0/24, ::1"),
        ("tcp:1", ["unix", "here"], "[2]: 'here' is not a network; for example 192.0.2.0/24, ::1"),
        ("tcp:1", "10.0.0.1/8", ": '10.0.0.1/8' has bits set after its mask; the network is"),
        ("tcp:1", "unix", ": to endpoint tcp:1, no proxy connects as 'unix'"),
        ("unix:a", "::1", ": to endpoint unix:a, proxies connect as 'unix' only"),
        ("systemd:domain=UNIX:index=0", "::1", ": to endpoint systemd:domain=UNIX"),
        ("stdio:", "::1", ": no proxy can connect to endpoint stdio:"),
        (
            "haproxy:tcp:1",
            "::1",
            ": leave out the haproxy: of the endpoint; proxy_from replaces it",
        ),
        ("haproxy:haproxy:tcp:1", "::1", ": haproxy: may stand there only once"),
    ],
)
def test_refused(endpoint: str, written: object, problem: str) -> None:
    """What nobody can have meant is refused, with its place."""
    with pytest.raises(BadSettings) as caught:
        read([{"endpoint": endpoint, "proxy_from": written}])
    assert any(problem in each for each in caught.value.problems), caught.value.problems
    assert all(each.startswith("services.s.listen[1]") for each in caught.value.problems)


def test_metrics_behind_a_proxy() -> None:
    """Nobody asks for metrics with a PROXY header."""
    document = {"metrics": {"listen": "haproxy:tcp:1"}, "services": {"s": {"listen": "tcp:2"}}}
    with pytest.raises(BadSettings, match=r"metrics\.listen: haproxy: is for services"):
        settings_from(document, Path("/"))
