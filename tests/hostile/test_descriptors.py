"""Too few file descriptors are told at the start, and survived later."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import pytest

from tests.end_to_end.clients import connect, read_bytes
from tests.end_to_end.daemons import RESPONDERS, Daemon, Start, in_each_foreground, with_open_files
from tests.hostile.figures import Figure, Promise
from tests.hostile.load import Load, Tally
from tests.hostile.naive import ANYWHERE, NAIVE

FEW = with_open_files(100, 100)
CROWD = 300
AT_ONCE = 5.0
"""Seconds in which a start has failed: half a second, on a machine that has other work."""

TWO_SERVICES = f"""
[services.hoarder]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
keep_alive = true
responder = "{RESPONDERS}:Hoarder"

[services.echo]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
otherwise = {{ echo = true }}
"""
"""The first one takes all descriptors on `take`, and gives them back on `free`."""


def assert_refuses_to_start(daemon: Daemon) -> None:
    """It ends by itself, and not with success."""
    assert daemon.ends_within(AT_ONCE)
    assert daemon.wait() != 0


@in_each_foreground
def test_limit_that_does_not_fit_is_told_at_the_start(
    start_daemon: Start, figure: Figure, runner: str
) -> None:
    """200 connections under 100 open files end the start, with one line of the numbers."""
    begun = time.monotonic()
    daemon = start_daemon("--max-connections", "200", runner=runner, under=FEW)
    assert_refuses_to_start(daemon)
    took = time.monotonic() - begun
    (said,) = [line for line in daemon.log.splitlines() if "#info]" not in line]
    figure(Promise.TOO_FEW_FILES, f"{runner}: exit status {daemon.wait()} after {took:.2f} s")
    assert daemon.wait() == 1
    assert "max-connections 200" in said
    assert "36" in said


def test_limit_that_nobody_looks_at(start_daemon: Start, figure: Figure) -> None:
    """The control: a plain Twisted server starts all the same."""
    daemon = start_daemon(*ANYWHERE, "--most", "200", runner=NAIVE, under=FEW)
    assert daemon.port
    with pytest.raises(AssertionError):
        assert_refuses_to_start(daemon)
    figure(Promise.TOO_FEW_FILES, f"still there after {AT_ONCE:g} s", control=True)


@dataclass(frozen=True)
class Shortage:
    """What happened while there were no descriptors, and afterwards."""

    tally: Tally
    served: int
    """Requests answered meanwhile on connections that were there."""
    load: float
    """The part of a processor that was used meanwhile."""
    lines: int
    """Logged meanwhile."""
    recovery: float
    """Seconds until all who waited were served."""

    def __str__(self) -> str:
        return (
            f"{self.served} of {INSIDE} old connections served, {100 * self.load:.0f} % CPU, "
            f"{self.lines} log lines; {self.tally}, all {self.recovery:.2f} s later"
        )


INSIDE = 10
"""Connections that are there when descriptors run out."""

SHORTAGE = 2.0
"""Seconds without descriptors, in which a busy loop would use as much of a processor."""


@contextmanager
def connected(port: int) -> Iterator[Sequence[socket]]:
    """Clients."""
    with ExitStack() as stack:
        yield [stack.enter_context(connect(port)) for _ in range(INSIDE)]


def told(client: socket, word: bytes) -> bool:
    """Is a client's word answered, with itself?"""
    client.sendall(word + b"\n")
    return read_bytes(client, len(word) + 1) == word + b"\n"


def test_running_out_of_descriptors_is_survived(
    load: Load, start_daemon: Start, figure: Figure, tmp_path: Path
) -> None:
    """300 clients come while there are none: they wait, quietly, and then all are served."""
    file = tmp_path / "two.toml"
    file.write_text(TWO_SERVICES)
    daemon = start_daemon("--config", str(file), under=FEW)
    hoarder, echo = daemon.ports(2)
    with connected(hoarder) as inside:
        assert all(told(client, b"hello") for client in inside)
        assert told(inside[0], b"take")
        with load.crowd(echo, workers=CROWD, count=CROWD) as crowd:
            daemon.wait_for("cannot accept: Too many open files")
            used, lines = daemon.cpu(), daemon.log.count("\n")
            time.sleep(SHORTAGE)
            cpu = (daemon.cpu() - used) / SHORTAGE
            lines = daemon.log.count("\n") - lines
            served = sum(told(client, b"still here") for client in inside)
            freed = time.monotonic()
            assert told(inside[0], b"free")
            tally = crowd.tally()
            what = Shortage(tally, served, cpu, lines, time.monotonic() - freed)
    figure(Promise.NO_FILES_LEFT, str(what))
    assert what.served == INSIDE
    assert what.load < 0.1
    assert what.lines <= SHORTAGE
    assert_nobody_reset(tally)


def assert_nobody_reset(tally: Tally) -> None:
    """Who came when there were no descriptors was served when there were."""
    assert tally.lost == 0, tally


def test_twisted_resets_who_waits(load: Load, start_daemon: Start, figure: Figure) -> None:
    """The control: Twisted makes room by resetting whoever waits."""
    daemon = start_daemon(*ANYWHERE, "--close", "--delay", "0.5", runner=NAIVE, under=FEW)
    tally = load.send(daemon.port, workers=CROWD, count=CROWD)
    figure(Promise.NO_FILES_LEFT, f"{tally}", control=True)
    with pytest.raises(AssertionError):
        assert_nobody_reset(tally)
