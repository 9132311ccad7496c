"""What cannot start ends at once, and does not stay without listening."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from tests.end_to_end.daemons import Daemon, Start, in_each_foreground
from tests.hostile.figures import Figure, Promise
from tests.hostile.naive import NAIVE

AT_ONCE = 5.0
"""Seconds in which a start has failed: half a second, on a machine that has other work."""


@pytest.fixture(scope="module")
def taken() -> Iterator[str]:
    """The endpoint string of a port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield f"tcp:{other.getsockname()[1]}:interface=127.0.0.1"


def assert_fails_at_once(daemon: Daemon) -> None:
    """It ends by itself, and not with success."""
    assert daemon.ends_within(AT_ONCE)
    assert daemon.wait() != 0


@in_each_foreground
def test_taken_port_ends_the_start(
    start_daemon: Start, figure: Figure, taken: str, runner: str
) -> None:
    """A port that somebody has ends the start, without having said that it is ready."""
    begun = time.monotonic()
    daemon = start_daemon("--listen", taken, runner=runner)
    assert_fails_at_once(daemon)
    took = time.monotonic() - begun
    figure(
        Promise.FAILED_START,
        f"{runner}, port taken: exit status {daemon.wait()} after {took:.2f} s",
    )


def test_service_that_lives_on(start_daemon: Start, figure: Figure, taken: str) -> None:
    """The control: a StreamServerEndpointService logs that, and lives on without a port."""
    daemon = start_daemon("--listen", taken, runner=NAIVE)
    daemon.wait_for("Address already in use")
    with pytest.raises(AssertionError):
        assert_fails_at_once(daemon)
    figure(
        Promise.FAILED_START,
        f"port taken: still there after {AT_ONCE:g} s, not listening",
        control=True,
    )
