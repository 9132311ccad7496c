"""Whether the load could load: a generator that is held up makes every server look alike.

When others take its processor, redis-benchmark sends less at a time. Each server then wakes up for
a request or two, which costs the slow ones no more than the fast ones, and ratios tend to 1.
"""

from __future__ import annotations

from benchmarks.errors import BenchmarkError
from benchmarks.results import Results

FASTEST, WORK = "c", "one"
"""What shows how much the generator can send: it never waits long for this server."""

LEAST = 0.6
"""Of the best rate of all rounds, what a round has to reach."""


def check_load(results: Results) -> None:
    """Refuse figures of a run in which the generator was held up.

    A run without the fastest server, or of one round, has nothing to compare with and is taken.

    Raises:
        BenchmarkError: Names the rounds and their rates.
    """
    rates = {
        sample.round: sample.figures["per_second"]
        for sample in results.samples
        if (sample.server, sample.work) == (FASTEST, WORK)
    }
    best = max(rates.values(), default=0.0)
    held_up = {number: rate for number, rate in rates.items() if rate < LEAST * best}
    if held_up:
        told = ", ".join(f"{rate:,.0f} in round {number}" for number, rate in held_up.items())
        raise BenchmarkError(
            f"the load could not load: requests per second with C were {told}, but {best:,.0f} in "
            "the best round; measure again on a quiet machine"
        )
