"""What a daemon is to do, however the operator said it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from sockreply.framing.interfaces import Framing
from sockreply.pem import Certificate
from sockreply.replies.responder import Greeting, Responder
from sockreply.shown import HEX
from sockreply.turns import TakesTurns

Level: TypeAlias = Literal["debug", "info", "warn"]

Over: TypeAlias = Literal["wait", "refuse"]
"""What happens to a connection whose peer exceeds a limit."""

UNIX: Literal["unix"] = "unix"
"""In a list of networks, stands for peers on a UNIX socket, which have no IP address."""

Proxies: TypeAlias = IPv4Network | IPv6Network | Literal["unix"]
"""Where a service's proxies connect from: a network, or `UNIX`."""

EXCHANGES_A_SECOND = 50
"""How many exchanges are shown: nobody reads more, and an event costs more than a reply."""


@dataclass(frozen=True)
class Rate:
    """How often something may happen.

    Args:
        per_second: How often in the long run.
        burst: How often at once, after a quiet time.
    """

    per_second: float
    burst: float


@dataclass(frozen=True)
class PeerLimits:
    """What one peer may do, on all its connections together; None: no limit.

    Args:
        connections: New connections.
        messages: Messages.
        bytes: Bytes that it sends.
        over: What happens to a connection that exceeds a limit: it has to wait, or is closed.
        ipv6_prefix: The bits of an IPv6 address that tell one peer from another.
    """

    connections: Rate | None = None
    messages: Rate | None = None
    bytes: Rate | None = None
    over: Over = "wait"
    ipv6_prefix: int = 64  # what one customer of a provider has at least


@dataclass(frozen=True)
class Limits:
    """Seconds, bytes and counts. A timeout of 0 means no limit, except for `drain_timeout`.

    Args:
        idle_timeout: Seconds without a complete message either way and no reply owed.
        message_timeout: Seconds from a message's first byte to its last, whatever the pace.
        reply_timeout: Seconds that a responder may take; waits that a reply asks for do not count.
        write_timeout: Seconds that a peer may go without taking a byte of what waits for it.
        close_timeout: Seconds that an orderly close may take; a peer that still takes of what waits
            for it has `write_timeout` instead, for as long as it does.
        drain_timeout: Seconds that connections get to finish when the service stops; 0: they are
            aborted at once.
        drain_delay: Seconds that the service carries on as before once it is told to stop.
        max_connections: How many at once, on all listeners; further ones wait in the kernel.
        max_message: The most bytes that a message may have.
        max_connections_per_peer: How many at once from one peer; 0: no limit.
        allow: The networks that may connect; None: everyone may.
        per_peer: How fast one peer may go; None: no limit.
        amplification: How many bytes a peer may be sent over UDP for each byte that it has sent,
            unless it is on this machine; 0: no limit.
    """

    idle_timeout: float = 75.0  # longer than the commonest keepalive of clients, 60 s
    message_timeout: float = 10.0
    reply_timeout: float = 30.0
    write_timeout: float = 30.0
    close_timeout: float = 5.0
    drain_timeout: float = 30.0
    drain_delay: float = 0.0
    max_connections: int = 10_000
    max_message: int = 65_536
    max_connections_per_peer: int = 0
    allow: tuple[IPv4Network | IPv6Network, ...] | None = None
    per_peer: PeerLimits | None = None
    amplification: float = 3.0  # as RFC 9000 (QUIC) has it in section 8


def shown_as(wanted: str | None, framing: Framing, encoding: str = "utf-8") -> str:
    """How logs show the messages of a service.

    Args:
        wanted: "text" or "hex"; None: as the framing suggests.
        framing: The service's.
        encoding: Of text.

    Returns:
        The encoding, or "hex".
    """
    as_hex = framing.binary if wanted is None else wanted == HEX
    return HEX if as_hex else encoding


@dataclass(frozen=True)
class TLSSettings:
    """TLS of a listener.

    Args:
        context: With the certificates and their keys, and what clients have to present.
        certificates: What they say, as far as that is known.
        starttls: Does a connection begin in clear, and change to TLS in a reply?
    """

    context: ssl.SSLContext
    certificates: tuple[Certificate, ...] = ()
    starttls: bool = False


class PartOfRange(NamedTuple):
    """One port of a range.

    Args:
        written: The endpoint string that has the range.
        place: Which of its ports it is, from 0.
        size: How many ports it has.
    """

    written: str
    place: int
    size: int


@dataclass(frozen=True)
class ListenerSettings:
    """Where a service listens, and what lies between the socket and its connections.

    Args:
        endpoint: The endpoint string, by which a reload recognizes the listener.
        tls: The TLS of its connections; None: none, or what the string says.
        proxy_from: The proxies whose PROXY headers are believed; each connection there has to
            begin with one. None: it is as the string says, and mostly none does.
        part: Which port of a range it is; None: it stands alone.
    """

    endpoint: str
    tls: TLSSettings | None = None
    proxy_from: tuple[Proxies, ...] | None = None
    part: PartOfRange | None = None

    @property
    def written(self) -> str:
        """The endpoint string as the operator wrote it: for all ports of a range, if it has one."""
        return self.endpoint if self.part is None else self.part.written


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """One service.

    Args:
        listen: Where.
        framing: How messages are told apart.
        responder: Answers them.
        encoding: Of the text in its rules.
        shown_as: How logs show messages: an encoding, or "hex".
        responder_in: Makes the same responder with its text in another encoding, for connections
            that were made before the encoding changed; None: it has no text.
        keep_alive: Answer message after message?
        greeting: Sent to each peer that connects.
        limits: What peers may do.
        max_connections_asked: Did the operator set that limit? If so, it must be possible.
    """

    listen: tuple[ListenerSettings, ...]
    framing: Framing
    responder: Responder
    encoding: str = "utf-8"
    shown_as: str = "utf-8"
    responder_in: Callable[[str], Responder] | None = None
    keep_alive: bool = False
    greeting: Greeting | None = None
    limits: Limits = field(default_factory=Limits)
    max_connections_asked: bool = False


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """What is logged, and where, apart from the log of twistd, twist or serve.

    Args:
        level: "debug", "info" or "warn".
        exchanges_per_second: How many exchanges are shown.
        json: The absolute path of a file of JSON lines; "-": standard output.
        record: The absolute path of a file that gets everything received and sent.
    """

    level: Level = "info"
    exchanges_per_second: int = EXCHANGES_A_SECOND
    json: str | None = None
    record: str | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All of it.

    Args:
        services: What is served, by name.
        log: What is logged, and where.
        metrics: The endpoint string on which counts can be read.
        ready_file: The absolute path of a file that tells where the daemon listens.
        commands: Runs the commands of all services; None: there are none.
        file: What all this was read from, and is read from again on SIGHUP.
        warnings: What is legal there, and yet probably wrong; a line each.
        override: Changes settings that are read from `file` again as options ask; None: they stay
            as they are.
    """

    services: Mapping[str, ServiceSettings]
    log: LogSettings = LogSettings()
    metrics: str | None = None
    ready_file: str | None = None
    commands: TakesTurns | None = None
    file: Path | None = None
    warnings: tuple[str, ...] = ()
    override: Callable[[Settings], Settings] | None = None
