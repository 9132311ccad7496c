"""The units of etc/systemd: what systemd says of them, and the daemon started as they start it."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from sockreply.errors import WrongSettings
from sockreply.server import Limits
from tests.end_to_end.activation import handing_over, port_of, tcp_listener
from tests.end_to_end.clients import TEXTBOOK_REPLY, ask, connect, connect_unix, read_all
from tests.end_to_end.daemons import ROOT, SCRIPTS, Daemon, Start, needs_program
from tests.end_to_end.manager import Manager, manager_in
from tests.end_to_end.test_endpoints import ask_tls
from tests.end_to_end.waiting import PATIENCE

UNITS = ROOT / "etc" / "systemd"
SERVICES = ["sockreply.service", "sockreply@.service"]
SOCKETS = ["sockreply.socket", "sockreply-metrics.socket"]
DROP_INS = ["activated.conf", "tls.conf"]
OPERATORS_SCRIPTS = "/opt/sockreply/bin"
OPERATORS_FILE = "/etc/sockreply/sockreply.toml"

NO_NEW_CODE = """\
import ctypes, os, sys
prctl = ctypes.CDLL(None).prctl
sys.exit(77) if prctl(65, 1, 0, 0, 0) else os.execv(sys.argv[1], sys.argv[1:])
"""
"""Runs a command with what MemoryDenyWriteExecute= is about; see PR_SET_MDWE(2const)."""


def kernel_denies_new_code() -> bool:
    """Has the kernel, since 6.3, the switch that `NO_NEW_CODE` uses?"""
    tried = subprocess.run([sys.executable, "-c", NO_NEW_CODE, shutil.which("true") or ""])
    return tried.returncode == 0


needs_denial = pytest.mark.skipif(
    not kernel_denies_new_code(), reason="this kernel has no PR_SET_MDWE"
)


def directives(name: str) -> list[str]:
    """The lines of a unit that are no comments, the sections' names among them."""
    return [line for line in (UNITS / name).read_text().splitlines() if line and line[0] != "#"]


def values(name: str, key: str) -> list[str]:
    """All that a unit says to one directive."""
    begin = f"{key}="
    return [line.removeprefix(begin) for line in directives(name) if line.startswith(begin)]


def value(name: str, key: str) -> str:
    """What a unit says to a directive that it has once."""
    (only,) = values(name, key)
    return only


def exec_start(config: Path, options: str | None = None) -> list[str]:
    """The command of the service, with the programs of this environment.

    Args:
        config: Stands for the operator's file.
        options: What SOCKREPLY_OPTS is in /etc/default/sockreply; None: there is no such file.
    """
    (default,) = re.findall(r"SOCKREPLY_OPTS=([^\"]*)", "\n".join(directives(SERVICES[0])))
    command = value(SERVICES[0], "ExecStart")
    command = command.replace("$SOCKREPLY_OPTS", default if options is None else options)
    command = command.replace(OPERATORS_SCRIPTS, str(SCRIPTS))
    return shlex.split(command.replace(OPERATORS_FILE, str(config)))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration that is shipped, on a port that is free."""
    text = (ROOT / "etc" / "sockreply.toml").read_text(encoding="utf-8")
    config = tmp_path / "sockreply.toml"
    config.write_text(text.replace("tcp:12345:", "tcp:0:"), encoding="utf-8")
    return config


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """Stands for systemd."""
    with manager_in(tmp_path) as manager:
        yield manager


def install(directory: Path, drop_ins: Sequence[str]) -> list[str]:
    """Copy the units as an operator does; the names of all of them, and of an instance."""
    instance = "sockreply@instance"
    names = [*SERVICES[:1], *SOCKETS, f"{instance}.service", f"{instance}.socket"]
    sources = [*SERVICES[:1], *SOCKETS, "sockreply@.service", "sockreply.socket"]
    for name, source in zip(names, sources, strict=True):
        text = (UNITS / source).read_text().replace(OPERATORS_SCRIPTS, str(SCRIPTS))
        (directory / name).write_text(text)
    for service in SERVICES:
        (directory / f"{service}.d").mkdir()
        for drop_in in drop_ins:
            shutil.copy(UNITS / "drop-ins" / drop_in, directory / f"{service}.d")
    return names


def analyzed(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What systemd-analyze says."""
    return subprocess.run(
        ["systemd-analyze", *words],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@needs_program("systemd-analyze")
@pytest.mark.parametrize("drop_ins", [[], *([each] for each in DROP_INS), DROP_INS])
def test_units_are_valid(tmp_path: Path, drop_ins: Sequence[str]) -> None:
    """All units, with each drop-in, are read by systemd without a word of complaint."""
    names = install(tmp_path, drop_ins)
    verified = analyzed(tmp_path, "verify", *(f"./{name}" for name in names))
    said = [line for line in verified.stderr.splitlines() if "sockreply" in line]
    assert (verified.returncode, said) == (0, []), verified.stderr


@needs_program("systemd-analyze")
@pytest.mark.parametrize(
    ("drop_ins", "most"),
    [([], 13), (["tls.conf"], 13), (["activated.conf"], 6), (DROP_INS, 6)],
)
def test_services_are_confined(tmp_path: Path, drop_ins: Sequence[str], most: int) -> None:
    """By systemd's count, of 100: at most 13, and 6 for who has no network."""
    for name in install(tmp_path, drop_ins):
        if name.endswith(".service"):
            security = ("security", "--offline=true", f"--threshold={most}", f"./{name}")
            counted = analyzed(tmp_path, *security)
            assert counted.returncode == 0, counted.stdout + counted.stderr


@pytest.mark.parametrize("name", [*SERVICES, *SOCKETS, *(f"drop-ins/{each}" for each in DROP_INS)])
def test_each_directive_has_its_reason(name: str) -> None:
    """Above what a unit says of the process or the port stands why."""
    text = (UNITS / name).read_text()
    (section,) = re.findall(
        r"^\[(?:Service|Socket)\]\n(.*?)(?=^\[|\Z)", text, re.DOTALL | re.MULTILINE
    )
    paragraphs = section.strip().split("\n\n")
    assert [each for each in paragraphs if not each.startswith("# ")] == []


def test_instances_are_the_service() -> None:
    """The template says what the service says, but for the file and what is named after it."""
    service = [
        line
        for line in directives("sockreply.service")
        if "SOCKREPLY_OPTS=" not in line and not line.startswith("EnvironmentFile=")
    ]
    service = [
        line.replace("$SOCKREPLY_OPTS", "--config /etc/sockreply/%i.toml") for line in service
    ]
    service = [re.sub(r"^(\w+Directory=sockreply)$", r"\1-%i", line) for line in service]
    service = [re.sub(r"^(Description=.*)$", r"\1 %i", line) for line in service]
    template = directives("sockreply@.service")
    template.remove("User=sockreply-%i")  # where DynamicUser= alone would give all the same user
    assert template == service


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_tried_again(name: str) -> None:
    """Every failure is, and as often as it takes, but for wrong settings and wrong options."""
    assert value(name, "Restart") == "on-failure"
    assert value(name, "StartLimitIntervalSec") == "0"
    assert value(name, "RestartPreventExitStatus") == f"2 {WrongSettings.status}"
    assert values("drop-ins/activated.conf", "RestartPreventExitStatus") == [""]


def test_limit_of_open_files_is_left_to_the_daemon() -> None:
    """No unit sets LimitNOFILE=, whose hard limit would be the daemon's."""
    for path in UNITS.rglob("*.*"):
        assert "\nLimitNOFILE=" not in path.read_text()


def test_service_may_stay_until_it_is_drained() -> None:
    """The daemon is killed only after the time that draining takes if nobody says otherwise."""
    for name in SERVICES:
        assert float(value(name, "TimeoutStopSec")) > Limits.drain_timeout


def start_unit(
    start_daemon: Start, words: Sequence[str], under: Sequence[str], pass_fds: Sequence[int] = ()
) -> Daemon:
    """Start the command of the service."""
    return start_daemon(*words[2:], runner=words[:2], under=under, pass_fds=pass_fds)


def test_service_answers(start_daemon: Start, config: Path, manager: Manager) -> None:
    """The service's command, with the file that is shipped, is ready, answers and ends with 0."""
    daemon = start_unit(start_daemon, exec_start(config), manager.starting())
    assert manager.next()[0] == "READY=1"
    assert ask(daemon.port) == TEXTBOOK_REPLY
    assert daemon.stop() == 0


def test_options_of_the_operator(start_daemon: Start, config: Path) -> None:
    """/etc/default/sockreply may have other options in place of the file's name."""
    daemon = start_unit(start_daemon, exec_start(config, "--port 0 --reply 'so so'"), [])
    assert ask(daemon.port) == b"so so"


def activate(config: Path) -> None:
    """Change the configuration as drop-ins/activated.conf says."""
    text = config.read_text(encoding="utf-8")
    (listen,) = re.findall(
        r'listen = "systemd:.*"', (UNITS / "drop-ins/activated.conf").read_text()
    )
    metrics = re.findall(r"^#     (.*)$", (UNITS / SOCKETS[1]).read_text(), re.MULTILINE)
    text = re.sub(r"^listen = .*$", listen, text, flags=re.MULTILINE)
    config.write_text("\n".join([*metrics, text]), encoding="utf-8")


def test_service_answers_on_the_sockets(
    start_daemon: Start, config: Path, manager: Manager
) -> None:
    """With the drop-in's change of the file it answers on both sockets that systemd opened."""
    activate(config)
    names = ":".join(value(name, "FileDescriptorName") for name in SOCKETS)
    with tcp_listener() as port, tcp_listener() as metrics:
        under = [*manager.starting(), *handing_over([port, metrics], names)]
        descriptors = [port.fileno(), metrics.fileno()]
        daemon = start_unit(start_daemon, exec_start(config), under, descriptors)
        assert manager.next()[0] == "READY=1"
        assert ask(port_of(port)) == TEXTBOOK_REPLY
        with connect(port_of(metrics)) as client:
            client.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
            assert b" 200 " in read_all(client)
        assert daemon.stop() == 0


def test_clients_wait_while_the_service_restarts(start_daemon: Start, config: Path) -> None:
    """A client that comes between two runs of the daemon is answered by the second one."""
    activate(config)
    names = ":".join(value(name, "FileDescriptorName") for name in SOCKETS)
    with tcp_listener() as port, tcp_listener() as metrics:
        under = handing_over([port, metrics], names)
        descriptors = [port.fileno(), metrics.fileno()]
        daemon = start_unit(start_daemon, exec_start(config), under, descriptors)
        assert ask(port_of(port)) == TEXTBOOK_REPLY
        assert daemon.stop() == 0
        with connect(port_of(port)) as client:
            client.sendall(b"hello")
            start_unit(start_daemon, exec_start(config), under, descriptors)
            assert read_all(client) == TEXTBOOK_REPLY


EVERYTHING = """
[metrics]
listen = "unix:metrics.sock"

[services.example]
listen = "tcp:0:interface=127.0.0.1"
framing = "line"
keep_alive = true
rules = [
  { when = { equals = "command" }, reply = { command = ["printf", "from a command"] } },
  { when = { equals = "template" }, reply = { template = "{{ message | hex }} {{ uuid }}" } },
  { when = { regex = "^(a|b)+$" }, reply = "from a regex" },
]
"""


@needs_denial
def test_no_new_code_without_tls(start_daemon: Start, tmp_path: Path) -> None:
    """Rules, templates, commands, metrics and reloads need no memory that is written and run."""
    file = tmp_path / "example.toml"
    file.write_text(EVERYTHING)
    words = exec_start(file)
    daemon = start_unit(start_daemon, words, [sys.executable, "-c", NO_NEW_CODE])
    with connect(daemon.port) as client, client.makefile("rb") as replies:
        client.sendall(b"command\ntemplate\nabba\n")
        assert replies.readline() == b"from a command\n"
        assert replies.readline().startswith(b"template".hex().encode())
        assert replies.readline() == b"from a regex\n"
    with connect_unix(str(tmp_path / "metrics.sock")) as client:
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert b'sockreply_replies_total{service="example"} 3.0' in read_all(client)
    daemon.signal(signal.SIGHUP)
    daemon.wait_for("reloaded")
    assert daemon.stop() == 0


@needs_denial
def test_tls_without_new_code(start_daemon: Start, certificate: Path) -> None:
    """TLS works where no code may be made; Twisted's own, of `tls:` endpoints, does not."""
    confined = [sys.executable, "-c", NO_NEW_CODE]
    listen = f"ssl:0:privateKey={certificate}:interface=127.0.0.1"
    daemon = start_daemon("--listen", listen, under=confined)
    assert ask_tls(("127.0.0.1", daemon.port), certificate) == TEXTBOOK_REPLY
    listen = f"tls:{certificate.parent}:0:interface=127.0.0.1"
    daemon = start_daemon("--listen", listen, under=confined)
    with connect(daemon.port):
        daemon.wait_for("MemoryError")
