"""Behind a balancer a daemon may retire while it is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.end_to_end.daemons import RESPONDERS, Daemon, Start, needs_program
from tests.hostile.balancer import Place, balancer
from tests.hostile.figures import Figure, Promise
from tests.hostile.load import Load, Tally
from tests.hostile.naive import NAIVE
from tests.hostile.supervisor import kept_port, restart

RETIREMENTS = 6
EVERY = 1_500
"""Connections between two of them."""

WORKERS = 32
TAKES = "0.02"
"""Seconds that a reply takes: enough that some are under way whenever a daemon is to go."""

StartAt = Callable[[Place], Daemon]


def retire_in_turn(
    load: Load, directory: Path, places: Sequence[Place], start_at: StartAt
) -> Tally:
    """What becomes of the balancer's clients while one daemon after the other goes and comes."""
    daemons = {place.name: start_at(place) for place in places}
    message = TAKES + "\n"
    count = (RETIREMENTS + 1) * EVERY
    with balancer(directory, places) as before:
        for place in places:
            before.wait_until(place.name, "UP")
        with load.crowd(
            before.port, workers=WORKERS, count=count, message=message, reply=message
        ) as crowd:
            for time in range(1, RETIREMENTS + 1):
                place = places[time % len(places)]
                crowd.reach(time * EVERY)
                daemons[place.name] = restart(daemons[place.name], partial(start_at, place))
                before.wait_until(place.name, "UP")
            return crowd.tally()


def assert_nothing_lost(tally: Tally) -> None:
    """Every client of the balancer was answered."""
    assert tally.lost == 0, tally


@needs_program("haproxy")
def test_retiring_loses_no_request(
    load: Load, start_daemon: Start, figure: Figure, tmp_path: Path
) -> None:
    """A daemon that says that it is not ready before it goes costs nobody a reply."""
    options = ("-f", "line", "--responder", f"{RESPONDERS}:waiting", "--drain-delay", "1.5")

    def start_at(place: Place) -> Daemon:
        metrics = ("--metrics", f"tcp:{place.checked}")
        daemon = start_daemon(*options, *metrics, "--listen", where(place))
        daemon.ports(1)
        return daemon

    with ExitStack() as stack:
        ports = [stack.enter_context(kept_port()) for _ in range(4)]
        places = [Place("one", *ports[:2]), Place("two", *ports[2:])]
        tally = retire_in_turn(load, tmp_path, places, start_at)
    figure(Promise.BALANCER, f"{RETIREMENTS} retirements: {tally}")
    assert_nothing_lost(tally)


@needs_program("haproxy")
def test_retiring_without_a_word(
    load: Load, start_daemon: Start, figure: Figure, tmp_path: Path
) -> None:
    """The control: a plain Twisted server costs what it was asked, and the balancer cannot help."""

    def start_at(place: Place) -> Daemon:
        options = ("--close", "--delay", TAKES, "--listen", where(place))
        daemon = start_daemon(*options, runner=NAIVE)
        daemon.ports(1)
        return daemon

    with ExitStack() as stack:
        places = [Place(name, stack.enter_context(kept_port())) for name in ("one", "two")]
        tally = retire_in_turn(load, tmp_path, places, start_at)
    figure(Promise.BALANCER, f"{RETIREMENTS} retirements: {tally}", control=True)
    with pytest.raises(AssertionError):
        assert_nothing_lost(tally)


def where(place: Place) -> str:
    """A place's endpoint string."""
    return f"tcp:{place.port}:interface=127.0.0.1"
