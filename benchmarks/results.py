"""Figures of rounds, and what is told of them: medians, spreads, and ratios within a round."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from statistics import median
from typing import Self


@dataclass(frozen=True)
class Sample:
    """What one round found out about a server at a work.

    Args:
        round: From 1.
        server: A name of `servers.SERVERS`.
        work: A name of `works.WORKS`.
        figures: Of a load: `cpu_us` a request, requests `per_second`, `p50_ms`, `p99_ms` and
            `max_ms`, and what `others` took of a processor meanwhile (beside a flood, times only).
            Of memory: `bytes_at_first`, and `bytes` when the server has settled. Of a start:
            `seconds`.
    """

    round: int
    server: str
    work: str
    figures: dict[str, float]


@dataclass(frozen=True)
class Summary:
    """What is told of a figure: the median of the rounds, the least and the greatest."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Collection[float]) -> Self | None:
        """The summary of these, if there are any."""
        return cls(median(values), min(values), max(values)) if values else None


@dataclass(frozen=True)
class Results:
    """All that a run found out.

    Args:
        date: When it began, as ISO 8601 has it.
        machine: As `machine.facts` tells it.
        samples: Of all rounds.
    """

    date: str
    machine: dict[str, str]
    samples: list[Sample]

    @property
    def rounds(self) -> int:
        """How many there were."""
        return len({sample.round for sample in self.samples})

    def values(self, figure: str) -> list[float]:
        """A figure of all samples that have it."""
        return [sample.figures[figure] for sample in self.samples if figure in sample.figures]

    def summary(self, server: str, work: str, figure: str) -> Summary | None:
        """What is told of a figure of a server at a work, if it was taken."""
        return Summary.of([value for _, _, value in self._taken(server, work, figure)])

    def ratio(self, server: str, work: str, figure: str, to: tuple[str, str]) -> Summary | None:
        """What is told of a figure's ratio to another's that was taken next to it in a round.

        Args:
            server: Whose figure it is.
            work: At what.
            figure: Which.
            to: The server and the work of the other.
        """
        others = self._taken(*to, figure)
        ratios = []
        for place, number, value in self._taken(server, work, figure):
            near = [(abs(at - place), other) for at, round_, other in others if round_ == number]
            if near and (nearest := min(near)[1]):
                ratios.append(value / nearest)
        return Summary.of(ratios)

    def to_json(self) -> str:
        """All of it, a sample a line."""
        samples = ",\n".join(json.dumps(asdict(sample)) for sample in self.samples)
        machine = json.dumps(self.machine)
        return f'{{"date": "{self.date}",\n"machine": {machine},\n"samples": [\n{samples}\n]}}\n'

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote."""
        fields = json.loads(text)
        samples = [Sample(**sample) for sample in fields["samples"]]
        return cls(fields["date"], fields["machine"], samples)

    def _taken(self, server: str, work: str, figure: str) -> list[tuple[int, int, float]]:
        """A figure of a server at a work: in which place it was taken, in which round, and what."""
        return [
            (place, sample.round, sample.figures[figure])
            for place, sample in enumerate(self.samples)
            if (sample.server, sample.work) == (server, work) and figure in sample.figures
        ]
