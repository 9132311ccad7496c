"""The life of the service as systemd sees it: start, reload, watchdog, stop."""

from __future__ import annotations

from tests.end_to_end.waiting import eventually
from tests.system.machines import PARCEL, SLOW, Machine
from tests.system.operators import (
    BY_THE_LINE,
    FILE,
    SERVICE,
    ask,
    configure,
    drop_in,
    is_active,
    journal,
    main_pid,
    rule,
    start_asking,
    tell,
    wait_for_another,
)

CONNECT = "import socket; peer = socket.create_connection(('127.0.0.1', 12345))"

STICKS = """\
from time import sleep

def answer(message, session):
    if message == b"stick":
        sleep(3600)
    return message
"""
"""A responder that blocks the loop when it is asked to."""


def status(machine: Machine) -> str:
    """What the daemon has told systemd last."""
    return tell(machine, SERVICE, "StatusText")


def test_started_means_listening(machine: Machine) -> None:
    """`systemctl start` returns when the port is open, and not before."""
    machine.run("systemctl", "stop", SERVICE)
    connect = "import socket; socket.create_connection(('127.0.0.1', 12345))"
    started = f'systemctl start {SERVICE} && python3 -c "{connect}"'
    for _ in range(3):
        machine.run("sh", "-c", started)
        machine.run("systemctl", "stop", SERVICE)
    assert machine.status("python3", "-c", CONNECT) != 0, "somebody else listens"


def test_wrong_file_fails_the_start(machine: Machine) -> None:
    """`systemctl start` fails with a wrong file, and the journal names the place."""
    machine.write(FILE, BY_THE_LINE + 'idle_timeout = "long"\n')
    assert machine.status("systemctl", "restart", SERVICE) != 0
    assert "services.default.idle_timeout" in journal(machine, "--priority", "err")


def test_status_tells_connections(machine: Machine) -> None:
    """`systemctl status` tells how many connections are open."""
    configure(machine, BY_THE_LINE + rule("who", '"me"'))
    assert status(machine) == "0 connections"
    connected = machine.start("python3", "-c", CONNECT + "; input()")
    eventually(lambda: status(machine) == "1 connection", lambda: status(machine))
    connected.communicate("\n", timeout=SLOW)
    eventually(lambda: status(machine) == "0 connections", lambda: status(machine))


def test_reload_takes_over_a_good_file(machine: Machine) -> None:
    """After `systemctl reload` the same process answers by the new file."""
    configure(machine, BY_THE_LINE + rule("who", '"before"'))
    before = main_pid(machine)
    machine.write(FILE, BY_THE_LINE + rule("who", '"after"'))
    machine.run("systemctl", "reload", SERVICE)
    eventually(lambda: ask(machine, "who") == "after\n", lambda: journal(machine))
    assert main_pid(machine) == before
    assert is_active(machine)


def test_reload_refuses_a_bad_file(machine: Machine) -> None:
    """After the reload of a wrong file all goes on as before, and the status tells why."""
    configure(machine, BY_THE_LINE + rule("who", '"before"'))
    before = main_pid(machine)
    machine.write(FILE, BY_THE_LINE + "idle_timeuot = 1\n")
    machine.run("systemctl", "reload", SERVICE)
    eventually(lambda: "the last reload failed" in status(machine), lambda: status(machine))
    assert ask(machine, "who") == "before\n"
    assert (main_pid(machine), is_active(machine)) == (before, True)
    machine.write(FILE, BY_THE_LINE + rule("who", '"after"'))
    machine.run("systemctl", "reload", SERVICE)
    eventually(lambda: "failed" not in status(machine), lambda: status(machine))
    assert ask(machine, "who") == "after\n"


def test_watchdog_restarts_a_stuck_daemon(machine: Machine) -> None:
    """A loop that stands still is found by the watchdog, shown, and replaced."""
    machine.write("/usr/local/lib/sockreply/sticks.py", STICKS)
    drop_in(machine, "WatchdogSec=2")
    configure(machine, BY_THE_LINE + 'responder = "sticks:answer"\n')
    before = main_pid(machine)
    asking = machine.start("sockreply", "send", "--framing", "line", "--timeout", "60", "stick")
    wait_for_another(machine, before)
    asking.communicate(timeout=SLOW)
    assert ask(machine, "hello") == "hello\n"
    assert tell(machine, SERVICE, "NRestarts") == "1"
    assert "Watchdog timeout" in journal(machine)
    assert "sticks.py" in journal(machine), "it was not shown where it stood"


def test_watchdog_leaves_a_busy_daemon_alone(machine: Machine) -> None:
    """A daemon that has much to do is not taken for one that is stuck."""
    drop_in(machine, "WatchdogSec=3")
    configure(machine, BY_THE_LINE + "rules = [{ reply = { echo = true } }]\n")
    before = main_pid(machine)
    machine.run("python3", f"{PARCEL}/flood.py", "12345", "7")
    assert (main_pid(machine), tell(machine, SERVICE, "NRestarts")) == (before, "0")


def test_stop_drains(machine: Machine) -> None:
    """`systemctl stop` returns when what was asked before has been answered: a success."""
    configure(machine, BY_THE_LINE + rule("slow", '[{ delay = 2 }, "late"]'))
    asking = start_asking(machine, "slow")
    machine.run("systemctl", "stop", SERVICE)
    assert asking.communicate(timeout=SLOW)[0] == "late\n"
    assert tell(machine, SERVICE, "Result") == "success"
    assert tell(machine, SERVICE, "ExecMainStatus") == "0"


def test_stop_waits_as_long_as_the_drain(machine: Machine) -> None:
    """A drain that takes longer than TimeoutStopSec= is not cut short, for the daemon says so."""
    drop_in(machine, "TimeoutStopSec=2")
    configure(machine, BY_THE_LINE + rule("slow", '[{ delay = 6 }, "late"]'))
    asking = start_asking(machine, "slow")
    machine.run("systemctl", "stop", SERVICE)
    assert asking.communicate(timeout=SLOW)[0] == "late\n"
    assert tell(machine, SERVICE, "Result") == "success"


def processes(machine: Machine) -> int:
    """How many processes the service has."""
    group = f"/sys/fs/cgroup/system.slice/{SERVICE}/cgroup.procs"
    return len(machine.run("sh", "-c", f"cat {group} 2>/dev/null || true").split())


def test_stop_drains_commands(machine: Machine) -> None:
    """A command that runs answers before `systemctl stop` returns, and nothing of it is left."""
    reply = '{ command = ["sh", "-c", "sleep 2; printf late"] }'
    configure(machine, BY_THE_LINE + rule("slow", reply))
    asking = start_asking(machine, "slow")
    eventually(lambda: processes(machine) == 4, lambda: str(processes(machine)))
    machine.run("systemctl", "stop", SERVICE)
    assert asking.communicate(timeout=SLOW)[0] == "late\n"
    assert tell(machine, SERVICE, "Result") == "success"
    assert "outlive" not in journal(machine)
    assert processes(machine) == 0


def test_killed_daemon_leaves_no_command(machine: Machine) -> None:
    """Commands end with a daemon that is killed, also where systemd kills nothing else."""
    drop_in(machine, "KillMode=process\nRestart=no")
    reply = '{ command = ["sleep", "1000"], timeout = 1000.0 }'
    configure(machine, BY_THE_LINE + rule("long", reply))
    asking = start_asking(machine, "long")
    eventually(lambda: processes(machine) == 3, lambda: str(processes(machine)))
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", SERVICE)
    eventually(lambda: processes(machine) == 0, lambda: str(processes(machine)))
    assert tell(machine, SERVICE, "Result") == "signal"
    asking.communicate(timeout=SLOW)
