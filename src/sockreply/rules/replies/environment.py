"""The environment of commands: only a little of the daemon's own, which may contain secrets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

KEPT = ("HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER")
"""What every command gets of the daemon's, beside all that begins with `LOCALE`: environ(7) and
locale(7) have these."""

LOCALE = "LC_"

OWN = "SOCKREPLY_"
"""The prefix of the variables that tell a command about the message."""

Variables: TypeAlias = tuple[tuple[str, str | None], ...]
"""Names and values; None: the daemon's own, if it has one."""


def kept(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The daemon's variables that every command gets."""
    return {
        name: value
        for name, value in environment.items()
        if name in KEPT or name.startswith(LOCALE)
    }


def variables(
    wanted: Iterable[tuple[str, str | None]], environment: Mapping[str, str] = os.environ
) -> Iterator[tuple[str, str]]:
    """The wanted variables that exist, with their values."""
    for name, value in wanted:
        if value is not None:
            yield name, value
        elif name in environment:
            yield name, environment[name]
