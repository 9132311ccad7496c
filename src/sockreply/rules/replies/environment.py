"""The environment of commands: little of the daemon's, which may have secrets in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

KEPT = ("HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER")
"""What every command gets of the daemon's, beside all that begins with `LOCALE`: environ(7) and
locale(7) have these."""

LOCALE = "LC_"

OWN = "SOCKREPLY_"
"""What tells a command of the message begins with this."""

Variables: TypeAlias = tuple[tuple[str, str | None], ...]
"""Names and values; None: the daemon's own, if it has one."""


def kept(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Those of the daemon's variables that every command gets."""
    return {
        name: value
        for name, value in environment.items()
        if name in KEPT or name.startswith(LOCALE)
    }


def variables(
    wanted: Iterable[tuple[str, str | None]], environment: Mapping[str, str] = os.environ
) -> Iterator[tuple[str, str]]:
    """The variables that are wanted and that there are, with their values."""
    for name, value in wanted:
        if value is not None:
            yield name, value
        elif name in environment:
            yield name, environment[name]
