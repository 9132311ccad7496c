"""How an error names what stands in a configuration, and where."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sockreply.notation import quoted

Key: TypeAlias = str | int
"""A key of a table, or the number of an entry in a list, from 1."""

_SHOWN = 60  # characters of a text: enough to find it by

_PLAIN = re.compile(r"[\w-]+")


@dataclass(frozen=True)
class Foreign:
    """Stands for a value that TOML does not know, and that no reader takes.

    Args:
        shown: What it is, in words.
    """

    shown: str


def place(keys: Sequence[Key]) -> str:
    """The way to something in the configuration; keys that are not plain words are quoted."""
    said = ""
    for key in keys:
        if isinstance(key, int):
            said += f"[{key}]"
        else:
            plain = len(key) <= _SHOWN and _PLAIN.fullmatch(key)
            said += ("." if said else "") + (key if plain else excerpt(key))
    return said


def excerpt(text: str) -> str:
    """The first part of a text, quoted."""
    return quoted(text) if len(text) <= _SHOWN else f"{quoted(text[:_SHOWN])}..."


def shown_number(value: float) -> str:
    """A number; a huge one would fill the screen, and cannot be converted."""
    if isinstance(value, float) or abs(value) < 10**18:
        return str(value)
    return "a number that large" if value > 0 else "a number that small"


def found(value: object) -> str:
    """What stands somewhere, in the words of TOML as far as it has one."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return f"number {shown_number(value)}"
        case str():
            return f"text {excerpt(value)}"
        case dict():
            return "a table"
        case list():
            return "a list"
        case datetime.date() | datetime.time():
            return f"a {'date' if isinstance(value, datetime.date) else 'time'}"
        case Foreign():
            return value.shown
        case None:
            return "null"
    return f"a value of type {type(value).__name__}"
