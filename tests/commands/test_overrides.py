"""Options that override what a file says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sockreply.commands.overrides import Overrides
from sockreply.errors import ConfigError
from sockreply.framing import Line
from sockreply.replies import Echo
from sockreply.server.port_ranges import expanded
from sockreply.settings import ListenerSettings, LogSettings, ServiceSettings, Settings


def settings(*listeners: str, **services: tuple[str, ...]) -> Settings:
    """Settings of a file, with services that listen there."""
    return Settings(
        services={
            name: ServiceSettings(
                listen=tuple(map(ListenerSettings, listen)), framing=Line(), responder=Echo()
            )
            for name, listen in (services or {"s": listeners}).items()
        },
        log=LogSettings(level="debug", record="/file/record"),
        metrics="tcp:1",
        ready_file="/file/ready",
        file=Path("a.toml"),
    )


@pytest.mark.parametrize(
    ("listener", "port", "interface", "moved"),
    [
        ("tcp:12345:backlog=5", "0", None, "tcp:0:backlog=5"),
        ("tcp:12345:interface=127.0.0.1", 0, None, "tcp:0:interface=127.0.0.1"),
        ("tcp:port=12345:backlog=5", 7, None, "tcp:7:backlog=5"),
        ("tcp:12345", None, "::1", r"tcp:12345:interface=\:\:1"),
        (r"tcp6:1:interface=\:\:1:backlog=5", 2, "::2", r"tcp6:2:backlog=5:interface=\:\:2"),
        ("ssl:443:privateKey=/k:certKey=/c", 0, None, "ssl:0:privateKey=/k:certKey=/c"),
        ("haproxy:tcp:80", 81, None, "haproxy:tcp:81"),
        ("udp:53:interface=127.0.0.1", 0, "::1", r"udp:0:interface=\:\:1"),
    ],
)
def test_the_listener_is_moved(
    listener: str, port: int | str | None, interface: str | None, moved: str
) -> None:
    """Its port, its interface, or both; the rest of it stays."""
    overridden = Overrides(port=port, interface=interface).override(settings(listener))
    assert overridden.services["s"].listen == (ListenerSettings(moved),)


@pytest.mark.parametrize(
    ("listener", "port", "interface", "moved"),
    [
        ("tcp:12345:backlog=5", "7-8", None, ["tcp:7:backlog=5", "tcp:8:backlog=5"]),
        ("tcp:7-9:backlog=5", "1-2", None, ["tcp:1:backlog=5", "tcp:2:backlog=5"]),
        ("tcp:7-9:backlog=5", "0", None, ["tcp:0:backlog=5"]),
        ("tcp:7-8", None, "::1", [r"tcp:7:interface=\:\:1", r"tcp:8:interface=\:\:1"]),
    ],
)
def test_ranges_are_moved(
    listener: str, port: str | None, interface: str | None, moved: list[str]
) -> None:
    """A range of ports is one listener of the file, and may take the place of one."""
    given = settings("unix:x")
    service = replace(given.services["s"], listen=expanded(ListenerSettings(listener)))
    given = replace(given, services={"s": service})
    overridden = Overrides(port=port, interface=interface).override(given)
    assert [each.endpoint for each in overridden.services["s"].listen] == moved


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (settings("tcp:1", "tcp:2"), "--port: a.toml has 1 service with 2 listeners, and only"),
        (settings(a=("tcp:1",), b=("tcp:2",)), "--port: a.toml has 2 services with 2 listeners"),
        (settings("unix:/x"), "--port: the listener unix:/x in a.toml has no port"),
        (settings("systemd:domain=INET:index=0"), "--port: the listener systemd:"),
    ],
)
def test_which_listener(given: Settings, says: str) -> None:
    """Where it is not clear which one is meant, or that one has no port, that is said."""
    with pytest.raises(ConfigError, match=rf"^{says}"):
        Overrides(port=0).override(given)


def test_an_interface_alone() -> None:
    """The error names the option that was given."""
    with pytest.raises(ConfigError, match=r"^--interface: "):
        Overrides(interface="::1").override(settings("unix:/x"))


def test_outlets() -> None:
    """What is given takes the place of the file's, and what is not stays."""
    before = settings("unix:/x")
    assert Overrides().override(before) == before
    after = Overrides(level="warn", json="-", metrics="tcp:2").override(before)
    assert after.log == LogSettings(level="warn", json="-", record="/file/record")
    assert (after.metrics, after.services) == ("tcp:2", before.services)
    assert after.ready_file == "/file/ready"
    assert Overrides(ready_file="/ready").override(before).ready_file == "/ready"
