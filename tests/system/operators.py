"""What an operator does on a machine, and sees of the daemon."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tests.end_to_end.waiting import eventually
from tests.system.machines import PARCEL, SLOW, Machine

PORT = 12345
CLIENTS = 8
"""How many ask at a time."""
SERVICE = "sockreply.service"
SOCKET = "sockreply.socket"
DROP_INS = "/usr/share/doc/sockreply/examples/drop-ins"
FILE = "/etc/sockreply/sockreply.toml"
HOME = "/usr/lib/sockreply"

BY_THE_LINE = """\
[services.default]
listen = "tcp:12345:interface=127.0.0.1"
framing = "line"
keep_alive = true
"""
"""The head of a file; rules follow."""

ACTIVATED = BY_THE_LINE.replace(
    "tcp:12345:interface=127.0.0.1", "systemd:domain=INET:name=sockreply"
)
"""The head of a file for a daemon whose port systemd opens."""


def one_each(head: str) -> str:
    """The same head of a file, for a daemon that answers one message per connection: for a load."""
    return head.replace("keep_alive = true", "keep_alive = false")


def rule(message: str, reply: str) -> str:
    """The text of a rule.

    Args:
        message: What it answers.
        reply: As it is written in the file.
    """
    return f'[[services.default.rules]]\nwhen = {{ equals = "{message}" }}\nreply = {reply}\n'


def tell(machine: Machine, unit: str, what: str) -> str:
    """A property of a unit."""
    return machine.run("systemctl", "show", "--value", "--property", what, unit).strip()


def main_pid(machine: Machine) -> int:
    """The process of the daemon; 0: there is none."""
    return int(tell(machine, SERVICE, "MainPID"))


def wait_for_another(machine: Machine, before: int) -> None:
    """Return when systemd has started the daemon again, and it is ready."""

    def ready() -> bool:
        return main_pid(machine) not in (0, before) and is_active(machine)

    eventually(ready, lambda: journal(machine))


TOO_MANY = 6
"""Failed starts within ten seconds after which systemd gives up, if nobody tells it otherwise."""


def wait_for_many_tries(machine: Machine) -> None:
    """Return when systemd has started the daemon again in vain, so often and once more."""
    eventually(
        lambda: int(tell(machine, SERVICE, "NRestarts")) > TOO_MANY, lambda: journal(machine)
    )


def is_active(machine: Machine) -> bool:
    """Is the daemon ready?"""
    return tell(machine, SERVICE, "ActiveState") == "active"


def ask(
    machine: Machine, *messages: str, framing: str = "line", to: str = f"tcp:127.0.0.1:{PORT}"
) -> str:
    """The replies to messages on one connection, a line each; the package's own client asks."""
    return machine.run("sockreply", "send", "--framing", framing, "--to", to, *messages)


def start_asking(machine: Machine, message: str) -> subprocess.Popen[str]:
    """Ask what is not answered at once; return when the daemon has the message."""
    words = ("sockreply", "send", "--framing", "line", "--timeout", "60", message)
    asking = machine.start(*words)
    eventually(lambda: f"'{message}'" in journal(machine), lambda: journal(machine))
    return asking


def journal(machine: Machine, *which: str) -> str:
    """What the journal has of the daemon, the text of the lines alone."""
    return machine.run("journalctl", "--unit", SERVICE, "--output", "cat", "--no-pager", *which)


def configure(machine: Machine, text: str) -> None:
    """Start the daemon anew with another file."""
    machine.write(FILE, text)
    machine.run("systemctl", "restart", SERVICE)


def activate(machine: Machine, text: str, *sockets: str) -> None:
    """Let systemd open the port, as the drop-in tells, of a daemon with another file.

    Args:
        machine: Where.
        text: The file.
        sockets: More units for more ports.
    """
    machine.write(FILE, text)
    use_drop_in(machine, "activated.conf", *sockets)
    machine.run("systemctl", "reset-failed")  # starts so far do not count as too many


def use_drop_in(machine: Machine, name: str, *units: str) -> None:
    """Take over one of the drop-ins of the package, by the commands at its top.

    Args:
        machine: Where.
        name: That of its file.
        units: What the last command has to name besides.
    """
    head = machine.run("cat", f"{DROP_INS}/{name}").partition("\n[")[0]
    commands = re.findall(r"^#     (.*)$", head, re.MULTILINE)
    commands[-1] = " ".join([commands[-1], *units])
    machine.run("sh", "-ec", "\n".join(commands))


def drop_in(machine: Machine, directives: str) -> None:
    """Add directives to the service, as `systemctl edit` does."""
    machine.write(f"/etc/systemd/system/{SERVICE}.d/override.conf", f"[Service]\n{directives}\n")
    machine.run("systemctl", "daemon-reload")


@dataclass
class Asked:
    """What came of a load.

    Args:
        became: How many connections ended in which way.
        longest: Seconds that one of them took.
    """

    became: Mapping[str, int]
    longest: float

    def count(self, beginning: str) -> int:
        """How many ended in a way that begins so."""
        return sum(number for way, number in self.became.items() if way.startswith(beginning))

    @property
    def lost(self) -> int:
        """How many had no reply."""
        return sum(self.became.values()) - self.count("answered")


@contextmanager
def load(machine: Machine) -> Iterator[Asked]:
    """Ask all the time, one connection after another; at last the yielded object tells of it."""
    asked = Asked({}, 0.0)
    process = machine.start("python3", f"{PARCEL}/load.py", str(PORT), str(CLIENTS))
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "asking\n"
        yield asked
        told = json.loads(process.communicate("", SLOW)[0])
        asked.became, asked.longest = told["became"], told["longest"]
    finally:
        process.kill()
        process.communicate()
