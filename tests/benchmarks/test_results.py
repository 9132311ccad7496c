"""Figures of rounds become medians, spreads and ratios."""

from __future__ import annotations

from benchmarks.results import Results, Summary
from tests.benchmarks.samples import complete, cpu, results

REDIS_AT_ONE = ("redis", "one")


def test_summary_is_the_median_with_the_least_and_the_greatest() -> None:
    """One slow round moves the spread and not the median."""
    taken = results(cpu(1, "c", 5.0), cpu(2, "c", 90.0), cpu(3, "c", 6.0))
    assert taken.summary("c", "one", "cpu_us") == Summary(6.0, 5.0, 90.0)


def test_summary_of_two_rounds_is_between_them() -> None:
    """The median of an even number of rounds is the mean of the middle two."""
    taken = results(cpu(1, "c", 5.0), cpu(2, "c", 7.0))
    assert taken.summary("c", "one", "cpu_us") == Summary(6.0, 5.0, 7.0)


def test_ratio_is_made_within_a_round() -> None:
    """A machine that is ten times slower in one round leaves the ratios alone."""
    taken = results(
        *(cpu(1, "redis", 10.0), cpu(1, "c", 5.0)),
        *(cpu(2, "redis", 100.0), cpu(2, "c", 50.0)),
    )
    assert taken.ratio("c", "one", "cpu_us", REDIS_AT_ONE) == Summary(0.5, 0.5, 0.5)


def test_ratio_is_to_what_was_taken_next_to_it() -> None:
    """A machine that is slower for a part of a round leaves the ratios alone, too."""
    taken = results(
        *(cpu(1, "redis", 10.0), cpu(1, "c", 5.0), cpu(1, "streams", 15.0)),
        *(cpu(1, "twisted", 40.0), cpu(1, "redis", 20.0), cpu(1, "lines", 60.0)),
    )
    assert [
        taken.ratio(name, "one", "cpu_us", REDIS_AT_ONE)
        for name in ("c", "streams", "twisted", "lines")
    ] == [Summary(ratio, ratio, ratio) for ratio in (0.5, 1.5, 2.0, 3.0)]
    assert taken.summary("redis", "one", "cpu_us") == Summary(15.0, 10.0, 20.0)


def test_ratio_is_of_rounds_that_have_both() -> None:
    """A round without the other figure has no ratio."""
    taken = results(cpu(1, "redis", 10.0), cpu(1, "c", 5.0), cpu(2, "c", 50.0))
    assert taken.ratio("c", "one", "cpu_us", REDIS_AT_ONE) == Summary(0.5, 0.5, 0.5)


def test_ratio_may_be_to_another_work() -> None:
    """What idle connections cost is a ratio to the same server without them."""
    taken = results(cpu(1, "c", 5.0), cpu(1, "c", 6.0, "beside idle"))
    ratio = taken.ratio("c", "beside idle", "cpu_us", ("c", "one"))
    assert ratio == Summary(1.2, 1.2, 1.2)


def test_what_was_not_taken_is_not_told() -> None:
    """Neither a figure nor a ratio is made up."""
    taken = results(cpu(1, "c", 5.0))
    assert taken.summary("redis", "one", "cpu_us") is None
    assert taken.summary("c", "one", "bytes") is None
    assert taken.ratio("c", "one", "cpu_us", REDIS_AT_ONE) is None


def test_rounds_are_counted() -> None:
    """However many samples each has."""
    assert results(cpu(1, "c", 5.0), cpu(1, "redis", 5.0), cpu(2, "c", 5.0)).rounds == 2


def test_json_has_all_of_it() -> None:
    """What was written is what is read."""
    taken = complete()
    assert Results.from_json(taken.to_json()) == taken
