"""How large a value may be that a template asks for, known before it is computed.

`growth` knows of filters and methods, and `allowance` adds up what a template makes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from string import Formatter
from types import MappingProxyType
from typing import Any

from jinja2.utils import Namespace

LONGEST = 1024 * 1024
"""The most bytes of a result, and of what is repeated or padded on the way to it: 16 times what a
message has by default, and little enough for every connection to have one."""

MOST_ITEMS = 100_000
"""The most items of a list, as many as Jinja2 allows a range to have."""

_OF_AN_ITEM = 8  # characters that an item takes in a list, at least in memory
_BITS = 8192  # of a whole number; Python prints none that has many more
# Five digits or a computed width, in what stands between % and a letter or between braces.
_WIDE_PERCENT = re.compile(r"%(\([^)]*\))?[-#+ 0-9.]*?([0-9]{5}|\*)")
_NAMED_PERCENT = re.compile(r"%\(([^)]*)\)")
_WIDTH = re.compile(r"[0-9]{1,4}")
_WIDE_BRACES = re.compile(r"\{[^{}]*([0-9]{5}|\{)")


def weigh(*values: object, limit: int = LONGEST) -> int:
    """About as many characters as values have when they are printed, and what is in them.

    Raises:
        ValueError: They are more than the limit.
    """
    total, left = 0, list(values)
    while left:
        value = left.pop()
        within: Any = ()
        if isinstance(value, (str, bytes)):
            total += len(value)
        elif isinstance(value, int):
            total += value.bit_length() // 3
        elif isinstance(value, dict):
            within = (*value.keys(), *value.values())
        elif isinstance(value, (list, tuple, set, frozenset)):
            within = value
        elif isinstance(value, Namespace):
            within = (object.__getattribute__(value, "__dict__"),)
        total += _OF_AN_ITEM * (1 + len(within))
        if total > limit:
            raise ValueError(f"a value of more than {max(0, limit)}")
        left += within
    return total


def text_of(value: object) -> str:
    """A value as it is printed.

    Raises:
        ValueError: It is too large.
    """
    if not isinstance(value, (str, int, float)):
        weigh(value)
    return str(value)


def bound_sum(left: Any, right: Any) -> None:
    """See that two texts or lists are not too long together.

    Raises:
        ValueError: They are.
    """
    if hasattr(left, "__len__") and hasattr(right, "__len__"):
        _bound_length(len(left) + len(right), left)


def _bound_length(length: int, of: object) -> None:
    text = isinstance(of, (str, bytes))
    most = LONGEST if text else MOST_ITEMS
    if length > most:
        raise ValueError(f"a {'text' if text else 'list'} of more than {most}")


def bound_product(left: Any, right: Any) -> None:
    """See that a repetition, or a product of whole numbers, is not too long.

    Raises:
        ValueError: It is.
    """
    times, of = (left, right) if isinstance(left, int) else (right, left)
    if not isinstance(times, int):
        return
    if isinstance(of, int):
        _bound_bits(times.bit_length() + of.bit_length())
    elif hasattr(of, "__len__"):
        _bound_length(times * len(of), of)


def bound_power(left: Any, right: Any) -> None:
    """See that a power of whole numbers is not too long.

    Raises:
        ValueError: It is.
    """
    if isinstance(left, int) and isinstance(right, int):
        _bound_bits(left.bit_length() * right)


def _bound_bits(bits: int) -> None:
    if bits > _BITS:
        raise ValueError(f"a number of more than {_BITS} bits")


def bound_percent(layout: object, values: object = (), *more: object, **named: object) -> None:
    """See that a format of `%` asks for no great width, and for no great text.

    Raises:
        ValueError: It does.
    """
    if isinstance(layout, (str, bytes)):
        size, names = _percent(str(layout))
        fills: Any = named or values
        if isinstance(fills, dict):
            weigh([fills.get(name) for name in names], limit=LONGEST - size)
        elif more or not isinstance(values, (int, float)):
            weigh(values, more, limit=LONGEST - size)


@lru_cache
def _percent(layout: str) -> tuple[int, list[str]]:
    """The size of a layout with its widths, and the names in it."""
    text = layout.replace("%%", "")
    return _size(text, _WIDE_PERCENT), _NAMED_PERCENT.findall(text)


def bound_braces(
    layout: str, values: Sequence[object] = (), named: Any = MappingProxyType({})
) -> None:
    """See that a format of `str.format` asks for no great width, and for no great text.

    Raises:
        ValueError: It does.
    """
    size = _size(layout.replace("{{", ""), _WIDE_BRACES)
    fields = [field for _, field, _, _ in Formatter().parse(layout) if field is not None]
    by_name = {str(number): value for number, value in enumerate(values)} | dict(named)
    firsts = [re.split(r"[.\[]", field, maxsplit=1)[0] for field in fields]
    weigh(values, [by_name.get(first) for first in firsts], limit=LONGEST - size)


def _size(layout: str, wide: re.Pattern[str]) -> int:
    if wide.search(layout):
        raise ValueError("the widths in a format are numbers of at most four digits")
    return len(layout) + sum(int(width) for width in _WIDTH.findall(layout))


def bound_widths(*widths: object, most: int = LONGEST) -> None:
    """See that no argument of what pads text or a list is too large.

    Raises:
        ValueError: One is.
    """
    for width in widths:
        if isinstance(width, int) and width > most:
            raise ValueError(f"a width of more than {most}")
