"""A daemon that is handed its socket serves it without having any network."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from sockreply.server.listening import BACKLOG
from tests.end_to_end.activation import port_of, start_on, tcp_listener
from tests.end_to_end.daemons import ROOT, Start, needs_program
from tests.end_to_end.waiting import PATIENCE
from tests.hostile.figures import Figure, Promise
from tests.hostile.load import Load, Tally
from tests.hostile.naive import ANYWHERE, NAIVE
from tests.hostile.namespace import ALONE, interfaces, needs_namespace

OURS = ("--listen", "systemd:domain=INET:name=ours")
UNITS = ROOT / "etc" / "systemd"
SERVICE = "sockreply.service"
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


BARE = """
[Service]
ExecStart=/usr/bin/python3 -m naive_server
User=daemon
"""
"""A service that is only not root's."""


def exposure(directory: Path) -> float:
    """What systemd says that the service in a directory could do if it were broken into, of 10."""
    words = ["systemd-analyze", "security", "--offline=true", f"./{SERVICE}"]
    analyzed = subprocess.run(
        words, cwd=directory, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    found = re.search(rf"exposure level for {SERVICE}: (\d+\.\d)", analyzed.stdout)
    assert found, analyzed
    return float(found[1])


@needs_program("systemd-analyze")
@pytest.mark.parametrize(
    ("drop_ins", "most"),
    [
        pytest.param([], 1.3, id="as shipped"),
        pytest.param(["tls.conf"], 1.3, id="with a key"),
        pytest.param(["activated.conf"], 0.6, id="without a network"),
        pytest.param(["activated.conf", "tls.conf"], 0.6, id="without a network, with a key"),
    ],
)
def test_service_is_confined(
    tmp_path: Path, figure: Figure, drop_ins: Sequence[str], most: float
) -> None:
    """The service may do next to nothing, and less where it needs no network."""
    shutil.copy(UNITS / SERVICE, tmp_path)
    (tmp_path / f"{SERVICE}.d").mkdir()
    for drop_in in drop_ins:
        shutil.copy(UNITS / "drop-ins" / drop_in, tmp_path / f"{SERVICE}.d")
    found = exposure(tmp_path)
    figure(Promise.CONFINEMENT, f"{SERVICE}, drop-ins {', '.join(drop_ins) or 'none'}: {found}")
    assert found <= most


@needs_program("systemd-analyze")
def test_service_that_is_not_confined(tmp_path: Path, figure: Figure) -> None:
    """The control: a user of its own is not much."""
    (tmp_path / SERVICE).write_text(BARE)
    found = exposure(tmp_path)
    figure(Promise.CONFINEMENT, f"a service with User= alone: {found}", control=True)
    assert found > 1.3
