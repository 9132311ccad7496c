"""Code from elsewhere: how it is named and called, and how it fails.

Its name is `package.module:callable`, or that of an entry point of an installed distribution.
"""

from __future__ import annotations

import pkgutil
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sockreply.errors import ConfigError, SockreplyError
from sockreply.notation import unescape

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

CODE_HINT = "code is named package.module:callable"

_LIBRARIES = frozenset({"site-packages", "dist-packages"})
_NOT_THEIRS = sys.stdlib_module_names | {"sockreply"}


def installed(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group by name. It looks at every distribution, which takes its time."""
    from importlib.metadata import entry_points  # now, because few need it and it loads slowly

    return {point.name: point for point in entry_points(group=group)}


def search_beside(directory: Path | None) -> None:
    """Let Python find modules in the current directory, too, as `python -m` does.

    Args:
        directory: Another one, in which it searches even before; None: there is none.
    """
    for place in (Path.cwd(), directory):
        if place is not None and str(place) not in sys.path:
            sys.path.insert(0, str(place))


def code_named(name: str) -> Any:
    """What `package.module:callable` is the name of.

    Raises:
        ConfigError: It is not such a name, or it is that of a module.
        Exception: Whatever that code raises; call this under `failures_of`.
    """
    if name.count(":") != 1 or not all(map(str.isidentifier, re.split("[.:]", name))):
        raise ConfigError(CODE_HINT)
    found = pkgutil.resolve_name(name)
    if isinstance(found, ModuleType):
        raise ConfigError(f"{found.__name__} is a module; {CODE_HINT}")
    return found


def made_by(make: Any, values: Mapping[str, str]) -> Any:
    """What a callable makes from the keys of a spec.

    Args:
        make: It is called with the keys as text.
        values: The keys, their values still with escapes.

    Raises:
        Exception: Whatever that code raises; call this under `failures_of`.
    """
    return make(**{key: unescape(value).decode() for key, value in values.items()})


@contextmanager
def failures_of(what: str) -> Iterator[None]:
    """Make one line of whatever goes wrong while code from elsewhere is imported or called.

    Args:
        what: The line begins with it.

    Raises:
        ConfigError: Something went wrong; it says where if it was in that code.
    """
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{what}: {error}") from None
    except (Exception, SystemExit) as error:  # from code that is not ours
        raise ConfigError(f"{what}: {in_a_line(error)}") from error


@contextmanager
def crashes_of(what: str) -> Iterator[None]:
    """Make one line of what code from elsewhere raises that none of ours would.

    Args:
        what: The line begins with it.

    Raises:
        SockreplyError: That code raised it; it speaks for itself.
        ConfigError: It raised something else; says where.
    """
    try:
        yield
    except SockreplyError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{what}: {in_a_line(error)}") from error


def in_a_line(error: BaseException) -> str:
    """What went wrong in code that is not ours, and where."""
    said = " ".join(str(error).split())
    kind = type(error).__name__
    place = "" if isinstance(error, SyntaxError) else _place(error)  # it tells its own
    return f"{kind}: {said}{place}" if said else f"{kind}{place}"


def _place(error: BaseException) -> str:
    """The innermost line that is neither Python's nor ours, and not in a library if possible."""
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
