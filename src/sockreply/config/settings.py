"""What a daemon is to do, however the operator said it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sockreply.framing.interfaces import Framing
from sockreply.logs import EXCHANGES_A_SECOND, Level
from sockreply.replies.responder import Responder
from sockreply.server.limits import Limits


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """One service.

    Args:
        listen: Endpoint strings.
        framing: How messages are told apart.
        responder: Answers them.
        keep_alive: Answer message after message?
        greeting: Sent to each peer that connects.
        limits: What peers may do.
        max_connections_asked: Did the operator name that limit? If so it has to be possible.
    """

    listen: tuple[str, ...]
    framing: Framing
    responder: Responder
    keep_alive: bool = False
    greeting: bytes | None = None
    limits: Limits = field(default_factory=Limits)
    max_connections_asked: bool = False


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """What is logged, and where to besides the place where twistd, twist or serve log.

    Args:
        level: "debug", "info" or "warn".
        exchanges_per_second: How many exchanges are shown.
        json: The absolute path of a file of JSON lines; "-": standard output.
    """

    level: Level = "info"
    exchanges_per_second: int = EXCHANGES_A_SECOND
    json: str | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All of it.

    Args:
        service: What is served.
        log: What is seen of it.
    """

    service: ServiceSettings
    log: LogSettings = LogSettings()
