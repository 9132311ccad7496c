r"""`NAME` or `NAME:key=value,key=value`: how framings and named responders are written.

Values know `\r \n \t \0 \\ \,` and `\xNN`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from sockreply.errors import ConfigError

_ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\", ",": b","}
_ESCAPED = re.compile(r"\\x([0-9A-Fa-f]{2})|\\(.?)|[^\\]+", re.DOTALL)
_PAIR = re.compile(r"(?:^|,)((?:[^,\\]|\\.?)*)", re.DOTALL)


def quoted(text: str) -> str:
    """What an operator typed, as a message shows it: printable, its backslashes not doubled."""
    return repr(text).replace(r"\\", "\\")


SIZE_LIMIT = 2**31 - 1
"""More bytes than any message that fits in memory has."""


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
            raise ConfigError(rf"{quoted(found[0])} is no escape; known: \r \n \t \0 \\ \, \xNN")
        return _ESCAPES[letter]

    return b"".join(map(bytes_of, _ESCAPED.finditer(text)))


def parse_notation(spec: str) -> tuple[str, dict[str, str]]:
    """Take `NAME:key=value,...` apart; the values keep their escapes.

    Raises:
        ConfigError: Something between the commas is not `key=value`, or a key comes twice.
    """
    name, colon, rest = spec.partition(":")
    values: dict[str, str] = {}
    for pair in _PAIR.findall(rest) if colon else ():
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise ConfigError(f"{name}: {quoted(pair)} is not key=value")
        if key in values:
            raise ConfigError(f"{name}: {key} is given twice")
        values[key] = value
    return name, values


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
