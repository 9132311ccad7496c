"""Sockets that systemd opens: nobody is refused and nobody lost, whatever becomes of the daemon."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.system.machines import PARCEL, SLOW, Machine
from tests.system.operators import (
    ACTIVATED,
    BY_THE_LINE,
    CLIENTS,
    FILE,
    SERVICE,
    SOCKET,
    activate,
    ask,
    configure,
    journal,
    load,
    main_pid,
    one_each,
    rule,
    start_asking,
    tell,
    wait_for_another,
    wait_for_many_tries,
)

METRICS_SOCKET = "sockreply-metrics.socket"
READ_METRICS = (
    "python3",
    "-c",
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9464/metrics').read()",
)

KEPT = one_each(ACTIVATED) + rule("who", '"me"')
"""A file for a daemon whose port systemd opens."""
OWN = one_each(BY_THE_LINE) + rule("who", '"me"')
"""A file for one that opens its port itself."""

RESTARTS = 3
"""How often."""


def restart(machine: Machine) -> None:
    """Restart the daemon, as an operator does."""
    machine.run("systemctl", "restart", SERVICE)


def upgrade(machine: Machine) -> None:
    """Install a newer package."""
    machine.run("dpkg", "--install", f"{PARCEL}/newer.deb")


def kill(machine: Machine) -> None:
    """End the daemon without a word, and wait for the next one."""
    before = main_pid(machine)
    machine.run("systemctl", "kill", "--signal=KILL", "--kill-who=main", SERVICE)
    wait_for_another(machine, before)


def test_first_client_starts_the_daemon(machine: Machine) -> None:
    """With the socket alone enabled, the daemon starts when somebody comes, and answers it."""
    activate(machine, ACTIVATED + rule("who", '"me"'))
    machine.run("systemctl", "stop", SERVICE)
    assert main_pid(machine) == 0
    assert ask(machine, "who") == "me\n"
    assert main_pid(machine) != 0


def test_daemon_has_no_network(machine: Machine) -> None:
    """A daemon that is handed its sockets answers, though it has a network namespace of its own."""
    activate(machine, ACTIVATED + rule("who", '"me"'))
    assert ask(machine, "who") == "me\n"
    namespaces = [machine.run("readlink", f"/proc/{pid}/ns/net") for pid in (1, main_pid(machine))]
    assert namespaces[0] != namespaces[1]


@pytest.mark.parametrize(("how", "times"), [(restart, RESTARTS), (upgrade, 1)])
def test_nobody_is_lost(machine: Machine, how: Callable[[Machine], None], times: int) -> None:
    """Restarts and an upgrade under load lose no connection and no reply."""
    activate(machine, KEPT)
    pids = {main_pid(machine)}
    with load(machine) as asked:
        for _ in range(times):
            how(machine)
            pids.add(main_pid(machine))
    assert asked.lost == 0, asked.became
    assert asked.count("answered") > 100
    assert len(pids) == times + 1


def test_kill_loses_only_what_was_in_flight(machine: Machine) -> None:
    """A daemon that is killed under load refuses nobody, and loses only what it was answering."""
    activate(machine, KEPT)
    with load(machine) as asked:
        for _ in range(RESTARTS):
            kill(machine)
    assert asked.count("not connected") == 0, asked.became
    assert asked.lost <= RESTARTS * CLIENTS, asked.became
    assert tell(machine, SERVICE, "NRestarts") == str(RESTARTS)


@pytest.mark.parametrize("how", [restart, upgrade, kill])
def test_port_of_its_own_refuses_meanwhile(
    machine: Machine, how: Callable[[Machine], None]
) -> None:
    """The control: a daemon that opens its port itself refuses clients while it is away."""
    configure(machine, OWN)
    with load(machine) as asked:
        how(machine)
    assert asked.count("not connected") > 0, asked.became


def test_stop_drains_and_keeps_the_socket(machine: Machine) -> None:
    """What was asked before a stop is answered, and who comes then starts the daemon again."""
    activate(machine, ACTIVATED + rule("slow", '[{ delay = 2 }, "late"]') + rule("who", '"me"'))
    asking = start_asking(machine, "slow")
    machine.run("systemctl", "stop", SERVICE)
    assert asking.communicate(timeout=SLOW)[0] == "late\n"
    assert tell(machine, SERVICE, "Result") == "success"
    assert tell(machine, SOCKET, "ActiveState") == "active"
    assert ask(machine, "who") == "me\n"


def test_stopping_the_socket_stops_both(machine: Machine) -> None:
    """`systemctl stop sockreply.socket` ends the daemon, too, and then clients are refused."""
    activate(machine, ACTIVATED + rule("who", '"me"'))
    machine.run("systemctl", "stop", SOCKET)
    assert main_pid(machine) == 0
    assert machine.status("sockreply", "send", "--framing", "line", "who") == 1
    assert main_pid(machine) == 0


def test_metrics_come_and_go_with_the_port(machine: Machine) -> None:
    """Who asks for metrics does not start again what was stopped, and both ports open together."""
    metrics = '[metrics]\nlisten = "systemd:domain=INET:name=metrics"\n\n'
    activate(machine, metrics + ACTIVATED + rule("who", '"me"'), METRICS_SOCKET)
    assert machine.status(*READ_METRICS) == 0
    machine.run("systemctl", "stop", SOCKET)
    assert machine.status(*READ_METRICS) != 0
    assert [tell(machine, unit, "ActiveState") for unit in (SERVICE, SOCKET)] == ["inactive"] * 2
    machine.run("systemctl", "start", SOCKET)
    assert ask(machine, "who") == "me\n"
    assert machine.status(*READ_METRICS) == 0


def test_wrong_file_keeps_the_socket_open(machine: Machine) -> None:
    """While the file is wrong, clients wait; once it is mended, the daemon comes back by itself."""
    activate(machine, ACTIVATED + rule("who", '"me"'))
    machine.write(FILE, "nonsense")
    assert machine.status("systemctl", "restart", SERVICE) != 0
    began = time.monotonic()
    words = ("sockreply", "send", "--framing", "line", "--timeout", "60", "who")
    asking = machine.start(*words)
    wait_for_many_tries(machine)
    tries, seconds = journal(machine).count("status=78/CONFIG"), time.monotonic() - began
    assert tries <= seconds + 2, f"{tries} tries in {seconds} seconds"
    assert tell(machine, SOCKET, "ActiveState") == "active"
    machine.write(FILE, ACTIVATED + rule("who", '"again"'))
    assert asking.communicate(timeout=SLOW)[0] == "again\n"
    assert tell(machine, SOCKET, "ActiveState") == "active"
