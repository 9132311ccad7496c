"""What a template may ask for: anything sane, and nothing that takes a machine's memory."""

from __future__ import annotations

from typing import Any

import pytest

from sockreply.rules.templates.bounds import (
    LONGEST,
    bound_braces,
    bound_percent,
    bound_power,
    bound_product,
    bound_widths,
)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (3, 4),
        (1.5, 2),
        ("-", 80),
        (80, "-"),
        ("x", LONGEST),
        ([0], 5),
        ("x", -1),
        (2**4000, 2**4000),
    ],
)
def test_sane_products(left: Any, right: Any) -> None:
    """Numbers and short repetitions are multiplied."""
    bound_product(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [("x", LONGEST + 1), (LONGEST + 1, b"x"), ([0] * 1000, LONGEST), (2**8000, 2**8000)],
)
def test_insane_products(left: Any, right: Any) -> None:
    """A result that is too long is an error before it is computed."""
    with pytest.raises(ValueError, match="more than"):
        bound_product(left, right)


def test_powers() -> None:
    """Whole numbers are raised to any power whose result is not too long."""
    bound_power(2, 64)
    bound_power(10, -3)
    bound_power(1e300, 2)
    bound_power("no", "number")
    with pytest.raises(ValueError, match="a number of more than 8192 bits"):
        bound_power(10, 1_000_000)


@pytest.mark.parametrize(
    "layout",
    ["%05d of 10000", "100%% 12345", "%-9999s", "%(name12345)s", "%*".replace("%", "%%"), 7],
)
def test_sane_percent(layout: object) -> None:
    """Numbers beside what `%` formats are just text."""
    bound_percent(layout)


@pytest.mark.parametrize(
    "layout", ["%10000d", "%.99999f", "%-010000d", "%*d", "%(n)10000s", b"%12345d"]
)
def test_insane_percent(layout: object) -> None:
    """A great or computed width is an error."""
    with pytest.raises(ValueError, match="at most four digits"):
        bound_percent(layout)


@pytest.mark.parametrize("layout", ["{:>9999} of 10000", "{{10000}}", "{:*>5}"])
def test_sane_braces(layout: str) -> None:
    """Numbers beside what `format` fills in are just text."""
    bound_braces(layout)


@pytest.mark.parametrize("layout", ["{:10000}", "{0:.99999f}", "{:{}}"])
def test_insane_braces(layout: str) -> None:
    """A great or computed width is an error."""
    with pytest.raises(ValueError, match="at most four digits"):
        bound_braces(layout)


def test_widths() -> None:
    """Of the arguments of what pads text, no number is great."""
    bound_widths("x", LONGEST, None)
    with pytest.raises(ValueError, match="a width of more than"):
        bound_widths("x", LONGEST + 1)
