"""Responders by name: `package.module:callable`, or an entry point of an installed distribution."""

from __future__ import annotations

import pkgutil
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from sockreply.errors import ConfigError
from sockreply.framing.notation import parse_notation, unescape
from sockreply.replies.responder import Responder, as_responder

ENTRY_POINT_GROUP = "sockreply.responders"
"""Where a distribution names a function that makes a responder; it gets the keys as text."""


def load_responder(spec: str) -> Responder:
    """The responder that an operator named.

    Modules are looked for in the current directory too, as `python -m` does.

    Args:
        spec: `package.module:callable`, or `NAME` or `NAME:key=value,...` for an entry point.

    Raises:
        ConfigError: There is none of that name, or it cannot be loaded or made; says why.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    _, colon, rest = spec.partition(":")
    try:
        made = _from_entry_point(spec) if "=" in rest or not colon else pkgutil.resolve_name(spec)
        return as_responder(made)
    except ConfigError as error:
        raise ConfigError(f"responder {spec}: {error}") from None
    except (Exception, SystemExit) as error:  # from code that is not ours
        raise ConfigError(f"responder {spec}: {type(error).__name__}: {error}") from error


def _from_entry_point(spec: str) -> Any:
    name, values = parse_notation(spec)
    known = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    if name not in known:
        raise ConfigError(
            f"no such entry point; installed are {', '.join(sorted(known)) or 'none'}"
        )
    make = known[name].load()
    return make(**{key: unescape(value).decode() for key, value in values.items()})
