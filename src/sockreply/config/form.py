"""The form of a configuration: what may stand where, and what holds if nothing does.

The fields of a dataclass are the keys of a table, their defaults the file's. A trailing underscore
is not part of the key: `not_` is `not`, which Python reserves. Where one of several tables can
stand, the first field of each is the key that tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal, TypeAlias

from sockreply.config.form_data import Base64, Contents, Fixed, Hex
from sockreply.config.form_framing import Framing
from sockreply.config.form_tls import TLS, Secured
from sockreply.config.scalars import Number, NumberOrNone, PlainText, Variables, Whole
from sockreply.notation import SIZE_LIMIT
from sockreply.settings import EXCHANGES_A_SECOND, Level, Limits, Over, PeerLimits


def keys_of(kind: Any) -> list[str]:
    """The keys that a table can have."""
    return [field.name.removesuffix("_") for field in fields(kind)]


def telling_key(written: object) -> tuple[str, ...]:
    """The key that tells a table from others in its place; a text has none."""
    return () if isinstance(written, str) else (keys_of(written)[0],)


Seconds: TypeAlias = Annotated[
    float, Number(f"a number of seconds from 0 to {SIZE_LIMIT}", SIZE_LIMIT, least=0)
]
PerSecond: TypeAlias = Annotated[
    float,
    NumberOrNone(f"0 or a number from 0.001 to {SIZE_LIMIT}", SIZE_LIMIT, least=0.001),
]
Chance: TypeAlias = Annotated[float, Number("a number above 0 and up to 1", 1, above=0)]
Count: TypeAlias = Annotated[int, Whole(1)]
CountOrNone: TypeAlias = Annotated[int, Whole(0)]
Times: TypeAlias = Annotated[
    float, NumberOrNone(f"0 or a number from 1 to {SIZE_LIMIT}", SIZE_LIMIT, least=1)
]
Prefix: TypeAlias = Annotated[int, Whole(1, 128)]  # bits of an IPv6 address
Environment: TypeAlias = Annotated[dict[str, str | None], Variables()]
Seed: TypeAlias = Annotated[int, Whole(-(2**63), 2**63 - 1)]  # what TOML promises to carry
Name: TypeAlias = Annotated[str, PlainText()]


@dataclass(frozen=True)
class Template:
    """A Jinja2 template."""

    template: str
    as_: Literal["hex"] | None = None


@dataclass(frozen=True)
class Echo:
    """The message itself."""

    echo: Literal[True]


Data: TypeAlias = str | Hex | Base64 | Contents | Template | Echo


@dataclass(frozen=True)
class Raw:
    """Bytes that are not framed."""

    raw: Data


@dataclass(frozen=True)
class Delay:
    """Time that passes: so much, or from the first to the second number."""

    delay: Seconds | list[Seconds]


@dataclass(frozen=True)
class Drip:
    """A message, a few bytes at a time."""

    drip: Data
    size: Count = 1
    every: Seconds = 0.05


@dataclass(frozen=True)
class Truncate:
    """The first bytes of a message."""

    truncate: Data
    at: CountOrNone


@dataclass(frozen=True)
class Corrupt:
    """A message of which some bits are wrong."""

    corrupt: Data
    bits: Count = 1


@dataclass(frozen=True)
class Stall:
    """Nothing more is said, and what comes is dropped, or not even read."""

    stall: Literal[True]
    read: bool = True


@dataclass(frozen=True)
class Close:
    """The connection, or our side of it, is closed."""

    close: Literal[True, "half"]


@dataclass(frozen=True)
class Reset:
    """The connection is aborted."""

    reset: Literal[True]


@dataclass(frozen=True)
class Command:
    """What a program replies."""

    command: list[str]
    timeout: Seconds = 5.0
    env: Environment = field(default_factory=dict)


@dataclass(frozen=True)
class StartTLS:
    """TLS begins."""

    starttls: Literal[True]


Step: TypeAlias = (
    Data | Raw | Delay | Drip | Truncate | Corrupt | Stall | Close | Reset | Command | StartTLS
)
Reply: TypeAlias = Step | list[Step]


@dataclass(frozen=True)
class Sizes:
    """How long a message is."""

    min: CountOrNone = 0
    max: CountOrNone | None = None


@dataclass(frozen=True)
class When:
    """What holds of a message that a rule is for; None says nothing of it."""

    length: CountOrNone | Sizes | None = None
    peer: str | list[str] | None = None
    equals: Fixed | None = None
    starts_with: Fixed | None = None
    ends_with: Fixed | None = None
    contains: Fixed | None = None
    regex: str | None = None
    not_: When | list[When] | None = None
    tls: bool | Secured | None = None
    ignore_case: bool | None = None  # None: as around it, or else not


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Which messages get which replies."""

    name: Name | None = None  # None: by its place, rule-1 and so on
    when: When | list[When] | None = None
    state: Name | list[Name] | None = None
    next_state: Name | None = None
    chance: Chance = 1.0
    reply: Reply | None = None
    replies: list[Reply] | None = None
    after_last: Literal["repeat", "cycle", "silence"] | None = None
    scope: Literal["connection", "service"] | None = None


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Where a service listens, and what lies between the socket and its connections."""

    endpoint: str
    tls: TLS | None = None
    proxy_from: str | list[str] | None = None


@dataclass(frozen=True, kw_only=True)
class PerPeer:
    """How fast one peer may go. A burst that is not set is as much as a second allows."""

    connections_per_second: PerSecond = 0.0
    connections_burst: Count | None = None
    messages_per_second: PerSecond = 0.0
    messages_burst: Count | None = None
    bytes_per_second: PerSecond = 0.0
    bytes_burst: Count | None = None
    over: Over = PeerLimits.over
    ipv6_prefix: Prefix = PeerLimits.ipv6_prefix


@dataclass(frozen=True, kw_only=True)
class State:
    """What changes while a connection is in a state."""

    framing: Framing


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service. Without `otherwise`, a message that no rule is for gets silence."""

    listen: str | Listener | list[str | Listener] = field(default_factory=list[str | Listener])
    framing: Framing = "chunk"
    encoding: str = "utf-8"
    show: Literal["text", "hex"] | None = None  # None: as the framing suggests
    greeting: Reply | None = None
    keep_alive: bool = False
    idle_timeout: Seconds = Limits.idle_timeout
    message_timeout: Seconds = Limits.message_timeout
    reply_timeout: Seconds = Limits.reply_timeout
    write_timeout: Seconds = Limits.write_timeout
    close_timeout: Seconds = Limits.close_timeout
    drain_timeout: Seconds = Limits.drain_timeout
    drain_delay: Seconds = Limits.drain_delay
    max_connections: Count | None = None  # None: the default, or as many as fit
    max_connections_per_peer: CountOrNone = Limits.max_connections_per_peer
    max_message: Count = Limits.max_message
    allow: str | list[str] | None = None
    per_peer: PerPeer | None = None
    amplification: Times = Limits.amplification
    responder: str | None = None
    initial_state: Name | None = None
    states: dict[str, State] = field(default_factory=dict[str, State])
    seed: Seed | None = None
    otherwise: Reply | None = None
    rules: list[Rule] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Log:
    """What is logged."""

    level: Level = "info"
    exchanges_per_second: CountOrNone = EXCHANGES_A_SECOND
    json: str | None = None
    record: str | None = None


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Where counts can be read."""

    listen: str


@dataclass(frozen=True, kw_only=True)
class Ready:
    """How programs learn that the daemon listens, and where."""

    file: str


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """All of it."""

    log: Log = Log()
    metrics: Metrics | None = None
    ready: Ready | None = None
    services: dict[str, Service] = field(default_factory=dict)
