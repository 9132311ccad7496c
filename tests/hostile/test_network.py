"""A daemon that is handed its socket serves it without having any network."""

from __future__ import annotations

import pytest

from sockreply.server.listening import BACKLOG
from tests.end_to_end.activation import port_of, start_on, tcp_listener
from tests.end_to_end.daemons import Start
from tests.hostile.figures import Figure, Promise
from tests.hostile.load import Load, Tally
from tests.hostile.naive import ANYWHERE, NAIVE
from tests.hostile.namespace import ALONE, interfaces, needs_namespace

OURS = ("--listen", "systemd:domain=INET:name=ours")
CLIENTS = 20_000
WORKERS = 32


def assert_all_served(tally: Tally) -> None:
    """Every client was answered."""
    assert tally.lost == 0, tally


@needs_namespace
def test_serves_without_a_network(load: Load, start_daemon: Start, figure: Figure) -> None:
    """A daemon in a network namespace with nothing in it answers 20,000 clients."""
    with tcp_listener(backlog=BACKLOG) as listener:
        options = (*OURS, "-f", "line", "--echo")
        daemon = start_on(start_daemon, [listener], "ours", *options, under=ALONE)
        daemon.wait_for("listening on")
        tally = load.send(port_of(listener), workers=WORKERS, count=CLIENTS)
        assert interfaces(daemon) == {"lo": False}
    figure(Promise.NO_NETWORK, f"{tally}")
    assert_all_served(tally)


@needs_namespace
def test_own_port_without_a_network(load: Load, start_daemon: Start, figure: Figure) -> None:
    """The control: a server that opens its port itself cannot be reached there."""
    daemon = start_daemon(*ANYWHERE, "--close", runner=NAIVE, under=ALONE)
    tally = load.send(daemon.port, workers=WORKERS, count=1_000)
    figure(Promise.NO_NETWORK, f"{tally}", control=True)
    with pytest.raises(AssertionError):
        assert_all_served(tally)
