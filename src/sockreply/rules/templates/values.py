"""What the names in a template stand for."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeAlias

from twisted.internet.interfaces import IAddress

from sockreply.clocks import time_of_day
from sockreply.framing.interfaces import Framing
from sockreply.framing.message import Message
from sockreply.replies.session import TLS
from sockreply.rules.asked import Asked
from sockreply.rules.conditions.secured import tls_value
from sockreply.rules.templates.octets import Bytes
from sockreply.shown import show_address

Make: TypeAlias = Callable[[Asked, type[Bytes]], object]
"""Makes what a name stands for in the reply to a message, with bytes of that kind."""


class Match:
    """What the rule's regex found, group by group.

    Args:
        match: None: it was not the regex that made the rule match, and all groups are empty.
        kind: The kind of bytes that groups are.
    """

    __slots__ = ("_kind", "_match")

    def __init__(self, match: re.Match[bytes] | None, kind: type[Bytes]) -> None:
        self._match = match
        self._kind = kind

    def __getitem__(self, group: int | str) -> Bytes:
        return self._kind((self._match and self._match[group]) or b"")

    def __str__(self) -> str:
        return str(self[0])


class End:
    """One of the two ends of the connection; prints as logs show it.

    Args:
        address: Its address.
    """

    __slots__ = ("_address",)

    def __init__(self, address: IAddress) -> None:
        self._address = address

    def __str__(self) -> str:
        return show_address(self._address)

    @property
    def host(self) -> str:
        """The IP address; empty for a UNIX socket."""
        return getattr(self._address, "host", "")

    @property
    def port(self) -> int | str:
        """The port; empty for a UNIX socket."""
        return getattr(self._address, "port", "")


class Security:
    """The TLS of the connection; prints its version. Without TLS, all of it is empty.

    Args:
        tls: What is known of it.
    """

    __slots__ = ("_tls",)

    def __init__(self, tls: TLS | None) -> None:
        self._tls = tls

    def __str__(self) -> str:
        return self.version

    @property
    def version(self) -> str:
        """Of the protocol, such as 1.3."""
        return tls_value(self._tls, "version")

    @property
    def cipher(self) -> str:
        """As OpenSSL names it."""
        return tls_value(self._tls, "cipher")

    @property
    def subject(self) -> str:
        """Of the peer's certificate, as RFC 4514 writes it."""
        return tls_value(self._tls, "subject")

    @property
    def sni(self) -> str:
        """The server name that the peer asked for."""
        return tls_value(self._tls, "sni")


class Chance(float):
    """A number from 0 to below 1, and more from where it was drawn.

    Args:
        source: What numbers are drawn from.
    """

    _source: Random

    def __new__(cls, source: Random) -> Chance:
        drawn = super().__new__(cls, source.random())
        drawn._source = source
        return drawn

    def randint(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return self._source.randint(least, most)

    def uniform(self, least: float, most: float) -> float:
        """A number between two."""
        return self._source.uniform(least, most)

    def choice(self, choices: Sequence[Any]) -> Any:
        """One of several.

        Raises:
            IndexError: There is none.
        """
        return self._source.choice(choices)


def _now(asked: Asked) -> datetime:
    return datetime.fromtimestamp(time_of_day(asked.session.reactor), UTC)


NAMES: dict[str, Make] = {
    "message": lambda asked, kind: kind(asked.message),
    "match": lambda asked, kind: Match(asked.match, kind),
    "peer": lambda asked, _: End(asked.session.peer),
    "local": lambda asked, _: End(asked.session.host),
    "count": lambda asked, _: asked.session.count,
    "state": lambda asked, _: asked.state,
    "now": lambda asked, _: _now(asked).astimezone(),
    "utcnow": lambda asked, _: _now(asked),
    "uuid": lambda asked, _: uuid.UUID(int=asked.random.getrandbits(128), version=4),
    "random": lambda asked, _: Chance(asked.random),
    "tls": lambda asked, _: Security(asked.session.tls),
}
"""What each stands for, whatever the framing is."""


def names_of(framing: Framing) -> dict[str, Make]:
    """What stands for what a framing knows of its messages, besides their bytes."""
    return {name: _fact(name, framing) for name in framing.facts_of(b"") if name not in NAMES}


def _fact(name: str, framing: Framing) -> Make:
    def made(asked: Asked, kind: type[Bytes]) -> object:
        message = asked.message
        if isinstance(message, Message) and name in message.facts:
            return _in_kind(message.facts[name], kind)
        return _in_kind(framing.facts_of(message)[name], kind)

    return made


def _in_kind(fact: object, kind: type[Bytes]) -> object:
    """The same, its bytes in a template's kind."""
    if isinstance(fact, (list, tuple)):
        return [_in_kind(each, kind) for each in fact]
    return kind(fact) if isinstance(fact, bytes) else fact
