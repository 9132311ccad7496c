"""Figures of rounds, and what is told of them: medians, spreads, and ratios within a round."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from statistics import median
from typing import Self


@dataclass(frozen=True)
class Sample:
    """What one round found out about one work of one server.

    Args:
        round: From 1.
        server: A name of `servers.SERVERS`.
        work: A name of `works.WORKS`.
        figures: By what they are: `cpu_us` and `per_second`, `p50_ms` and `p99_ms` of a load,
            `bytes` of memory, `seconds` of a start.
    """

    round: int
    server: str
    work: str
    figures: dict[str, float]


@dataclass(frozen=True)
class Summary:
    """The median of the rounds, the least and the greatest."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> Self:
        """What is told of these."""
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Results:
    """All that a run found out.

    Args:
        date: When it began, as ISO 8601 has it.
        machine: As `machine.facts` tells it.
        rounds: How many there were.
        samples: Of all rounds.
    """

    date: str
    machine: dict[str, str]
    rounds: int
    samples: list[Sample]

    def summary(self, server: str, work: str, figure: str) -> Summary | None:
        """What is told of a figure, if it was taken."""
        values = self._by_round(server, work, figure)
        return Summary.of(list(values.values())) if values else None

    def ratio(
        self, server: str, work: str, figure: str, *, to: tuple[str, str]
    ) -> Summary | None:
        """What is told of a figure's ratio to the same of another server or work in its round.

        Args:
            server: Whose figure it is.
            work: At what.
            figure: Which.
            to: The other server and work.
        """
        values = self._by_round(server, work, figure)
        others = self._by_round(*to, figure)
        ratios = [values[n] / others[n] for n in values if n in others]
        return Summary.of(ratios) if ratios else None

    def to_json(self) -> str:
        """All of it, a sample a line."""
        head = json.dumps({"date": self.date, "rounds": self.rounds, "machine": self.machine})
        samples = ",\n".join(json.dumps(asdict(sample)) for sample in self.samples)
        return f'{head[:-1]}, "samples": [\n{samples}\n]}}\n'

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote."""
        fields = json.loads(text)
        samples = [Sample(**sample) for sample in fields.pop("samples")]
        return cls(samples=samples, **fields)

    def _by_round(self, server: str, work: str, figure: str) -> dict[int, float]:
        return {
            sample.round: sample.figures[figure]
            for sample in self.samples
            if (sample.server, sample.work) == (server, work) and figure in sample.figures
        }
