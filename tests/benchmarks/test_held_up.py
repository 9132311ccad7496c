"""A load that could not load gives no figures."""

from __future__ import annotations

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.held_up import check_load
from benchmarks.results import Sample
from tests.benchmarks.samples import results


def rate(number: int, per_second: float, server: str = "c", work: str = "one") -> Sample:
    """How much was sent in a round."""
    return Sample(number, server, work, {"per_second": per_second})


def test_held_up() -> None:
    """A round in which the generator sent far less than in another is named."""
    with pytest.raises(BenchmarkError, match=r"with C were 50,000 in round 2, but 100,000 in"):
        check_load(results(rate(1, 100_000), rate(2, 50_000), rate(3, 90_000)))


def test_even_rounds() -> None:
    """Small differences are no reason, and slow servers are none."""
    slow = (rate(1, 10, "streams"), rate(2, 10, work="single"))
    check_load(results(rate(1, 100_000), rate(2, 70_000), *slow))


def test_nothing_to_compare_with() -> None:
    """A selection without the fastest server is taken as it is."""
    check_load(results(rate(1, 10, "redis")))
