"""What a daemon is to do, however the operator said it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sockreply.framing.interfaces import Framing
from sockreply.logs import EXCHANGES_A_SECOND, Level
from sockreply.replies.responder import Responder
from sockreply.server.factory import Greeting
from sockreply.server.limits import Limits


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """One service.

    Args:
        listen: Endpoint strings.
        framing: How messages are told apart.
        responder: Answers them.
        encoding: Of the text in its rules.
        responder_in: Makes the same responder with its text in another encoding, for connections
            that were made before the encoding changed; None: it has no text.
        keep_alive: Answer message after message?
        greeting: Sent to each peer that connects.
        limits: What peers may do.
        max_connections_asked: Did the operator name that limit? If so it has to be possible.
    """

    listen: tuple[str, ...]
    framing: Framing
    responder: Responder
    encoding: str = "utf-8"
    responder_in: Callable[[str], Responder] | None = None
    keep_alive: bool = False
    greeting: Greeting | None = None
    limits: Limits = field(default_factory=Limits)
    max_connections_asked: bool = False


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """What is logged, and where to besides the place where twistd, twist or serve log.

    Args:
        level: "debug", "info" or "warn".
        exchanges_per_second: How many exchanges are shown.
        json: The absolute path of a file of JSON lines; "-": standard output.
        record: The absolute path of a file that gets every exchange whole.
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
        log: What is seen of it.
        metrics: The endpoint string on which counts can be read.
        file: What all this was read from, and is read from again on SIGHUP.
        warnings: What is legal there, and yet probably wrong; a line each.
    """

    services: Mapping[str, ServiceSettings]
    log: LogSettings = LogSettings()
    metrics: str | None = None
    file: Path | None = None
    warnings: tuple[str, ...] = ()
