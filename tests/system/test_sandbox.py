"""The service's sandbox lets the daemon do all that it does, and nothing else.

Here a system call that the filter does not know kills the daemon, where an operator's would only
have it fail: so no call is refused that nobody notices.
"""

from __future__ import annotations

import pytest

from tests.end_to_end.waiting import eventually
from tests.system.machines import PARCEL, Machine
from tests.system.operators import (
    ACTIVATED,
    BY_THE_LINE,
    SERVICE,
    activate,
    ask,
    configure,
    drop_in,
    is_active,
    journal,
    main_pid,
    rule,
    tell,
    use_drop_in,
    wait_for_another,
)

NICE = """\
import os

def answer(message, session):
    os.nice(1 if message == b"nice" else 0)
    return message
"""
"""A responder that makes a call which the filter refuses."""

ALL = """\
[log]
json = "/var/log/sockreply/exchanges.json"
record = "/var/lib/sockreply/record.jsonl"

[metrics]
listen = "tcp:9464"

""" + BY_THE_LINE.replace(
    'listen = "tcp:12345:interface=127.0.0.1"',
    'listen = ["tcp:12345:interface=127.0.0.1", "unix:/run/sockreply/reply.sock:mode=666"]',
)
"""The head of a file with all that the daemon opens."""

TLS = "tls:localhost:12346:trustRoots=/etc/sockreply"
READ = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:9464{}').read().decode())"
COMMAND = rule("run", '{ command = ["printf", "done"] }')


@pytest.fixture
def strict(machine: Machine) -> Machine:
    """A machine on which a call that the filter refuses is the daemon's end."""
    drop_in(machine, "SystemCallErrorNumber=kill")
    return machine


def never_ended(machine: Machine) -> bool:
    """Is the daemon the first that was started with its file?"""
    return is_active(machine) and tell(machine, SERVICE, "NRestarts") == "0"


def test_refused_call_would_be_seen(strict: Machine) -> None:
    """The control: a responder that makes a call which the filter refuses ends the daemon."""
    strict.write("/usr/local/lib/sockreply/nice.py", NICE)
    configure(strict, BY_THE_LINE + 'responder = "nice:answer"\n')
    before = main_pid(strict)
    strict.status("sockreply", "send", "--framing", "line", "nice")
    wait_for_another(strict, before)
    assert "status=31/SYS" in journal(strict)


def test_plain_service_works(strict: Machine) -> None:
    """Replies, files, UNIX sockets, metrics, logs, a reload and a stop pass the filter."""
    configure(strict, ALL + rule("who", '"me"') + rule("slow", '[{ delay = 0.1 }, "late"]'))
    assert ask(strict, "who", "slow") == "me\nlate\n"
    assert ask(strict, "who", to="unix:/run/sockreply/reply.sock") == "me\n"
    assert "sockreply_replies_total" in strict.run("python3", "-c", READ.format("/metrics"))
    assert strict.run("python3", "-c", READ.format("/readyz"))
    strict.run("systemctl", "reload", SERVICE)
    eventually(lambda: "reloaded" in journal(strict), lambda: journal(strict))
    assert '"text": "who"' in strict.run("cat", "/var/lib/sockreply/record.jsonl")
    assert "received" in strict.run("cat", "/var/log/sockreply/exchanges.json")
    assert never_ended(strict), journal(strict)
    strict.run("systemctl", "stop", SERVICE)
    assert tell(strict, SERVICE, "Result") == "success"


def test_commands_work(strict: Machine) -> None:
    """Programs of rules run, and answer, within the sandbox of the daemon."""
    configure(strict, BY_THE_LINE + COMMAND)
    assert ask(strict, "run", "run") == "done\ndone\n"
    assert never_ended(strict), journal(strict)


def test_tls_works(strict: Machine) -> None:
    """With a key that only root can read, a client shakes hands and is answered."""
    strict.write("/etc/hosts", "127.0.0.1 localhost\n")  # debootstrap makes none
    key = "/etc/sockreply/tls.pem"
    strict.run("install", "-m", "600", f"{PARCEL}/localhost.pem", key)
    use_drop_in(strict, "tls.conf")
    strict.write(
        f"/etc/systemd/system/{SERVICE}.d/key.conf", f"[Service]\nLoadCredential=tls.pem:{key}\n"
    )
    strict.run("systemctl", "daemon-reload")
    where = "ssl:12346:interface=127.0.0.1:privateKey=/run/credentials/sockreply.service/tls.pem"
    head = BY_THE_LINE.replace("tcp:12345:interface=127.0.0.1", where)
    configure(strict, head + rule("who", '"me"'))
    assert ask(strict, "who", to=TLS) == "me\n"
    assert never_ended(strict), journal(strict)


def test_activated_service_works(strict: Machine) -> None:
    """A daemon without a network answers, runs programs of rules, and shows its counts."""
    metrics = '[metrics]\nlisten = "systemd:domain=INET:name=metrics"\n\n'
    activate(strict, metrics + ACTIVATED + COMMAND, "sockreply-metrics.socket")
    assert ask(strict, "run") == "done\n"
    assert "sockreply_replies_total" in strict.run("python3", "-c", READ.format("/metrics"))
    assert never_ended(strict), journal(strict)


def test_daemon_can_write_nothing_else(machine: Machine) -> None:
    """The daemon sees the system read-only, and no home directories."""
    attempt = '["sh", "-c", "(echo x >/etc/x; echo x >/usr/x; ls /home /root) 2>&1 | wc -l"]'
    configure(machine, BY_THE_LINE + rule("try", f"{{ command = {attempt} }}"))
    ask(machine, "try")
    assert machine.status("test", "-e", "/etc/x") == 1
    assert machine.status("test", "-e", "/usr/x") == 1
