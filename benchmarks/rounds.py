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
from benchmarks.errors import BenchmarkError
from benchmarks.idle import idle_connections
from benchmarks.machine import Processors
from benchmarks.process import Process
from benchmarks.results import Sample
from benchmarks.servers import Place, Server
from benchmarks.works import IDLE, LOADS, MEMORY, START

SETTLE_SECONDS = 0.05
"""In which a server meets the end of the load's connections."""


@dataclass(frozen=True)
class Running:
    """A server that is up."""

    name: str
    process: Process
    asker: Asker


class Rounds:
    """Measures servers.

    Args:
        servers: By name.
        works: What to measure, of what each server has.
        processors: One for the servers, one for the load; the caller is on that one.
        files: With `certificate.pem` and `c_epoll`; for more.
    """

    def __init__(
        self,
        servers: Mapping[str, Server],
        works: Collection[str],
        processors: Processors,
        files: Path,
    ) -> None:
        self._servers = servers
        self._works = works
        self._processors = processors
        self._files = files

    def run(self, number: int) -> Iterator[Sample]:
        """One round.

        Servers under load are up together, so that what is compared is measured within seconds;
        each of them begins in one round.

        Raises:
            BenchmarkError: A server fails or answers wrongly, or a load fails; says which.
        """
        with ExitStack() as stack:
            up = [stack.enter_context(self._up(name)) for name in self._having(_STEADY)]
            for work in _STEADY:
                here = [one for one in up if work in self._at(one.name)]
                first = number % len(here) if here else 0
                for one in here[first:] + here[:first]:
                    yield self._under_load(one, work, number)
        for name in self._having({_BESIDE_IDLE, MEMORY}):
            yield from self._with_idle(name, number)
        for name in self._having({START}):
            with self._up(name) as one:
                yield Sample(number, name, START, {"seconds": one.process.start_seconds})

    def _having(self, works: Collection[str]) -> list[str]:
        return [name for name in self._servers if self._at(name) & set(works)]

    def _at(self, name: str) -> set[str]:
        return set(self._servers[name].works) & set(self._works)

    def _under_load(self, one: Running, work: str, number: int) -> Sample:
        with _blamed(f"{one.name}, {work}"):
            asked = LOADS[work]
            one.asker.check()
            before = one.process.cpu_seconds()
            figures = load.run(asked.command(one.asker.port, one.asker.certificate))
            time.sleep(SETTLE_SECONDS)
            used = one.process.cpu_seconds() - before
            one.asker.check()
            return Sample(
                number, one.name, work, {"cpu_us": used / asked.requests * 1e6, **figures}
            )

    def _with_idle(self, name: str, number: int) -> Iterator[Sample]:
        with self._up(name) as one, _blamed(f"{name}, {MEMORY}"):
            one.asker.check()
            before = one.process.resident_bytes()
            with idle_connections(one.asker.port, IDLE):
                grown = one.process.resident_bytes() - before
                if MEMORY in self._at(name):
                    yield Sample(number, name, MEMORY, {"bytes": grown / IDLE})
                if _BESIDE_IDLE in self._at(name):
                    yield self._under_load(one, _BESIDE_IDLE, number)

    @contextmanager
    def _up(self, name: str) -> Iterator[Running]:
        server = self._servers[name]
        certificate = self._files / "certificate.pem"
        place = Place(free_port(), self._files, certificate, self._files / "c_epoll")
        asker = Asker(place.port, server.reply, certificate if server.tls else None)
        process = Process(server.command(place), asker, self._processors.server)
        with ExitStack() as stack:
            with _blamed(f"{name}, start"):
                stack.enter_context(process)
            yield Running(name, process, asker)


_STEADY = [name for name, asked in LOADS.items() if not asked.idle]
_BESIDE_IDLE = "beside idle"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has now."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port: int = chosen.getsockname()[1]
        return port


@contextmanager
def _blamed(where: str) -> Iterator[None]:
    try:
        yield
    except BenchmarkError as error:
        raise BenchmarkError(f"{where}: {error}") from error
