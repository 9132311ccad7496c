"""Responders by name: `package.module:callable`, or an entry point of an installed distribution."""

from __future__ import annotations

import pkgutil
import re
import sys
from importlib.metadata import entry_points
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import Any

from sockreply.errors import ConfigError
from sockreply.notation import parse_notation, unescape
from sockreply.replies.responder import Responder, as_responder

ENTRY_POINT_GROUP = "sockreply.responders"
"""Where a distribution names a function that makes a responder; it gets the keys as text."""

_HINT = "code is named package.module:callable"
_LIBRARIES = frozenset({"site-packages", "dist-packages"})
_NOT_THEIRS = sys.stdlib_module_names | {"sockreply"}


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
    find = _from_entry_point if "=" in rest or not colon else _from_module
    try:
        return as_responder(find(spec))
    except ConfigError as error:
        raise ConfigError(f"responder {spec}: {error}") from None
    except (Exception, SystemExit) as error:  # from code that is not ours
        raise ConfigError(f"responder {spec}: {_in_a_line(error)}") from error


def _from_module(spec: str) -> Any:
    if spec.count(":") != 1 or not all(map(str.isidentifier, re.split("[.:]", spec))):
        raise ConfigError(_HINT)
    found = pkgutil.resolve_name(spec)
    if isinstance(found, ModuleType):
        raise ConfigError(f"{found.__name__} is a module; {_HINT}")
    return found


def _from_entry_point(spec: str) -> Any:
    name, values = parse_notation(spec)
    known = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    if name not in known:
        installed = f"installed: {', '.join(sorted(known))}" if known else "none is installed"
        raise ConfigError(f"no such entry point ({installed}); {_HINT}")
    make = known[name].load()
    return make(**{key: unescape(value).decode() for key, value in values.items()})


def _in_a_line(error: BaseException) -> str:
    """What went wrong in code that is not ours, and where."""
    said = " ".join(str(error).split())
    kind = type(error).__name__
    place = "" if isinstance(error, SyntaxError) else _place(error)  # it tells its own
    return f"{kind}: {said}{place}" if said else f"{kind}{place}"


def _place(error: BaseException) -> str:
    """The innermost line that is neither Python's nor ours, nor of a library if that can be."""
    theirs = [
        (frame.f_code.co_filename, line)
        for frame, line in walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").partition(".")[0] not in _NOT_THEIRS
    ]
    own = [(file, line) for file, line in theirs if _LIBRARIES.isdisjoint(Path(file).parts)]
    if not theirs:
        return ""
    file, line = (own or theirs)[-1]
    return f" ({file.removeprefix(f'{Path.cwd()}/')}, line {line})"
