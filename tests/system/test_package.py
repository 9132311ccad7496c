"""The package comes and goes as Debian's policy wants it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.system.machines import PARCEL, Machine
from tests.system.operators import (
    ACTIVATED,
    BY_THE_LINE,
    FILE,
    HOME,
    SERVICE,
    SOCKET,
    activate,
    ask,
    configure,
    journal,
    main_pid,
    rule,
    tell,
)

BOOKS_OF_OTHERS = ("/var/log", "/var/lib/dpkg", "/var/lib/systemd", "/var/cache", "/etc/systemd")
"""Where dpkg and systemd keep their own books; those of ours are looked for by name."""


@pytest.mark.skipif(shutil.which("lintian") is None, reason="lintian is not installed")
def test_package_pleases_lintian(parcel: Path) -> None:
    """Lintian has no complaint but for those that the package gives its reasons for."""
    done = subprocess.run(
        ["lintian", "--fail-on", "error,warning", "--allow-root", parcel / "sockreply.deb"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def state(machine: Machine, unit: str) -> tuple[str, str]:
    """Whether a unit runs, and whether it will."""
    return tell(machine, unit, "ActiveState"), tell(machine, unit, "UnitFileState")


def files(machine: Machine) -> set[str]:
    """The files and directories of a machine, but for what changes without us."""
    found = machine.run("find", "/", "-xdev", "-path", "/var/tmp", "-prune", "-o", "-print")
    return {
        path
        for path in found.splitlines()
        if "sockreply" in path or not path.startswith(BOOKS_OF_OTHERS)
    }


def test_installing_starts_the_daemon(bare: Machine) -> None:
    """Once installed, the daemon is enabled, runs and answers; its sockets wait to be chosen."""
    bare.run("dpkg", "--install", f"{PARCEL}/sockreply.deb")
    assert state(bare, SERVICE) == ("active", "enabled")
    assert state(bare, SOCKET) == ("inactive", "disabled")
    assert ask(bare, "hello", framing="chunk") == "서버로부터 응답 메시지입니다.\n"
    assert bare.run("systemctl", "is-system-running") == "running\n"


def test_installed_is_what_an_operator_looks_for(machine: Machine) -> None:
    """The command, a valid file, the manual, and twistd with its list of plugins are there."""
    assert machine.run("sockreply", "--version").startswith("sockreply ")
    assert "service default" in machine.run("sockreply", "check", FILE)
    machine.run("test", "-s", "/usr/share/man/man1/sockreply.1.gz")
    machine.run("test", "-s", "/usr/share/man/man5/sockreply.toml.5.gz")
    assert "sockreply.toml(5)" in machine.run("systemctl", "status", SERVICE)
    assert "sockreply" in machine.run(f"{HOME}/bin/twistd", "--help")
    machine.run("sh", "-c", f"grep -q sockreply {HOME}/lib/*/site-packages/twisted/plugins/*.cache")


def test_upgrading_keeps_what_the_operator_wrote(machine: Machine) -> None:
    """An upgrade restarts the daemon, with the files that the operator has changed."""
    configure(machine, BY_THE_LINE + rule("who", '"mine"'))
    before = main_pid(machine)
    machine.run("dpkg", "--install", f"{PARCEL}/newer.deb")
    assert main_pid(machine) not in (0, before)
    assert ask(machine, "who") == "mine\n"


def test_upgrading_starts_nothing_that_was_off(machine: Machine) -> None:
    """An upgrade leaves a daemon off that the operator has disabled and stopped."""
    machine.run("systemctl", "disable", "--now", SERVICE)
    machine.run("dpkg", "--install", f"{PARCEL}/newer.deb")
    for unit in (SERVICE, SOCKET):
        assert state(machine, unit) == ("inactive", "disabled")


def test_upgrading_restarts_instances(machine: Machine) -> None:
    """An upgrade restarts what runs of sockreply@.service, with its own file."""
    instance = "sockreply@scale.service"
    head = BY_THE_LINE.replace("12345", "12346")
    machine.write("/etc/sockreply/scale.toml", head + rule("weigh", '"1 kg"'))
    machine.run("systemctl", "start", instance)
    before = tell(machine, instance, "MainPID")
    machine.run("dpkg", "--install", f"{PARCEL}/newer.deb")
    assert tell(machine, instance, "MainPID") not in ("0", before)
    assert ask(machine, "weigh", to="tcp:127.0.0.1:12346") == "1 kg\n"


def test_removing_leaves_the_configuration(machine: Machine) -> None:
    """Once removed, nobody listens, and what is left is configuration and Debian's own books."""
    activate(machine, ACTIVATED + rule("who", '"me"'))
    assert ask(machine, "who") == "me\n"
    machine.run("dpkg", "--remove", "sockreply")
    assert tell(machine, SERVICE, "LoadState") == "not-found"
    assert machine.run("systemctl", "list-units", "--state=active", "-q", "sockreply*") == ""
    refused = machine.run(
        "python3", "-c", "import socket; print(socket.socket().connect_ex(('127.0.0.1', 12345)))"
    )
    assert refused.strip() == "111"
    left = [path for path in files(machine) if "sockreply" in path]
    books = ("/var/lib/dpkg/", "/var/lib/systemd/deb-systemd-helper", "/etc/systemd/system/")
    kept = ("/var/lib/private/", "/var/log/private/", "/var/lib/sockreply", "/var/log/sockreply")
    assert sorted(path for path in left if not path.startswith(books + kept)) == [
        "/etc/default/sockreply",
        "/etc/sockreply",
        "/etc/sockreply/sockreply.toml",
    ]


def test_purging_leaves_nothing(bare: Machine) -> None:
    """Once purged after it was used, a machine has the files that it had before the package."""
    before = files(bare)
    bare.run("dpkg", "--install", f"{PARCEL}/sockreply.deb")
    ask(bare, "hello", framing="chunk")
    bare.run("dpkg", "--purge", "sockreply")
    assert sorted(files(bare) - before) == []


def test_purging_what_was_never_configured_leaves_nothing(bare: Machine) -> None:
    """What root's runs of an unpacked package left is gone with it."""
    before = files(bare)
    bare.run("dpkg", "--unpack", f"{PARCEL}/sockreply.deb")
    bare.run("sockreply", "--version")
    bare.run("dpkg", "--purge", "sockreply")
    assert sorted(files(bare) - before) == []


def test_code_of_the_operator_is_found(machine: Machine) -> None:
    """A responder in /usr/local/lib/sockreply answers, by the name that its distribution gave."""
    machine.run("cp", "-r", f"{PARCEL}/local", "/usr/local/lib/sockreply")
    configure(machine, BY_THE_LINE + 'responder = "greeter:word=Moin"\n')
    assert ask(machine, "Kim") == "Moin, Kim\n", journal(machine)
