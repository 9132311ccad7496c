"""The rounds: every server at every work, one after the other."""

from __future__ import annotations

import socket
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import load
from benchmarks.asking import Asker
from benchmarks.disturbance import TOO_MUCH, Disturbance
from benchmarks.errors import BenchmarkError
from benchmarks.flood import flooding
from benchmarks.idle import idle_connections
from benchmarks.machine import Processors
from benchmarks.process import Process, running
from benchmarks.results import Sample
from benchmarks.servers import REDIS, Place, Server
from benchmarks.works import IDLE, LOADS, MEMORY, START

SETTLE_SECONDS = 0.05
"""In which a server meets the end of the load's connections, and goes to sleep."""
ATTEMPTS = 3
"""How often a load is run, if others disturb it each time; the least disturbed one counts."""
APART = 3
"""How many servers are measured between two times that Redis is, to which they are compared."""
REPEATS = 40
"""How many of those there are in a whole run, so that it ends on a busy machine too."""

_BESIDE_IDLE = {work for work, asked in LOADS.items() if asked.idle}
_ALONE = [work for work in LOADS if work not in _BESIDE_IDLE]


@dataclass(frozen=True)
class _Running:
    name: str
    process: Process
    asker: Asker


class Rounds:
    """Measures servers.

    Args:
        servers: By name.
        works: What to measure, of what each server has.
        processors: One for the servers, one for the load; the caller is on that one.
        files: With what a Place names; for more.
    """

    def __init__(
        self,
        servers: Mapping[str, Server],
        works: Collection[str],
        processors: Processors,
        files: Path,
    ) -> None:
        self._works = {name: set(one.works) & set(works) for name, one in servers.items()}
        self._servers = servers
        self._processors = processors
        self._files = files
        self._repeats = REPEATS

    def run(self, number: int) -> Iterator[Sample]:
        """One round.

        Args:
            number: From 1; another server is the first in each.

        Raises:
            BenchmarkError: A server fails or answers wrongly, or a load fails; says which.
        """
        yield from self._under_loads(number)
        for name in self._having({MEMORY, *_BESIDE_IDLE}):
            yield from self._with_idle(name, number)
        for name in self._having({START}):
            with self._up(name) as one:
                yield Sample(number, name, START, {"seconds": one.process.start_seconds})

    def _under_loads(self, number: int) -> Iterator[Sample]:
        """All are up together, so that what is compared is measured within seconds."""
        with ExitStack() as stack:
            up = [stack.enter_context(self._up(name)) for name in self._having(_ALONE)]
            for work in _ALONE:
                here = [one for one in up if work in self._works[one.name]]
                first = number % max(len(here), 1)
                for place, one in enumerate(here[first:] + here[:first]):
                    if place % APART == 0:
                        yield from (
                            self._sample(number, it, work) for it in here if it.name == REDIS
                        )
                    if one.name != REDIS:
                        yield self._sample(number, one, work)

    def _sample(self, number: int, one: _Running, work: str) -> Sample:
        return Sample(number, one.name, work, self._figures(one, work))

    def _with_idle(self, name: str, number: int) -> Iterator[Sample]:
        with self._up(name) as one, _blaming(name, MEMORY):
            one.asker.check()
            before = one.process.resident_bytes()
            with idle_connections(one.asker.port, IDLE):
                if MEMORY in self._works[name]:
                    at_first = one.process.resident_bytes() - before
                    time.sleep(self._servers[name].settle_seconds)
                    later = one.process.resident_bytes() - before
                    figures = {"bytes_at_first": at_first / IDLE, "bytes": later / IDLE}
                    yield Sample(number, name, MEMORY, figures)
                for work in _BESIDE_IDLE & self._works[name]:
                    yield self._sample(number, one, work)

    def _having(self, works: Collection[str]) -> list[str]:
        return [name for name, its in self._works.items() if its & set(works)]

    def _figures(self, one: _Running, work: str) -> dict[str, float]:
        with _blaming(one.name, work):
            one.asker.check()
            attempts = [self._load(one, LOADS[work])]
            while (
                attempts[-1].get("others", 0) > TOO_MUCH
                and len(attempts) < ATTEMPTS
                and self._repeats
            ):
                self._repeats -= 1
                attempts.append(self._load(one, LOADS[work]))
            one.asker.check()
            return min(attempts, key=lambda figures: figures.get("others", 0))

    def _load(self, one: _Running, asked: load.Load) -> dict[str, float]:
        if asked.flood:
            with flooding(one.asker.port):  # for whose requests the server works, too
                return load.run(asked.command(one.asker.port, one.asker.certificate))
        disturbance = Disturbance(self._processors, one.process)
        before = one.process.cpu_seconds()
        figures = load.run(asked.command(one.asker.port, one.asker.certificate))
        time.sleep(SETTLE_SECONDS)
        used = one.process.cpu_seconds() - before
        return {
            "cpu_us": used / asked.requests * 1e6,
            **figures,
            "others": disturbance.share(),
        }

    @contextmanager
    def _up(self, name: str) -> Iterator[_Running]:
        server = self._servers[name]
        place = Place(_free_port(), self._files)
        asker = Asker(place.port, server.reply, place.certificate if server.tls else None)
        with ExitStack() as stack:
            with _blaming(name, START):
                process = stack.enter_context(
                    running(server.command(place), asker, self._processors.server)
                )
            yield _Running(name, process, asker)


def _free_port() -> int:
    """A port of 127.0.0.1 that nobody has now."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port: int = chosen.getsockname()[1]
        return port


@contextmanager
def _blaming(name: str, work: str) -> Iterator[None]:
    try:
        yield
    except BenchmarkError as error:
        raise BenchmarkError(f"{name}, {work}: {error}") from error
