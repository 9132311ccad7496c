"""Endpoint strings with a range of ports, such as `tcp:5901-5999`: a listener for each port."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from sockreply.errors import BadEndpoint, ConfigError
from sockreply.notation import quoted
from sockreply.settings import ListenerSettings, PartOfRange

MOST_PORT = 65535

_RANGED = re.compile(
    r"((?:haproxy:)?(?!haproxy:|unix:|systemd:|stdio:)\w+:(?:(?:(?:[^:\\]|\\.)*:)*port=)?)"
    r"([0-9]+-[0-9]*)((?::.*)?)",
    re.IGNORECASE | re.DOTALL | re.ASCII,
)
"""Three parts: what comes before the range, the range, and what follows. The port comes first in
endpoint strings of every kind, unless it is named."""


def port_range(text: str) -> range:
    """The ports of a range, such as `5901-5999`.

    Raises:
        ConfigError: It is not a range, has no end, or runs backwards; or an end is not a port.
    """
    found = re.fullmatch("([0-9]+)-([0-9]*)", text)
    if found is None:
        raise ConfigError(f"{quoted(text)} is not a range of ports; for example 5901-5999")
    first, last = found.groups()
    if not last:
        raise ConfigError(f"the range {text} has no end; for example 5901-5999")
    for port in (first, last):
        if len(port.lstrip("0")) > len(str(MOST_PORT)) or not 1 <= int(port) <= MOST_PORT:
            raise ConfigError(f"{port[:20]} in the range is not a port from 1 to {MOST_PORT}")
    if int(last) < int(first):
        raise ConfigError(f"the range {text} runs backwards; write {last}-{first}")
    return range(int(first), int(last) + 1)


def expanded(listener: ListenerSettings) -> tuple[ListenerSettings, ...]:
    """A listener for each port of an endpoint string; itself, if that has no range.

    Raises:
        BadEndpoint: There is something wrong with the range.
    """
    written = listener.endpoint
    found = _RANGED.fullmatch(written)
    if found is None:
        return (listener,)
    before, text, after = found.groups()
    try:
        ports = port_range(text)
    except ConfigError as error:
        raise BadEndpoint(written, str(error)) from None
    return tuple(
        replace(
            listener,
            endpoint=f"{before}{port}{after}",
            part=PartOfRange(written, place, len(ports)),
        )
        for place, port in enumerate(ports)
    )


def leading(listeners: Iterable[ListenerSettings]) -> Iterator[ListenerSettings]:
    """The listeners, but of each range only the first."""
    return (each for each in listeners if each.part is None or each.part.place == 0)
