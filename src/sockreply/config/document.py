"""A document that was parsed, from TOML or from anything else, and what it may hold."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from sockreply.config.named_files import FILE_LIMIT
from sockreply.config.problems import Problems
from sockreply.config.wording import Foreign, Key, found
from sockreply.errors import ConfigError

DEPTH_LIMIT = 32
"""Tables and lists within each other: several times what has a meaning, far from Python's limit."""

VALUES_LIMIT = FILE_LIMIT // 2
"""Values of a document: as many as fit in a file, where each takes two bytes or more."""

TOO_DEEP = f"has more than {DEPTH_LIMIT} tables or lists nested in each other"

# Tuples, because a union of types would be made anew for each value.
_SCALARS = (bool, int, float, datetime.date, datetime.time)
_CONTAINERS = (dict, list)


def plain(document: object, problems: Problems) -> dict[str, Any]:
    """A copy of a document that holds only what TOML could.

    A key that is not text is a problem, and left out. Any other value that TOML does not know
    becomes a `Foreign`, so that a reader says what it expected there.

    Args:
        document: What a parser of TOML, JSON or the like has made, or a program.
        problems: Collect what is wrong.

    Raises:
        ConfigError: It is not a table, or too deep, as it is if it contains itself, or too large.
    """
    if not isinstance(document, dict):
        raise ConfigError(f"expected a table, found {found(document)}")
    if _measure(document, 0, {}).values > VALUES_LIMIT:
        raise ConfigError(f"has more than {VALUES_LIMIT} values")
    return _plain_table(document, (), problems)


class _Measures(NamedTuple):
    """How many values a table or a list has in all, and how many are within each other."""

    values: int
    depth: int


def _measure(
    value: dict[object, object] | list[object], above: int, known: dict[int, _Measures]
) -> _Measures:
    """Measure a table or a list, once wherever it stands.

    Args:
        value: The table or the list.
        above: How many it stands in.
        known: Those that were measured, by their identity.

    Raises:
        ConfigError: It is too deep.
    """
    measures = known.get(id(value))
    if measures is None:
        if above >= DEPTH_LIMIT:
            raise ConfigError(TOO_DEEP)
        entries = value.values() if isinstance(value, dict) else value
        below = [
            _measure(each, above + 1, known) for each in entries if isinstance(each, _CONTAINERS)
        ]
        measures = _Measures(
            len(value) + sum(each.values for each in below),
            1 + max((each.depth for each in below), default=0),
        )
        known[id(value)] = measures
    if above + measures.depth > DEPTH_LIMIT:
        raise ConfigError(TOO_DEEP)
    return measures


def _plain_table(
    table: dict[object, object], at: tuple[Key, ...], problems: Problems
) -> dict[str, Any]:
    copied: dict[str, Any] = {}
    for key, value in table.items():
        name = _plain_text(key) if isinstance(key, str) else key
        if isinstance(name, str):
            copied[name] = _plain_value(value, at, name, problems)
        else:
            problems.add(f"expected text as a key, found {found(name)}", *at)
    return copied


def _plain_value(value: object, at: tuple[Key, ...], key: Key, problems: Problems) -> Any:
    if isinstance(value, str):
        return _plain_text(value)
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, dict):
        return _plain_table(value, (*at, key), problems)
    if isinstance(value, list):
        here = (*at, key)
        return [_plain_value(each, here, number, problems) for number, each in enumerate(value, 1)]
    return Foreign(found(value))


def _plain_text(text: str) -> str | Foreign:
    """A text as Python's own type has it; JSON can have one that is not Unicode."""
    if type(text) is str and text.isascii():
        return text
    try:
        return text.encode().decode()
    except UnicodeEncodeError:
        return Foreign("text with half of a surrogate pair")
