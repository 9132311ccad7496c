"""The framings by name."""

from __future__ import annotations

from sockreply.errors import ConfigError
from sockreply.framing.counted import Fixed, Length, Netstring
from sockreply.framing.delimited import Delimited, Enclosed, Line
from sockreply.framing.interfaces import Framing
from sockreply.framing.stream import Chunk, Eof, Gap
from sockreply.notation import from_keys, parse_notation, quoted

_BUILT_IN: dict[str, type[Framing]] = {
    "chunk": Chunk,
    "line": Line,
    "delimited": Delimited,
    "length": Length,
    "netstring": Netstring,
    "fixed": Fixed,
    "enclosed": Enclosed,
    "gap": Gap,
    "eof": Eof,
}
"""Each a dataclass; its fields that are annotated with a `Key` are the keys of its spec."""

FRAMING_NAMES = tuple(_BUILT_IN)
"""All that a spec can begin with."""


def parse_framing(spec: str) -> Framing:
    """The framing that a spec names.

    Raises:
        ConfigError: An unknown name or key, a key that is missing, or a value that cannot be.
    """
    name, values = parse_notation(spec)
    if name not in _BUILT_IN:
        raise ConfigError(f"unknown framing {quoted(name)}; known: {', '.join(_BUILT_IN)}")
    try:
        return from_keys(_BUILT_IN[name], values)
    except ConfigError as error:
        raise ConfigError(f"framing {name}: {error}") from None
