"""Endpoint strings with a range of ports."""

from __future__ import annotations

import pytest

from sockreply.errors import BadEndpoint, ConfigError
from sockreply.server.port_ranges import expanded, leading, port_range
from sockreply.settings import UNIX, ListenerSettings, PartOfRange


@pytest.mark.parametrize(
    ("written", "endpoints"),
    [
        ("tcp:5901-5903", ["tcp:5901", "tcp:5902", "tcp:5903"]),
        ("tcp:5901-5901", ["tcp:5901"]),
        ("tcp:1-2:interface=127.0.0.1", ["tcp:1:interface=127.0.0.1", "tcp:2:interface=127.0.0.1"]),
        ("tcp:port=1-2:backlog=5", ["tcp:port=1:backlog=5", "tcp:port=2:backlog=5"]),
        ("tcp:backlog=5:port=1-2", ["tcp:backlog=5:port=1", "tcp:backlog=5:port=2"]),
        (r"tcp6:1-2:interface=\:\:1", [r"tcp6:1:interface=\:\:1", r"tcp6:2:interface=\:\:1"]),
        ("haproxy:tcp:1-2", ["haproxy:tcp:1", "haproxy:tcp:2"]),
        ("ssl:443-444:certKey=a-1:x", ["ssl:443:certKey=a-1:x", "ssl:444:certKey=a-1:x"]),
        ("udp:53-54", ["udp:53", "udp:54"]),
        ("TCP:0001-2", ["TCP:1", "TCP:2"]),
        ("tcp:65534-65535", ["tcp:65534", "tcp:65535"]),
    ],
)
def test_a_range(written: str, endpoints: list[str]) -> None:
    """It stands for a listener on each of its ports; each knows where it comes from."""
    whole = ListenerSettings(written, proxy_from=(UNIX,))
    listeners = expanded(whole)
    assert [each.endpoint for each in listeners] == endpoints
    assert [each.part for each in listeners] == [
        PartOfRange(written, place, len(endpoints)) for place in range(len(endpoints))
    ]
    assert {(each.written, each.proxy_from) for each in listeners} == {(written, (UNIX,))}


@pytest.mark.parametrize(
    "written",
    [
        *("tcp:5901", "tcp:-1", "tcp:1:interface=1-2", "tcp:http-80", "tcp:1-2x", "tcp:1 - 2"),
        *(
            "unix:1-2",
            "unix:port=1-2",
            "haproxy:unix:1-2",
            "stdio:1-2",
            "systemd:1-2",
            "haproxy:haproxy:tcp:1-2",
        ),
        *("", "1-2", ":1-2", r"tcp:1:interface=a\:port=1-2", "tcp:1\uff11-2"),
    ],
)
def test_no_range(written: str) -> None:
    """Whatever else there is in a string is left to those who read it."""
    listener = ListenerSettings(written)
    assert expanded(listener) == (listener,)
    assert listener.written == written


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("5999-5901", "the range 5999-5901 runs backwards; write 5901-5999"),
        ("5901-", "the range 5901- has no end; for example 5901-5999"),
        ("0-9", "0 in the range is not a port from 1 to 65535"),
        ("000-9", "000 in the range is not a port from 1 to 65535"),
        ("9-0", "0 in the range is not a port from 1 to 65535"),
        ("5901-65536", "65536 in the range is not a port from 1 to 65535"),
        ("1-" + "9" * 9999, "99999999999999999999 in the range is not a port from 1 to 65535"),
    ],
)
def test_a_range_that_cannot_be(text: str, why: str) -> None:
    """It is one line that says what would be right."""
    with pytest.raises(ConfigError) as caught:
        port_range(text)
    assert str(caught.value) == why
    with pytest.raises(BadEndpoint) as named:
        expanded(ListenerSettings(f"tcp:{text}:backlog=5"))
    assert str(named.value) == f"endpoint tcp:{text}:backlog=5: {why}"


@pytest.mark.parametrize("text", ["", "1", "-1", "1-2-3", "a-b", "1-x", "1 - 2"])
def test_what_is_no_range_at_all(text: str) -> None:
    """It is quoted, with an example."""
    with pytest.raises(ConfigError) as caught:
        port_range(text)
    assert str(caught.value) == f"{text!r} is not a range of ports; for example 5901-5999"


def test_leading() -> None:
    """The first port of a range stands for all of it."""
    alone = ListenerSettings("unix:x")
    listeners = (
        *expanded(ListenerSettings("tcp:1-3")),
        alone,
        *expanded(ListenerSettings("udp:1-2")),
    )
    assert [each.endpoint for each in leading(listeners)] == ["tcp:1", "unix:x", "udp:1"]
