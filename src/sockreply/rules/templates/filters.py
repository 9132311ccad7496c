"""The filters that templates have beside Jinja2's own: checksums, packing, and other notations."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

from jinja2 import Environment, Undefined, pass_context, pass_environment
from jinja2.filters import FILTERS
from jinja2.runtime import Context

from sockreply.rules.templates.checksums import CRCS, byte_sum, lrc, xor
from sockreply.rules.templates.growth import bounded_filters
from sockreply.rules.templates.octets import Bytes
from sockreply.shown import show_bytes

Filter = Callable[..., Any]

_FORMAT = re.compile(r"[<>!]?[bB]|[<>!][hHiIlLqQefd]")
_NO_HEX = re.compile(r"[^0-9A-Fa-f].{0,20}", re.DOTALL)


def from_hex(text: str) -> bytes:
    """The bytes that hex digits spell; white space is nothing.

    Raises:
        ValueError: Something else stands between them, or the last is alone.
    """
    digits = "".join(text.split())
    if wrong := _NO_HEX.search(digits):
        found = wrong[0].encode("utf-8", "surrogateescape")
        raise ValueError(f"expected hex digits, found {show_bytes(found)}")
    if len(digits) % 2:
        raise ValueError(f"an odd number of hex digits: {len(digits)}")
    return bytes.fromhex(digits)


def wrong_format(layout: object) -> str | None:
    """What keeps this from saying how one number is packed, the same on every machine."""
    if isinstance(layout, str) and _FORMAT.fullmatch(layout):
        return None
    return (
        f"{layout!r} is not the format of one number, such as '>H': < or >, and one of "
        "bBhHiIlLqQefd"
    )


def filters_for(kind: type[Bytes]) -> dict[str, Filter]:
    """The filters of templates: ours, and Jinja2's with bounds and, for text, able to read bytes.

    Args:
        kind: The bytes that these print.
    """

    def data(value: object) -> Bytes:
        if isinstance(value, Undefined):
            str(value)  # says which name it was
        return kind.of(value)

    def of_data(function: Filter) -> Filter:
        return lambda value, *args, **named: function(data(value), *args, **named)

    def of_text(function: Filter) -> Filter:
        def call(value: object, *args: Any, **named: Any) -> Any:
            return function(value.text() if isinstance(value, Bytes) else value, *args, **named)

        return call

    jinja = bounded_filters()

    def wrap(environment: Environment, value: object, *args: Any, **named: Any) -> Any:
        text = value.text() if isinstance(value, Bytes) else value
        return jinja["wordwrap"](environment, text, *args, **named)

    def sum_of(environment: Environment, value: Any, *args: Any, **named: Any) -> Any:
        if isinstance(value, (bytes, str)):
            return byte_sum(data(value), *args, **named)
        return jinja["sum"](environment, value, *args, **named)

    return {
        **jinja,
        **{name: of_data(crc) for name, crc in CRCS.items()},
        "lrc": of_data(lrc),
        "xor": of_data(xor),
        "sum": pass_environment(sum_of),
        "hex": partial(_hex, data),
        "unhex": lambda value: kind(from_hex(data(value).text())),
        "base64": lambda value: base64.b64encode(data(value)).decode("ascii"),
        "unbase64": lambda value: kind(_from_base64(data(value).text())),
        "bytes": data,
        "text": lambda value: data(value).text(),
        "pack": lambda value, layout: kind(_pack(value, layout)),
        "unpack": lambda value, layout: _unpack(data(value), layout),
        "random": _random,
        **{
            name: of_text(jinja[name])
            for name in ("float", "indent", "int", "reverse", "urlencode")
        },
        "wordwrap": pass_environment(wrap),
    }


def _hex(
    data: Callable[[object], Bytes], value: object, digits: int = 0, upper: bool = False
) -> str:
    """The hex digits of bytes, or of a whole number and at least so many."""
    if isinstance(value, int):
        if value < 0:
            raise ValueError("hex: a negative number has no size of its own; use pack")
        spelled = f"{value:x}".zfill(min(digits, 64))
    else:
        spelled = data(value).hex()
    return spelled.upper() if upper else spelled


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise ValueError(f"not base64: {error}") from None


def _pack(value: object, layout: str) -> bytes:
    if wrong := wrong_format(layout):
        raise ValueError(f"pack: {wrong}")
    if not isinstance(value, (int, float)):
        raise TypeError(f"pack: expected a number, not {type(value).__name__}")
    try:
        return struct.pack(layout, value)
    except (struct.error, OverflowError):
        raise ValueError(f"pack: {value} does not fit into {layout!r}") from None


def _unpack(data: bytes, layout: str) -> int | float:
    if wrong := wrong_format(layout):
        raise ValueError(f"unpack: {wrong}")
    if len(data) != struct.calcsize(layout):
        size = struct.calcsize(layout)
        raise ValueError(f"unpack: {layout!r} is of {size} bytes, and there are {len(data)}")
    number: int | float = struct.unpack(layout, data)[0]
    return number


@pass_context
def _random(context: Context, choices: Any) -> Any:
    """One of several, drawn from what all chances of the reply are drawn from."""
    return context.parent["random"].choice(choices)


def known_filters(like: str) -> str:
    """The filters that there are, all of the CRCs only to somebody who asks for one of them.

    Args:
        like: A name that is none.
    """
    ours = sorted(filters_for(Bytes).keys() - FILTERS.keys())
    if like.startswith("crc"):
        return ", ".join(name for name in ours if name.startswith("crc"))
    others = (name for name in ours if not name.startswith("crc"))
    return ", ".join([*others, "crc8... crc16... crc32...", "and those of Jinja2"])
