"""What the limit on open files allows, on systems of several kinds."""

from __future__ import annotations

import resource

import pytest

from sockreply.daemon.descriptors import OF_COMMANDS, RESERVED, beside_commands, fit_descriptors
from sockreply.rules.replies.commands import AT_ONCE

INFINITY = resource.RLIM_INFINITY


class System:
    """The limit of open files of a process.

    Args:
        soft: What holds now.
        hard: What it can be raised to.
        most: More than this the system refuses to set.
    """

    def __init__(self, soft: int, hard: int, most: int | None = None) -> None:
        self.soft = soft
        self.hard = hard
        self.most = most
        self.calls = 0

    def getrlimit(self, _: int) -> tuple[int, int]:
        return self.soft, self.hard

    def setrlimit(self, _: int, limits: tuple[int, int]) -> None:
        self.calls += 1
        soft, hard = limits
        if hard != self.hard:
            raise ValueError("not allowed to raise maximum limit")
        if self.most is not None and (soft == INFINITY or soft > self.most):
            raise ValueError("Invalid argument")
        self.soft = soft

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Be the system."""
        monkeypatch.setattr(resource, "getrlimit", self.getrlimit)
        monkeypatch.setattr(resource, "setrlimit", self.setrlimit)


@pytest.mark.parametrize(
    ("system", "fitting", "soft"),
    [
        (System(1024, 524_288), 10_000, 524_288),
        (System(1024, 4096), 4096 - RESERVED, 4096),
        (System(4096, 4096), 4096 - RESERVED, 4096),
        (System(1024, INFINITY), 10_000, INFINITY),
        (System(INFINITY, INFINITY), 10_000, INFINITY),
        (System(256, INFINITY, most=24_576), 10_000, 10_000 + RESERVED),
        (System(256, INFINITY, most=5000), 256 - RESERVED, 256),
        (System(10, 10), 0, 10),
    ],
)
def test_what_fits(
    monkeypatch: pytest.MonkeyPatch, system: System, fitting: int, soft: int
) -> None:
    """The soft limit becomes the hard one, or what is wanted; it tells how many fit."""
    system.install(monkeypatch)
    assert fit_descriptors(10_000) == fitting
    assert system.soft == soft


def test_nothing_to_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that is at its highest is left alone."""
    system = System(4096, 4096)
    system.install(monkeypatch)
    assert fit_descriptors(100) == 100
    assert system.calls == 0


def test_system_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the limit cannot be raised, what there is has to do."""
    system = System(1024, 4096, most=0)
    system.install(monkeypatch)
    assert fit_descriptors(10_000) == 1024 - RESERVED


@pytest.mark.parametrize(
    ("room", "connections"), [(10_000, 9_808), (256, 64), (100, 25), (4, 1), (0, 0)]
)
def test_room_beside_commands(room: int, connections: int) -> None:
    """Commands of all connections have their pipes, up to as many as run at a time."""
    assert OF_COMMANDS == 3 * AT_ONCE
    assert beside_commands(room) == connections
    assert connections + 3 * min(AT_ONCE, connections) <= room
