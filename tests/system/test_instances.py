"""Several daemons on one machine, as docs/operations.md tells."""

from __future__ import annotations

from tests.end_to_end.test_operations import blocks
from tests.system.machines import Machine
from tests.system.operators import (
    ACTIVATED,
    BY_THE_LINE,
    DROP_INS,
    SERVICE,
    ask,
    load,
    one_each,
    rule,
    tell,
)

UNITS = "/etc/systemd/system"
NAMES = ("1", "2")


def share_the_port(machine: Machine) -> None:
    """Let two instances listen on one port; each answers with its name."""
    (template,) = blocks("ini")
    machine.write(f"{UNITS}/sockreply@.socket", template)
    machine.run(
        "install", "-D", "-t", f"{UNITS}/sockreply@.service.d", f"{DROP_INS}/activated.conf"
    )
    for name in NAMES:
        machine.write(f"/etc/sockreply/{name}.toml", one_each(ACTIVATED) + rule("who", f'"{name}"'))
    (commands,) = (block for block in blocks("sh") if "sockreply@1" in block)
    machine.run("sh", "-ec", commands)


def test_instances_share_a_port(machine: Machine) -> None:
    """Connections to one port are spread over the instances that listen on it."""
    share_the_port(machine)
    asked = "for i in $(seq 20); do sockreply send --framing line who; done"
    assert set(machine.run("sh", "-c", asked).split()) == set(NAMES)


def test_instances_restart_without_a_loss(machine: Machine) -> None:
    """An instance that shares its port restarts under load without losing a connection."""
    share_the_port(machine)
    with load(machine) as asked:
        for name in NAMES:
            unit = f"sockreply@{name}.service"
            before = tell(machine, unit, "MainPID")
            machine.run("systemctl", "restart", unit)
            assert tell(machine, unit, "MainPID") != before
    assert asked.lost == 0, asked.became
    assert asked.count("answered") > 100
    assert ask(machine, "who").strip() in NAMES


def test_instances_are_strangers(machine: Machine) -> None:
    """Each has a user of its own, who can neither read what another writes nor signal it."""
    for name in NAMES:
        record = f'[log]\nrecord = "/run/sockreply-{name}/record"\n'
        head = BY_THE_LINE.replace("tcp:12345:", "tcp:0:")
        machine.write(f"/etc/sockreply/{name}.toml", record + head)
        machine.run("systemctl", "start", f"sockreply@{name}.service")
    users = [tell(machine, f"sockreply@{name}.service", "UID") for name in NAMES]
    pids = [tell(machine, f"sockreply@{name}.service", "MainPID") for name in NAMES]
    service = tell(machine, SERVICE, "UID")
    assert len({*users, service}) == 3
    for user in (*users, service):
        become = ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups")
        for name, owner, pid in zip(NAMES, users, pids, strict=True):
            own = user == owner
            assert (machine.status(*become, "cat", f"/run/sockreply-{name}/record") == 0) == own
            assert (machine.status(*become, "sh", "-c", f"kill -0 {pid}") == 0) == own
