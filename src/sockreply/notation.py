r"""`NAME` or `NAME:key=value,key=value`: how framings and named responders are written.

Values know `\r \n \t \0 \\ \,` and `\xNN`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, NamedTuple, TypeVar, get_type_hints

from sockreply.errors import ConfigError

_Made = TypeVar("_Made")

_ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\", ",": b","}
_ESCAPED = re.compile(r"\\x([0-9A-Fa-f]{2})|\\(.?)|[^\\]+", re.DOTALL)
_PAIR = re.compile(r"(?:^|,)((?:[^,\\]|\\.?)*)", re.DOTALL)


def quoted(text: str) -> str:
    """What an operator typed, as a message shows it: printable, its backslashes not doubled."""
    return repr(text).replace(r"\\", "\\")


SIZE_LIMIT = 2**31 - 1
"""More bytes than any message that fits in memory has."""


_SEEMS_ESCAPED = re.compile(r"\\(?:[rnt0]|x[0-9A-Fa-f]{2})")


def seeming_escape(text: str) -> str | None:
    """The first thing in a text that would be an escape, for where none are read; None: nothing."""
    found = _SEEMS_ESCAPED.search(text)
    return found and found[0]


def unescape(text: str) -> bytes:
    r"""The bytes that a value stands for: UTF-8 but for its escapes.

    Raises:
        ConfigError: A backslash that begins none of `\r \n \t \0 \\ \,` and `\xNN`.
    """

    def bytes_of(found: re.Match[str]) -> bytes:
        digits, letter = found.groups()
        if digits is not None:
            return bytes.fromhex(digits)
        if letter is None:
            return found[0].encode("utf-8", "surrogateescape")  # as the command line was given
        if letter == "x":
            raise ConfigError(r"\x needs two hexadecimal digits")
        if letter not in _ESCAPES:
            raise ConfigError(
                rf"{quoted(found[0])} is not an escape; known: \r \n \t \0 \\ \, \xNN"
            )
        return _ESCAPES[letter]

    return b"".join(map(bytes_of, _ESCAPED.finditer(text)))


def parse_notation(spec: str) -> tuple[str, dict[str, str]]:
    """Take `NAME:key=value,...` apart; the values keep their escapes.

    Raises:
        ConfigError: Something between the commas is not `key=value`, or a key comes twice.
    """
    name, colon, keys = spec.partition(":")
    return name, parse_keys(name, keys) if colon else {}


def parse_keys(name: str, text: str) -> dict[str, str]:
    """Take `key=value,...` apart; the values keep their escapes.

    Args:
        name: What the keys are of.
        text: The keys.

    Raises:
        ConfigError: Something between the commas is not `key=value`, or a key comes twice.
    """
    values: dict[str, str] = {}
    for pair in _PAIR.findall(text):
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise ConfigError(f"{name}: {quoted(pair)} is not key=value")
        if key in values:
            raise ConfigError(f"{name}: {key} is given twice")
        values[key] = value
    return values


def whole(least: int, most: int) -> Callable[[str], int]:
    """Reads a whole number in a range."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", text) or not least <= int(text) <= most:
            raise ConfigError(f"{quoted(text)} is not a whole number from {least} to {most}")
        return int(text)

    return parse


def one_of(**choices: object) -> Callable[[str], Any]:
    """Reads one of some names."""

    def parse(text: str) -> object:
        if text not in choices:
            raise ConfigError(f"{quoted(text)} is not one of {', '.join(choices)}")
        return choices[text]

    return parse


yes_or_no = one_of(yes=True, no=False)
"""Reads `yes` or `no`."""


def mark(text: str) -> bytes:
    """Reads bytes that mark a place: at least one."""
    if not text:
        raise ConfigError("an empty mark ends nothing")
    return unescape(text)


def positive_seconds(text: str) -> float:
    """Reads a number of seconds above 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ConfigError(f"{quoted(text)} is not a number of seconds above 0")
    return seconds


class Key(NamedTuple):
    """Marks a dataclass's field that a spec can set: `size: Annotated[int, Key(whole(1, 9))]`.

    Args:
        read: Makes the field's value of the text in the spec; raises ConfigError if it cannot.
        name: The key in the spec; empty: the field's name.
    """

    read: Callable[[str], Any]
    name: str = ""


def from_keys(make: type[_Made], values: Mapping[str, str]) -> _Made:
    """Make a dataclass of the keys of a spec.

    Args:
        make: The dataclass; what can be set is annotated with a `Key`.
        values: The keys, each with its text.

    Raises:
        ConfigError: An unknown key, a key that is missing, or a value that cannot be.
    """
    keys = _keys_of(make)
    arguments: dict[str, Any] = {}
    for name, text in values.items():
        if name not in keys:
            known = ", ".join(keys) or "none"
            raise ConfigError(f"unknown key {quoted(name)}; known: {known}")
        field, key = keys[name]
        try:
            arguments[field.name] = key.read(text)
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from None
    needed = [name for name, (field, _) in keys.items() if field.default is MISSING]
    if missing := [f"{name}=..." for name in needed if name not in values]:
        raise ConfigError(f"needs {' and '.join(missing)}")
    return make(**arguments)


def _keys_of(make: type[Any]) -> dict[str, tuple[Field[Any], Key]]:
    """The keys of a dataclass by their names in specs, in the order of its fields."""
    hints = get_type_hints(make, include_extras=True)
    return {
        each.name or field.name: (field, each)
        for field in fields(make)
        for each in getattr(hints[field.name], "__metadata__", ())
        if isinstance(each, Key)
    }
