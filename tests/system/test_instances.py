"""Several daemons on one machine, as docs/operations.md tells."""

from __future__ import annotations

from tests.end_to_end.test_operations import blocks
from tests.system.machines import Machine
from tests.system.operators import ACTIVATED, DROP_INS, ask, load, one_each, rule, tell

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
