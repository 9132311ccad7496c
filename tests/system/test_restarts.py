"""Starts that fail: systemd tries those again that may succeed, and leaves the others alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.end_to_end.waiting import eventually
from tests.system.machines import SLOW, Machine
from tests.system.operators import (
    BY_THE_LINE,
    FILE,
    SERVICE,
    ask,
    configure,
    is_active,
    journal,
    rule,
    tell,
    wait_for_many_tries,
)

GOOD = BY_THE_LINE + rule("who", '"me"')
OPTIONS = "/etc/default/sockreply"
LISTEN = (
    "import socket; s = socket.create_server(('127.0.0.1', 12345)); print('listening', flush=True);"
    " input()"
)


@contextmanager
def taken_port(machine: Machine) -> Iterator[None]:
    """Somebody else listens on the daemon's port."""
    other = machine.start("python3", "-c", LISTEN)
    assert other.stdout is not None
    try:
        assert other.stdout.readline() == "listening\n"
        yield
    finally:
        other.communicate("\n", SLOW)


def stays_down(machine: Machine) -> bool:
    """Has systemd given up at once?"""
    state, tries = tell(machine, SERVICE, "ActiveState"), tell(machine, SERVICE, "NRestarts")
    return (state, tries) == ("failed", "0")


def test_taken_port_is_tried_again(machine: Machine) -> None:
    """However long a port is taken, the daemon comes back by itself when it is free."""
    configure(machine, GOOD)
    machine.run("systemctl", "stop", SERVICE)
    with taken_port(machine):
        assert machine.status("systemctl", "start", SERVICE) != 0
        wait_for_many_tries(machine)
        assert not is_active(machine)
    eventually(lambda: is_active(machine), lambda: journal(machine))
    assert ask(machine, "who") == "me\n"


def test_wrong_file_is_not_tried_again(machine: Machine) -> None:
    """A file that is wrong at a restart leaves the daemon down, and says so by its status."""
    configure(machine, GOOD)
    machine.write(FILE, "nonsense")
    assert machine.status("systemctl", "restart", SERVICE) != 0
    assert stays_down(machine)
    assert tell(machine, SERVICE, "ExecMainStatus") == "78"
    assert "status=78/CONFIG" in machine.run("sh", "-c", f"systemctl status {SERVICE} || true")
    configure(machine, GOOD)
    assert ask(machine, "who") == "me\n"


def test_wrong_option_is_not_tried_again(machine: Machine) -> None:
    """Nor are options that are wrong."""
    machine.write(OPTIONS, 'SOCKREPLY_OPTS="--framing morse"\n')
    assert machine.status("systemctl", "restart", SERVICE) != 0
    assert stays_down(machine)
    assert tell(machine, SERVICE, "ExecMainStatus") == "2"
    assert "unknown framing 'morse'" in journal(machine)
