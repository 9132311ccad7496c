"""How much a template may ask for, as far as that can be known before it is computed.

What it cannot bound, the operator's template is trusted with: loops in loops, and text that is
doubled again and again.
"""

from __future__ import annotations

import re
from typing import Any

LONGEST = 1024 * 1024
"""The most bytes of a result, and of what is repeated or padded on the way to it: 16 times what a
message has by default, and little enough for every connection to have one."""

_BITS = 8192  # of a whole number; Python prints none that has many more
# Five digits or a computed width, in what stands between % and a letter or between braces.
_WIDE_PERCENT = re.compile(r"%(\([^)]*\))?[-#+ 0-9.]*?([0-9]{5}|\*)")
_WIDE_BRACES = re.compile(r"\{[^{}]*([0-9]{5}|\{)")


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
    elif hasattr(of, "__len__") and times * len(of) > LONGEST:
        raise ValueError(f"a repetition of more than {LONGEST}")


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


def bound_percent(layout: object, *_: object) -> None:
    """See that a format of `%` asks for no great width.

    Raises:
        ValueError: It does.
    """
    if isinstance(layout, (str, bytes)):
        _bound_layout(_WIDE_PERCENT.search(str(layout).replace("%%", "")))


def bound_braces(layout: str) -> None:
    """See that a format of `str.format` asks for no great width.

    Raises:
        ValueError: It does.
    """
    _bound_layout(_WIDE_BRACES.search(layout.replace("{{", "")))


def _bound_layout(found: re.Match[str] | None) -> None:
    if found:
        raise ValueError("the widths in a format are numbers of at most four digits")


def bound_widths(*widths: object) -> None:
    """See that no argument of what pads text is too large.

    Raises:
        ValueError: One is.
    """
    for width in widths:
        if isinstance(width, int) and width > LONGEST:
            raise ValueError(f"a width of more than {LONGEST}")
