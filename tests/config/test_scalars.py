"""Numbers and names."""

from __future__ import annotations

import math

import pytest

from sockreply.config.scalars import Number, NumberOrNone, PlainText, Whole
from sockreply.errors import ConfigError


def test_types() -> None:
    """Nothing is converted: true is not a number, and a number with a point is not whole."""
    assert [Whole(0).fits(value) for value in (1, True, 1.0, "1")] == [True, False, False, False]
    number = Number("a number", 1)
    assert [number.fits(value) for value in (1, True, 1.0, "1")] == [True, False, True, False]
    assert [PlainText().fits(value) for value in ("", 1, None)] == [True, False, False]


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (Whole(1, 5), [1, 5], [0, 6, 10**5000]),
        (Number("x", most=1, above=0), [0.5, 1], [0, 1.1, math.nan, math.inf]),
        (Number("x", most=1, least=0), [0, 1], [-0.1, -math.inf]),
        (NumberOrNone("x", most=9, least=0.5), [0, -0.0, 0.5, 9], [0.1, -1, 9.1, math.nan]),
    ],
)
def test_ranges(kind: Whole | Number, right: list[float], wrong: list[float]) -> None:
    """The ends of a range are part of it, unless the number has to be above one."""
    for value in right:
        assert kind.read(value) == value  # type: ignore[arg-type] # whole numbers for Whole
    for value in wrong:
        with pytest.raises(ConfigError, match=f"is not {kind.expected}"):
            kind.read(value)  # type: ignore[arg-type] # whole numbers for Whole


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b", "\u202e"])
def test_names(name: str) -> None:
    """A name is seen in logs, so it has to print."""
    assert PlainText().read("저울 1") == "저울 1"
    with pytest.raises(ConfigError, match="is not a name"):
        PlainText().read(name)
