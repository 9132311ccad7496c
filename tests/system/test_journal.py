"""The daemon's lines in the journal have levels, by which an operator finds what matters."""

from __future__ import annotations

from tests.end_to_end.waiting import eventually
from tests.system.machines import Machine
from tests.system.operators import BY_THE_LINE, FILE, SERVICE, ask, configure, journal, rule

REPLY = rule("who", '"me"')


def lines(machine: Machine, level: str) -> str:
    """The daemon's own lines of one level, without what systemd says of it."""
    return journal(machine, "--priority", f"{level}..{level}", "_COMM=sockreply")


def test_exchanges_are_informational(machine: Machine) -> None:
    """What is received and answered is told at info, and at no level that asks for attention."""
    configure(machine, BY_THE_LINE + REPLY)
    ask(machine, "who")
    eventually(lambda: "answered" in lines(machine, "info"), lambda: journal(machine))
    assert "received from 127.0.0.1" in lines(machine, "info")
    assert journal(machine, "--priority", "notice", "_COMM=sockreply") == ""


def test_ends_of_connections_are_for_debugging(machine: Machine) -> None:
    """How connections end is told at debug, if it is asked for."""
    configure(machine, '[log]\nlevel = "debug"\n' + BY_THE_LINE + REPLY)
    ask(machine, "who")
    eventually(lambda: lines(machine, "debug"), lambda: journal(machine))
    assert "received from" not in lines(machine, "debug")


def test_what_is_wrong_with_a_file_is_an_error(machine: Machine) -> None:
    """Each thing that is wrong with a file is told at err, and nothing else is."""
    configure(machine, BY_THE_LINE + REPLY)
    machine.write(FILE, BY_THE_LINE + "idle_timeuot = 1\nmax_message = 0\n")
    machine.run("systemctl", "reload", SERVICE)
    eventually(lambda: "rejected; still running" in lines(machine, "err"), lambda: journal(machine))
    said = lines(machine, "err")
    assert said.count("idle_timeuot") == said.count("max_message: 0 is") == 1
    assert len(said.splitlines()) == 3


def test_what_surprises_is_a_warning(machine: Machine) -> None:
    """What is legal in a file and surprises is told at warning."""
    configure(machine, BY_THE_LINE + rule("who", '"{{ peer }}"'))
    eventually(lambda: lines(machine, "warning"), lambda: journal(machine))
    assert "template" in lines(machine, "warning")


def test_lines_have_no_time_of_their_own(machine: Machine) -> None:
    """The journal's time is the only one, and each line is one entry."""
    configure(machine, BY_THE_LINE + REPLY)
    ask(machine, "who")
    eventually(lambda: "answered" in lines(machine, "info"), lambda: journal(machine))
    assert not [line for line in lines(machine, "info").splitlines() if line[:2] == "20"]
