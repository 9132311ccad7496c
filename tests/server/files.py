"""Peers of services that a file describes."""

from __future__ import annotations

from typing import Any

from sockreply.settings import ServiceSettings
from tests.config.texts import service
from tests.server.stand_ins import Talk


def talk_of(text: str, kind: type[Talk] = Talk, **options: Any) -> Talk:
    """A peer of the service that a file with this text describes; it has keep_alive.

    Args:
        text: What stands in the service, without `listen` and `keep_alive`.
        kind: How the peer is connected.
        options: As for `Talk`.
    """
    built: ServiceSettings = service(text)
    options.setdefault("max_message", built.limits.max_message)
    return kind(built.responder.respond, built.framing, greeting=built.greeting, **options)
