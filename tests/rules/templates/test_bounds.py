"""What a template may ask for: anything sane, and nothing that takes a machine's memory."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2.utils import Namespace

from sockreply.rules.templates.bounds import (
    LONGEST,
    MOST_ITEMS,
    bound_braces,
    bound_percent,
    bound_power,
    bound_product,
    bound_sum,
    bound_widths,
    text_of,
    weigh,
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
    [("x", LONGEST + 1), (LONGEST + 1, b"x"), ([0] * 1000, 101), (2**8000, 2**8000)],
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


def nested(times: int) -> list[Any]:
    """A list that holds itself, doubled so many times."""
    made: list[Any] = [1]
    for _ in range(times):
        made = [made, made]
    return made


@pytest.mark.parametrize(
    ("value", "about"),
    [
        ("x" * 100, 100),
        (b"x" * 100, 100),
        (2**300, 100),
        (["x" * 50, ("x" * 40,)], 100),
        ({"x" * 50: "x" * 50}, 100),
        ({"x" * 100}, 100),
        (Namespace(x="x" * 100), 100),
        (None, 0),
    ],
)
def test_weights(value: object, about: int) -> None:
    """A value weighs about what it has when it is printed, however it is nested."""
    assert about <= weigh(value) <= about + 120


@pytest.mark.parametrize(
    "value",
    ["x" * (LONGEST + 1), ["x" * 1000] * 1100, nested(60), {1: [[0] * 1000] * 1000}, [0] * 200_000],
)
def test_too_heavy(value: object) -> None:
    """What is too large is not looked at to its end."""
    with pytest.raises(ValueError, match=f"a value of more than {LONGEST}"):
        weigh(value)
    if not isinstance(value, str):
        with pytest.raises(ValueError, match=f"a value of more than {LONGEST}"):
            text_of(value)


def test_printed() -> None:
    """What is not too large is printed as ever."""
    assert text_of([1, "a"]) == "[1, 'a']"
    assert text_of(1.5) == "1.5"


def test_sums() -> None:
    """Two texts, or two lists, are not too long together."""
    bound_sum(1, 2)
    bound_sum("a", "b")
    bound_sum([0] * MOST_ITEMS, [])
    with pytest.raises(ValueError, match="a text of more than"):
        bound_sum("x" * LONGEST, "x")
    with pytest.raises(ValueError, match="a list of more than"):
        bound_sum([0] * MOST_ITEMS, [0])


HEAVY = "x" * 600_000


@pytest.mark.parametrize(
    ("layout", "values"),
    [
        ("%s", HEAVY),
        ("%s %s", (HEAVY, "x")),
        ("%(a)s %(b)s", {"a": HEAVY, "b": 1, "c": HEAVY}),
        ("%d of 9999", 5),
        ("%5.1f" * 1000, (1.5,) * 1000),
    ],
)
def test_small_results_of_percent(layout: str, values: object) -> None:
    """What is filled in may be long, if the result is not too long."""
    bound_percent(layout, values)


@pytest.mark.parametrize(
    ("layout", "values"),
    [("%(a)s" * 2, {"a": HEAVY}), ("%s%s", (HEAVY, HEAVY)), ("%9999d" * 200, (1,) * 200)],
)
def test_great_results_of_percent(layout: str, values: object) -> None:
    """A result that is too long is an error before it is computed."""
    with pytest.raises(ValueError, match="a value of more than"):
        bound_percent(layout, values)


def test_named_values_of_percent() -> None:
    """As the filter `format` takes them."""
    bound_percent("%(a)s", a=HEAVY)
    with pytest.raises(ValueError, match="a value of more than"):
        bound_percent("%(a)s%(a)s", a=HEAVY)
    with pytest.raises(ValueError, match="a value of more than"):
        bound_percent("%s%s", HEAVY, HEAVY)


def test_results_of_braces() -> None:
    """A value counts each time that it is filled in."""
    bound_braces("{0} {0[1]} {} {a.b:>20} {{", (HEAVY[:9],), {"a": HEAVY, "c": HEAVY})
    for layout in ("{0}{0}", "{a}{a}", "{0.text}{0}", "{:9999}" * 200):
        with pytest.raises(ValueError, match="a value of more than"):
            bound_braces(layout, (HEAVY,), {"a": HEAVY})
