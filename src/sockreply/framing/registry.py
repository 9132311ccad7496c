"""The framings by name: ours, and those from elsewhere."""

from __future__ import annotations

from pathlib import Path
from pkgutil import resolve_name

from sockreply.errors import ConfigError
from sockreply.extensions import CODE_HINT
from sockreply.framing.interfaces import Framing
from sockreply.notation import from_keys, parse_notation, quoted

BUILT_IN = {
    "chunk": "sockreply.framing.stream:Chunk",
    "line": "sockreply.framing.lines:Line",
    "delimited": "sockreply.framing.delimited:Delimited",
    "length": "sockreply.framing.length:Length",
    "netstring": "sockreply.framing.counted:Netstring",
    "fixed": "sockreply.framing.counted:Fixed",
    "enclosed": "sockreply.framing.enclosed:Enclosed",
    "fix": "sockreply.framing.fix:Fix",
    "json": "sockreply.framing.json_values:Json",
    "resp": "sockreply.framing.resp:Resp",
    "gap": "sockreply.framing.stream:Gap",
    "eof": "sockreply.framing.stream:Eof",
}
"""Where each is, as in entry points: a daemon needs one of them, and each takes time to load.
It is a dataclass; its fields that are annotated with a `Key` are the keys of its spec."""

FRAMING_NAMES = tuple(BUILT_IN)
"""What a spec can begin with wherever sockreply is installed."""


def parse_framing(spec: str, beside: Path | None = None) -> Framing:
    """The framing that a spec names.

    Entry points are looked at only for names that are not built in, because that takes time.

    Args:
        spec: `NAME` or `NAME:key=value,...`, with the name of a framing that is built in or
            installed; or `package.module:callable` or `package.module:callable:key=value,...`.
        beside: A directory in which modules are searched for first.

    Raises:
        ConfigError: An unknown name or key, a key that is missing, a value that cannot be, or code
            from elsewhere that makes no framing.
    """
    if not is_built_in(spec):
        return _foreign(spec, beside)
    name, values = parse_notation(spec)
    framing: type[Framing] = resolve_name(BUILT_IN[name])
    try:
        return from_keys(framing, values)
    except ConfigError as error:
        raise ConfigError(f"framing {name}: {error}") from None


def is_built_in(spec: str) -> bool:
    """Is the framing that a spec names one of ours, so that nobody else's code is run for it?"""
    return spec.partition(":")[0] in BUILT_IN


def _foreign(spec: str, beside: Path | None) -> Framing:
    from sockreply.framing import foreign  # now, because few name one

    if foreign.names_code(spec):
        return foreign.from_code(spec, beside)
    name, values = parse_notation(spec)
    framing = foreign.from_entry_point(name, values)
    if framing is None:
        known = ", ".join(dict.fromkeys((*BUILT_IN, *foreign.installed_names())))
        raise ConfigError(f"unknown framing {quoted(name)}; known: {known}; {CODE_HINT}")
    return framing
