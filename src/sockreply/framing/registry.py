"""The framings by name: ours, and those that installed distributions add."""

from __future__ import annotations

from collections.abc import Mapping
from pkgutil import resolve_name

from sockreply.errors import ConfigError
from sockreply.extensions import failures_of, installed, made_by
from sockreply.framing.interfaces import Framing
from sockreply.notation import from_keys, parse_notation, quoted

ENTRY_POINT_GROUP = "sockreply.framings"
"""Where a distribution names a callable that makes a framing; it gets the keys as text."""

BUILT_IN = {
    "chunk": "sockreply.framing.stream:Chunk",
    "line": "sockreply.framing.lines:Line",
    "delimited": "sockreply.framing.delimited:Delimited",
    "length": "sockreply.framing.length:Length",
    "netstring": "sockreply.framing.counted:Netstring",
    "fixed": "sockreply.framing.counted:Fixed",
    "enclosed": "sockreply.framing.delimited:Enclosed",
    "gap": "sockreply.framing.stream:Gap",
    "eof": "sockreply.framing.stream:Eof",
}
"""Where each is, as in entry points: a daemon needs one of them, and each takes its time to load.
It is a dataclass; its fields that are annotated with a `Key` are the keys of its spec."""

FRAMING_NAMES = tuple(BUILT_IN)
"""What a spec can begin with wherever sockreply is installed."""


def parse_framing(spec: str) -> Framing:
    """The framing that a spec names.

    Entry points are looked at only for names that are not built in: that takes its time.

    Raises:
        ConfigError: An unknown name or key, a key that is missing, a value that cannot be, or code
            from elsewhere that makes no framing.
    """
    name, values = parse_notation(spec)
    where = BUILT_IN.get(name)
    if where is None:
        return _from_entry_point(name, values)
    framing: type[Framing] = resolve_name(where)
    try:
        return from_keys(framing, values)
    except ConfigError as error:
        raise ConfigError(f"framing {name}: {error}") from None


def _from_entry_point(name: str, values: Mapping[str, str]) -> Framing:
    points = installed(ENTRY_POINT_GROUP)
    if name not in points:
        known = ", ".join((*BUILT_IN, *sorted(points.keys() - BUILT_IN.keys())))
        raise ConfigError(f"unknown framing {quoted(name)}; known: {known}")
    with failures_of(f"framing {name}"):
        made = made_by(points[name], values)
        if isinstance(made, type) or not isinstance(made, Framing):
            raise ConfigError(f"{' '.join(repr(made).split())} is not a framing")
        return made
