"""Which of the sockets that were handed over an endpoint string means."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest
from twisted.internet.testing import MemoryReactorClock

from sockreply.errors import ConfigError
from sockreply.server import activation
from sockreply.server.activation import Inherited, Wanted, choose, inherited, wanted_by
from sockreply.server.endpoints import endpoint_from


def handed_over(count: str, names: str | None = None) -> dict[str, str]:
    """The variables of process 7."""
    named = {} if names is None else {"LISTEN_FDNAMES": names}
    return {"LISTEN_PID": "7", "LISTEN_FDS": count} | named


@pytest.fixture
def domains(monkeypatch: pytest.MonkeyPatch) -> dict[int, str]:
    """The domains of the descriptors; to be filled in."""
    known: dict[int, str] = {}
    monkeypatch.setattr(activation, "domain_of", known.__getitem__)
    return known


@pytest.mark.parametrize(
    ("description", "wanted"),
    [
        ("systemd:domain=INET:index=0", Wanted("INET", 0, None)),
        ("systemd:INET6:name=web", Wanted("INET6", None, "web")),
        ("systemd:domain=UNIX:name=a.socket", Wanted("UNIX", None, "a.socket")),
    ],
)
def test_strings(description: str, wanted: Wanted) -> None:
    """A string tells the domain, and an index or a name."""
    assert wanted_by(description) == wanted


@pytest.mark.parametrize(
    "description",
    [
        "systemd:",
        "systemd:domain=INET",
        "systemd:domain=IPX:index=0",
        "systemd:domain=INET:index=-1",
        "systemd:domain=INET:name=",
        "systemd:domain=INET:index=0:name=web",
    ],
)
def test_strings_that_are_none(description: str) -> None:
    """Another string is an error that quotes it and shows a right one."""
    with pytest.raises(ConfigError, match=r"^endpoint systemd:.*: expected systemd:domain="):
        wanted_by(description)


@pytest.mark.parametrize(
    ("environment", "there"),
    [
        ({}, []),
        (handed_over("1", "web"), [Inherited(3, "web")]),
        (handed_over("2", "web:metrics"), [Inherited(3, "web"), Inherited(4, "metrics")]),
        (handed_over("2", "web:web"), [Inherited(3, "web"), Inherited(4, "web")]),
        (handed_over("2"), [Inherited(3, "unknown"), Inherited(4, "unknown")]),
        (handed_over("0"), []),
        (handed_over("1", "web") | {"LISTEN_PID": "8"}, []),
    ],
)
def test_descriptors(environment: Mapping[str, str], there: list[Inherited]) -> None:
    """They begin at 3, and have names if there are any; what is for another process is not ours."""
    assert inherited(environment, 7) == there


@pytest.mark.parametrize(
    ("environment", "error"),
    [
        (handed_over("x"), "LISTEN_FDS is 'x', which is not a number"),
        (handed_over("2", "web"), "LISTEN_FDS is 2, but LISTEN_FDNAMES has 1 names"),
    ],
)
def test_variables_that_cannot_be(environment: Mapping[str, str], error: str) -> None:
    """Variables that contradict themselves are an error, and no guess."""
    with pytest.raises(ConfigError) as caught:
        inherited(environment, 7)
    assert str(caught.value) == error


def test_choice(domains: dict[int, str]) -> None:
    """An index counts all sockets; of those that share a name the domain tells which is meant."""
    domains |= {3: "INET", 4: "INET6", 5: "UNIX"}
    there = [Inherited(3, "web"), Inherited(4, "web"), Inherited(5, "metrics")]
    for wanted, number in (
        (Wanted("INET", None, "web"), 3),
        (Wanted("INET6", None, "web"), 4),
        (Wanted("UNIX", None, "metrics"), 5),
        (Wanted("INET6", 1, None), 4),
    ):
        assert choose(wanted, there).number == number


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (Wanted("INET", None, "mail"), "no such socket was passed; there are: web, metrics"),
        (Wanted("INET", 3, None), "the last socket that was passed has index 2"),
        (Wanted("UNIX", None, "web"), "the socket's domain is INET"),
        (Wanted("UNIX", 2, None), "the socket's domain is INET6"),
        (Wanted("INET", None, "web"), "2 sockets have this name; index=... tells them apart"),
    ],
)
def test_no_choice(domains: dict[int, str], wanted: Wanted, error: str) -> None:
    """A socket that is not there, or not the only one, is an error that says what is."""
    domains |= {3: "INET", 4: "INET", 5: "INET6"}
    there = [Inherited(3, "web"), Inherited(4, "web"), Inherited(5, "metrics")]
    with pytest.raises(ConfigError) as caught:
        choose(wanted, there)
    assert str(caught.value) == error


def test_descriptor_that_does_not_listen() -> None:
    """What is not a listening socket is an error."""
    number = os.open(os.devnull, os.O_RDONLY)
    try:
        with pytest.raises(ConfigError, match="it is not a listening socket"):
            activation.domain_of(number)
    finally:
        os.close(number)


@pytest.mark.parametrize("wrapped", ["", "haproxy:"])
def test_nothing_was_handed_over(wrapped: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service cannot be made on a socket that is not there; one line says so."""
    monkeypatch.setattr(activation, "first_environment", dict)
    with pytest.raises(ConfigError) as caught:
        endpoint_from(MemoryReactorClock(), f"{wrapped}systemd:domain=INET:index=0")
    error = "no socket was passed to this process (LISTEN_FDS, LISTEN_PID)"
    assert str(caught.value) == f"endpoint {wrapped}systemd:domain=INET:index=0: {error}"
