r"""`NAME` or `NAME:key=value,key=value`, the notation of framings and of named responders.

Values know `\r \n \t \0 \\ \,` and `\xNN`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

from sockreply.errors import ConfigError
from sockreply.framing.counted import Fixed, Length, Netstring
from sockreply.framing.delimited import Delimited, Enclosed, Line
from sockreply.framing.interfaces import Framing
from sockreply.framing.stream import Chunk, Eof, Gap

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


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ConfigError(f"{quoted(text)} is not a number of seconds above 0")
    return seconds


def _mark(text: str) -> bytes:
    if not text:
        raise ConfigError("an empty mark ends nothing")
    return unescape(text)


_YES_OR_NO = one_of(yes=True, no=False)
_WIDTHS = one_of(**{str(octets): octets for octets in (1, 2, 3, 4, 8)})
_DIGITS_LIMIT = 18  # what a 64-bit count can have

# name: what makes it, and for each key the argument that it becomes and how it is read
_FRAMINGS: dict[str, tuple[type, dict[str, tuple[str, Callable[[str], Any]]]]] = {
    "chunk": (Chunk, {}),
    "line": (Line, {"ending": ("ending", one_of(lf=b"\n", crlf=b"\r\n"))}),
    "delimited": (Delimited, {"end": ("end", _mark), "reply_end": ("reply_end", unescape)}),
    "length": (
        Length,
        {
            "bytes": ("octets", _WIDTHS),
            "digits": ("digits", whole(1, _DIGITS_LIMIT)),
            "order": ("order", one_of(big="big", little="little")),
            "adjust": ("adjust", whole(-SIZE_LIMIT, SIZE_LIMIT)),
            "inclusive": ("inclusive", _YES_OR_NO),
            "offset": ("offset", whole(0, SIZE_LIMIT)),
            "strip": ("strip", _YES_OR_NO),
        },
    ),
    "netstring": (Netstring, {}),
    "fixed": (Fixed, {"size": ("size", whole(1, SIZE_LIMIT))}),
    "enclosed": (Enclosed, {"start": ("start", _mark), "end": ("end", _mark)}),
    "gap": (Gap, {"seconds": ("seconds", _seconds)}),
    "eof": (Eof, {}),
}

FRAMING_NAMES = tuple(_FRAMINGS)
"""All that a spec can begin with."""


def parse_framing(spec: str) -> Framing:
    """The framing that a spec names.

    Raises:
        ConfigError: An unknown name or key, a key that is missing, or a value that cannot be.
    """
    name, values = parse_notation(spec)
    if name not in _FRAMINGS:
        raise ConfigError(f"unknown framing {quoted(name)}; known: {', '.join(_FRAMINGS)}")
    make, keys = _FRAMINGS[name]
    arguments: dict[str, Any] = {}
    for key, value in values.items():
        if key not in keys:
            known = ", ".join(keys) or "none"
            raise ConfigError(f"framing {name}: unknown key {quoted(key)}; known: {known}")
        argument, parse = keys[key]
        try:
            arguments[argument] = parse(value)
        except ConfigError as error:
            raise ConfigError(f"framing {name}: {key}: {error}") from None
    needed = {field.name for field in fields(make) if field.default is MISSING}
    if missing := [key for key, (name_, _) in keys.items() if name_ in needed - {*arguments}]:
        raise ConfigError(f"framing {name}: needs {' and '.join(f'{key}=...' for key in missing)}")
    try:
        framing: Framing = make(**arguments)
    except ConfigError as error:
        raise ConfigError(f"framing {name}: {error}") from None
    return framing
