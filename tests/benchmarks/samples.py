"""Results that are easy to reckon with."""

from __future__ import annotations

from benchmarks.results import Results, Sample
from benchmarks.servers import SERVERS
from benchmarks.works import LOADS, MEMORY, START

MACHINE = {"": "Abacus, 2 processors", "Python": "3.11.0"}


def cpu(round_: int, server: str, cpu_us: float, work: str = "one") -> Sample:
    """A load's figures; all but one do not matter."""
    others = {"per_second": 1000.0, "p50_ms": 0.5, "p99_ms": 2.0, "max_ms": 3.0, "others": 0.01}
    return Sample(round_, server, work, {"cpu_us": cpu_us, **others})


def results(*samples: Sample) -> Results:
    """What was found on a machine."""
    return Results("2026-11-25T12:00:00+00:00", MACHINE, list(samples))


def complete() -> Results:
    """A sample of everything, in two rounds."""
    samples = []
    for number in (1, 2):
        for name, server in SERVERS.items():
            for work in server.works:
                if work in LOADS:
                    samples.append(cpu(number, name, 10.0 * number, work))
                elif work == MEMORY:
                    figures = {"bytes": 2048.0, "bytes_at_first": 4096.0}
                    samples.append(Sample(number, name, work, figures))
                elif work == START:
                    samples.append(Sample(number, name, work, {"seconds": 0.25}))
    return results(*samples)
