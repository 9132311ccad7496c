"""The framings by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

from sockreply.errors import ConfigError
from sockreply.framing.counted import Fixed, Length, Netstring
from sockreply.framing.delimited import Delimited, Enclosed, Line
from sockreply.framing.interfaces import Framing
from sockreply.framing.stream import Chunk, Eof, Gap
from sockreply.notation import (
    SIZE_LIMIT,
    mark,
    one_of,
    parse_notation,
    positive_seconds,
    quoted,
    unescape,
    whole,
    yes_or_no,
)

_WIDTHS = one_of(**{str(octets): octets for octets in (1, 2, 3, 4, 8)})
_DIGITS_LIMIT = 18  # what a 64-bit count can have

# name: what makes it, and for each key the argument that it becomes and how it is read
_FRAMINGS: dict[str, tuple[type, dict[str, tuple[str, Callable[[str], Any]]]]] = {
    "chunk": (Chunk, {}),
    "line": (Line, {"ending": ("ending", one_of(lf=b"\n", crlf=b"\r\n"))}),
    "delimited": (Delimited, {"end": ("end", mark), "reply_end": ("reply_end", unescape)}),
    "length": (
        Length,
        {
            "bytes": ("octets", _WIDTHS),
            "digits": ("digits", whole(1, _DIGITS_LIMIT)),
            "order": ("order", one_of(big="big", little="little")),
            "adjust": ("adjust", whole(-SIZE_LIMIT, SIZE_LIMIT)),
            "inclusive": ("inclusive", yes_or_no),
            "offset": ("offset", whole(0, SIZE_LIMIT)),
            "strip": ("strip", yes_or_no),
        },
    ),
    "netstring": (Netstring, {}),
    "fixed": (Fixed, {"size": ("size", whole(1, SIZE_LIMIT))}),
    "enclosed": (Enclosed, {"start": ("start", mark), "end": ("end", mark)}),
    "gap": (Gap, {"seconds": ("seconds", positive_seconds)}),
    "eof": (Eof, {}),
}

FRAMING_NAMES = tuple(_FRAMINGS)
"""All that a spec can begin with."""


def parse_framing(spec: str) -> Framing:
    """The framing that a spec names.

    Raises:
        ConfigError: An unknown name or key, a key that is missing, or a value that cannot be.
    """
    name, values = parse_notation(spec)
    if name not in _FRAMINGS:
        raise ConfigError(f"unknown framing {quoted(name)}; known: {', '.join(_FRAMINGS)}")
    make, keys = _FRAMINGS[name]
    arguments: dict[str, Any] = {}
    for key, value in values.items():
        if key not in keys:
            known = ", ".join(keys) or "none"
            raise ConfigError(f"framing {name}: unknown key {quoted(key)}; known: {known}")
        argument, parse = keys[key]
        try:
            arguments[argument] = parse(value)
        except ConfigError as error:
            raise ConfigError(f"framing {name}: {key}: {error}") from None
    needed = {field.name for field in fields(make) if field.default is MISSING}
    if missing := [key for key, (name_, _) in keys.items() if name_ in needed - {*arguments}]:
        raise ConfigError(f"framing {name}: needs {' and '.join(f'{key}=...' for key in missing)}")
    try:
        framing: Framing = make(**arguments)
    except ConfigError as error:
        raise ConfigError(f"framing {name}: {error}") from None
    return framing
