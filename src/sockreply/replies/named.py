"""Responders by name: `package.module:callable`, or an entry point of an installed distribution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sockreply.errors import ConfigError
from sockreply.extensions import (
    CODE_HINT,
    code_named,
    failures_of,
    installed,
    made_by,
    search_beside,
)
from sockreply.notation import parse_notation
from sockreply.replies.responder import Responder, as_responder

ENTRY_POINT_GROUP = "sockreply.responders"
"""Where a distribution names a function that makes a responder; it gets the keys as text."""


def load_responder(spec: str, beside: Path | None = None) -> Responder:
    """The responder that an operator named.

    Modules are looked for in the current directory too, as `python -m` does.

    Args:
        spec: `package.module:callable`, or `NAME` or `NAME:key=value,...` for an entry point.
        beside: A directory in which modules are searched for first.

    Raises:
        ConfigError: There is none of that name, or it cannot be loaded or made; says why.
    """
    search_beside(beside)
    _, colon, rest = spec.partition(":")
    find = _from_entry_point if "=" in rest or not colon else code_named
    with failures_of(f"responder {spec}"):
        return as_responder(find(spec))


def _from_entry_point(spec: str) -> Any:
    name, values = parse_notation(spec)
    points = installed(ENTRY_POINT_GROUP)
    if name not in points:
        known = f"installed: {', '.join(sorted(points))}" if points else "none is installed"
        raise ConfigError(f"no such entry point ({known}); {CODE_HINT}")
    return made_by(points[name].load(), values)
