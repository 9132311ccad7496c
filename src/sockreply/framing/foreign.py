"""Framings from elsewhere: code by its name, or entry points of distributions.

What is wrong with one is found when it is made, and not by the first client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import isclass, isfunction
from pathlib import Path
from typing import Any

from sockreply.errors import ConfigError
from sockreply.extensions import code_named, failures_of, installed, made_by, search_beside
from sockreply.framing.interfaces import Framer, Framing, SpeakingFramer, SwitchingFramer
from sockreply.notation import SIZE_LIMIT, parse_keys

ENTRY_POINT_GROUP = "sockreply.framings"
"""Where a distribution names a callable that makes a framing; it gets the keys as text."""


_OWN = frozenset({"next_message", "said", "switch"})
"""What `BufferedFramer` leaves to its subclasses."""


def names_code(spec: str) -> bool:
    """Does a spec begin with `module:callable`, and not with `name:key=value`?"""
    _, colon, rest = spec.partition(":")
    return bool(colon) and "=" not in rest.partition(":")[0]


def from_code(spec: str, beside: Path | None) -> Framing:
    """The framing that is made by code.

    Args:
        spec: `package.module:callable`, or `package.module:callable:key=value,...`.
        beside: A directory in which modules are searched for first.

    Raises:
        ConfigError: There is no such code, or it makes no framing that can be used.
    """
    module, called, *keys = spec.split(":", 2)
    name = f"{module}:{called}"
    values = parse_keys(name, *keys) if keys else {}
    search_beside(beside)
    with failures_of(f"framing {name}"):
        return _made(code_named(name), values)


def installed_names() -> list[str]:
    """The names of the framings that distributions bring, sorted."""
    return sorted(installed(ENTRY_POINT_GROUP))


def from_entry_point(name: str, values: Mapping[str, str]) -> Framing | None:
    """The framing that an installed distribution brings; None: none has one of that name.

    Raises:
        ConfigError: It cannot be loaded, or makes no framing that can be used.
    """
    point = installed(ENTRY_POINT_GROUP).get(name)
    if point is None:
        return None
    with failures_of(f"framing {name}"):
        return _made(point.load(), values)


def _made(thing: Any, values: Mapping[str, str]) -> Framing:
    """What a name stands for, as a framing: it is one already, or a class or a function makes it.

    Raises:
        ConfigError: It is not a framing.
        Exception: Whatever code from elsewhere raises.
    """
    if _is_framing(thing):
        if values:
            raise ConfigError("it takes no keys, because it is a framing already")
        made = thing
    else:
        made = made_by(thing, values) if callable(thing) else thing
    if not _is_framing(made):
        shown = " ".join(repr(made).split())
        why = "its class has to derive from sockreply.framing.Framing"
        raise ConfigError(f"{shown} is not a framing: {why}")
    _check(made)
    framing: Framing = made
    return framing


def _is_framing(thing: object) -> bool:
    return isinstance(thing, Framing) and not isclass(thing)


def _check(framing: Framing) -> None:
    """Try it, as far as that can be done without a connection."""
    name: object = framing.name
    if not isinstance(name, str):
        raise ConfigError(f"its name is {name!r}, not text")
    framer: object = framing.framer(SIZE_LIMIT)
    if framer is None:
        raise ConfigError("its framer is None")
    missing = sorted(_missing(framing, framer))
    if missing:
        hint = "" if _OWN.issuperset(missing) else "; BufferedFramer has all but next_message"
        kind = type(framer).__name__
        raise ConfigError(f"its framer, {kind}, lacks {', '.join(missing)}{hint}")
    try:
        framed: object = framing.frame(b"")
    except Exception:  # not every framing can carry an empty message
        return
    if not isinstance(framed, bytes):
        raise ConfigError(f"frame(b'') returned {type(framed).__name__}, not bytes")


def _missing(framing: Framing, framer: object) -> Iterator[str]:
    """What a framer needs and lacks."""
    needed = dict(vars(Framer))
    if framing.speaks:
        needed |= vars(SpeakingFramer)
    if framing.switches:
        needed |= vars(SwitchingFramer)
    for name, member in needed.items():
        if name.startswith("_"):
            continue
        if not hasattr(framer, name) or (
            isfunction(member) and not callable(getattr(framer, name))
        ):
            yield name
