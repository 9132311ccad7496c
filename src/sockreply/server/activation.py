"""Sockets that were opened for us before we began: socket activation, as in sd_listen_fds(3)."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, execute
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from zope.interface import implementer

from sockreply.errors import BadEndpoint, ConfigError
from sockreply.server.inherited_port import listen_on_inherited

_FIRST = 3  # SD_LISTEN_FDS_START
_UNNAMED = "unknown"  # what sd_listen_fds_with_names(3) calls them
_DOMAINS = {"INET": socket.AF_INET, "INET6": socket.AF_INET6, "UNIX": socket.AF_UNIX}
_DESCRIPTION = re.compile(
    rf"systemd:(?:domain=)?({'|'.join(_DOMAINS)}):(?:index=([0-9]+)|name=([^:]+))"
)


@dataclass(frozen=True)
class Wanted:
    """Which of the sockets an endpoint string asks for: by its index, or by its name."""

    domain: str
    index: int | None
    name: str | None


@dataclass(frozen=True)
class Inherited:
    """A descriptor that was handed over, and its name."""

    number: int
    name: str


def wanted_by(description: str) -> Wanted:
    """Read an endpoint string such as `systemd:domain=INET:name=sockreply`.

    Raises:
        BadEndpoint: It is not such a string.
    """
    found = _DESCRIPTION.fullmatch(description)
    if found is None:
        raise BadEndpoint(
            description,
            "expected systemd:domain=INET:index=0; the domain may also be INET6 or UNIX, "
            "and name=... may take the place of index",
        )
    domain, index, name = found.groups()
    return Wanted(domain, None if index is None else int(index), name)


def first_environment() -> Mapping[str, str]:
    """What the process was started with; Twisted takes out of `os.environ` what we look for."""
    try:
        entries = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:  # there is no /proc
        return os.environ
    return dict(os.fsdecode(entry).partition("=")[::2] for entry in entries)


def inherited(environment: Mapping[str, str], pid: int) -> list[Inherited]:
    """The descriptors that were handed over to a process.

    Args:
        environment: What it was started with. Without LISTEN_FDNAMES they have no names.
        pid: The process's, because the variables may be meant for its parent.

    Raises:
        ConfigError: The variables contradict themselves.
    """
    if environment.get("LISTEN_PID") != str(pid):
        return []
    count, names = environment.get("LISTEN_FDS", ""), environment.get("LISTEN_FDNAMES")
    if not count.isdecimal():
        raise ConfigError(f"LISTEN_FDS is {count!r}, which is not a number")
    told = [_UNNAMED] * int(count) if names is None else names.split(":")
    if len(told) != int(count):
        raise ConfigError(f"LISTEN_FDS is {count}, but LISTEN_FDNAMES has {len(told)} names")
    return [Inherited(number, name) for number, name in enumerate(told, _FIRST)]


def choose(wanted: Wanted, there: list[Inherited]) -> Inherited:
    """The socket that an endpoint string asks for.

    Sockets of one .socket unit share its name; those of other domains are not meant then.

    Raises:
        ConfigError: It is not there, or something else is; says what is.
    """
    if not there:
        raise ConfigError("no socket was passed to this process (LISTEN_FDS, LISTEN_PID)")
    if wanted.index is not None:
        if wanted.index >= len(there):
            raise ConfigError(f"the last socket that was passed has index {len(there) - 1}")
        chosen = [there[wanted.index]]
    else:
        chosen = [each for each in there if each.name == wanted.name]
    if not chosen:
        names = ", ".join(dict.fromkeys(each.name for each in there))
        raise ConfigError(f"no such socket was passed; there are: {names}")
    fitting = [each for each in chosen if domain_of(each.number) == wanted.domain]
    if not fitting:
        raise ConfigError(f"the socket's domain is {domain_of(chosen[0].number)}")
    if len(fitting) > 1:
        raise ConfigError(f"{len(fitting)} sockets have this name; index=... tells them apart")
    return fitting[0]


def domain_of(number: int) -> str:
    """The domain of a socket that listens for connections.

    Raises:
        ConfigError: It is not such a socket.
    """
    try:
        with socket.socket(fileno=os.dup(number)) as sock:
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                return next(name for name, family in _DOMAINS.items() if family == sock.family)
    except (OSError, StopIteration):
        pass
    raise ConfigError("it is not a listening socket")


@implementer(IStreamServerEndpoint)
class InheritedEndpoint:
    """Listens on a socket that was handed over, as often as it is asked to.

    Args:
        reactor: Listens.
        number: The descriptor, which stays open.
        domain: INET, INET6 or UNIX.
    """

    def __init__(self, reactor: Any, number: int, domain: str) -> None:
        self._reactor = reactor
        self._number = number
        self._domain = domain

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:  # noqa: N803 - Twisted's
        return execute(self._listen, protocolFactory)

    def _listen(self, factory: IProtocolFactory) -> IListeningPort:
        os.set_blocking(self._number, False)
        os.set_inheritable(self._number, False)
        if self._domain == "UNIX":
            return listen_on_inherited(self._reactor, self._number, factory)
        port: IListeningPort = self._reactor.adoptStreamPort(
            self._number, _DOMAINS[self._domain], factory
        )
        return port


def endpoint_for(reactor: Any, description: str) -> InheritedEndpoint:
    """The endpoint that a string such as `systemd:domain=INET:index=0` describes.

    Raises:
        BadEndpoint: It does not describe one, or the socket was not handed over.
    """
    wanted = wanted_by(description)
    try:
        chosen = choose(wanted, inherited(first_environment(), os.getpid()))
    except ConfigError as error:
        raise BadEndpoint(description, str(error)) from None
    return InheritedEndpoint(reactor, chosen.number, wanted.domain)
