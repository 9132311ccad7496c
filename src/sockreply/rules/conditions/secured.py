"""What a rule asks of the TLS of a connection."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sockreply.replies.session import TLS
from sockreply.rules.asked import Asked
from sockreply.rules.conditions.contents import Miss
from sockreply.shown import show_name


def tls_value(tls: TLS | None, name: str) -> str:
    """What is known of a connection's TLS, by the name that rules have for it.

    Args:
        tls: Of the connection.
        name: `version` ("1.3"), `cipher`, `subject` or `sni`.

    Returns:
        Nothing, where there is no TLS.
    """
    if tls is None:
        return ""
    value: str = getattr(tls, name)
    return value.removeprefix("TLSv") if name == "version" else value


class Secured:
    """The connection is over TLS, and what is known of that fits; or it is in clear.

    Args:
        wanted: Patterns by the names of `tls_value`, one of which has to fit, where `*` stands for
            any characters; in a server name (`sni`), case does not count. None: the connection is
            in clear.
    """

    def __init__(self, wanted: Mapping[str, Sequence[str]] | None) -> None:
        self._wanted = wanted
        self._patterns = {
            name: re.compile(
                "|".join(map(_as_regex, patterns)),
                re.DOTALL | (re.IGNORECASE if name == "sni" else 0),
            )
            for name, patterns in (wanted or {}).items()
        }

    def __str__(self) -> str:
        if self._wanted is None:
            return "no TLS"
        asked = [f"{name} {_either(patterns)}" for name, patterns in self._wanted.items()]
        return f"TLS with {' and '.join(asked)}" if asked else "TLS"

    def holds(self, asked: Asked) -> bool:
        tls = asked.session.tls
        if tls is None or self._wanted is None:
            return tls is None and self._wanted is None
        return all(
            pattern.fullmatch(tls_value(tls, name)) for name, pattern in self._patterns.items()
        )

    def why_not(self, asked: Asked) -> Miss:
        tls = asked.session.tls
        if tls is None:
            return Miss("the connection has no TLS", 0.0)
        for name, pattern in self._patterns.items():
            value = tls_value(tls, name)
            if pattern.fullmatch(value) is None:
                wanted = _either((self._wanted or {})[name])
                return Miss(f"tls.{name} is {show_name(value) or 'empty'}, not {wanted}", 0.0)
        return Miss("the connection is over TLS", 0.0)


def _as_regex(pattern: str) -> str:
    return ".*".join(map(re.escape, pattern.split("*")))


def _either(patterns: Sequence[str]) -> str:
    return " or ".join(map(show_name, patterns))
