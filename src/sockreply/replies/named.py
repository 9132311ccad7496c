"""Responders by name: `package.module:callable`, or an entry point of an installed distribution."""

from __future__ import annotations

import pkgutil
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from sockreply.errors import ConfigError
from sockreply.extensions import failures_of, installed, made_by
from sockreply.notation import parse_notation
from sockreply.replies.responder import Responder, as_responder

ENTRY_POINT_GROUP = "sockreply.responders"
"""Where a distribution names a function that makes a responder; it gets the keys as text."""

_HINT = "code is named package.module:callable"


def load_responder(spec: str, beside: Path | None = None) -> Responder:
    """The responder that an operator named.

    Modules are looked for in the current directory too, as `python -m` does.

    Args:
        spec: `package.module:callable`, or `NAME` or `NAME:key=value,...` for an entry point.
        beside: A directory in which modules are searched for first.

    Raises:
        ConfigError: There is none of that name, or it cannot be loaded or made; says why.
    """
    for place in (Path.cwd(), beside):
        if place is not None and str(place) not in sys.path:
            sys.path.insert(0, str(place))
    _, colon, rest = spec.partition(":")
    find = _from_entry_point if "=" in rest or not colon else _from_module
    with failures_of(f"responder {spec}"):
        return as_responder(find(spec))


def _from_module(spec: str) -> Any:
    if spec.count(":") != 1 or not all(map(str.isidentifier, re.split("[.:]", spec))):
        raise ConfigError(_HINT)
    found = pkgutil.resolve_name(spec)
    if isinstance(found, ModuleType):
        raise ConfigError(f"{found.__name__} is a module; {_HINT}")
    return found


def _from_entry_point(spec: str) -> Any:
    name, values = parse_notation(spec)
    points = installed(ENTRY_POINT_GROUP)
    if name not in points:
        known = f"installed: {', '.join(sorted(points))}" if points else "none is installed"
        raise ConfigError(f"no such entry point ({known}); {_HINT}")
    return made_by(points[name], values)
