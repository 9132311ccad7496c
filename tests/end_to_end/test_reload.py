"""The file is read again while connections are open."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.test_docs_rules import OF_COMMANDS, whole_file

SOCKREPLY = str(Path(sysconfig.get_path("scripts")) / "sockreply")
PATIENCE = 15.0
"""Seconds until what should have happened is taken to happen no more."""

CLIENTS = 8


def service(reply: str, name: str = "example", listen: str = "tcp:0:interface=127.0.0.1") -> str:
    """A service that answers lines, `slow` after a while and `state` by what was said before."""
    return f"""
[services.{name}]
listen = "{listen}"
framing = "line"
keep_alive = true
otherwise = "{reply}"
rules = [
  {{ when = {{ equals = "slow" }}, reply = ["{reply}1", {{ delay = 0.4 }}, "{reply}2"] }},
  {{ when = {{ equals = "go" }}, next_state = "gone", reply = "going" }},
  {{ state = "gone", when = {{ equals = "state" }}, reply = "gone {reply}" }},
  {{ when = {{ equals = "turn" }}, replies = ["first", "second"] }},
]
"""


class Running:
    """`sockreply serve` with a file that changes."""

    def __init__(self, directory: Path, text: str) -> None:
        self.file = directory / "example.toml"
        self._log = directory / "log"
        self.file.write_text(text)
        with self._log.open("w") as log:
            command = [SOCKREPLY, "serve", "--config", str(self.file)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.until(lambda: "Starting factory" in self.log or "listening on" in self.log)

    @property
    def log(self) -> str:
        """All that was logged."""
        return self._log.read_text()

    @property
    def ports(self) -> list[int]:
        """Where it has listened, in order."""
        return [int(port) for port in re.findall(r"listening on 127\.0\.0\.1:(\d+)", self.log)]

    def until(self, seen: Callable[[], bool]) -> None:
        """Wait for something."""
        deadline = time.monotonic() + PATIENCE
        while not seen():
            if time.monotonic() > deadline:
                pytest.fail(self.log)
            time.sleep(0.01)

    def hang_up(self) -> None:
        """SIGHUP."""
        self.process.send_signal(signal.SIGHUP)

    def change(self, text: str, outcome: str = "reloaded") -> None:
        """Put other settings into the file, and wait for what comes of it."""
        before = self.log.count(outcome)
        self.file.write_text(text)
        self.hang_up()
        self.until(lambda: self.log.count(outcome) > before)

    def client(self, port: int | None = None) -> Client:
        """A connection."""
        return Client(self.ports[0] if port is None else port)

    def descriptors(self) -> int:
        """How many files and sockets it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))  # noqa: PTH208 - only their number

    def resident(self) -> int:
        """KiB of memory in use."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0])


class Client:
    """Asks lines."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._replies = self._socket.makefile("rb")

    def ask(self, line: str) -> str:
        """Send one, receive one."""
        self._socket.sendall(f"{line}\n".encode())
        return self.receive()

    def receive(self) -> str:
        """One more line; empty: the connection has ended."""
        return self._replies.readline().decode().rstrip("\n")

    def close(self) -> None:
        """Leave."""
        self._replies.close()
        self._socket.close()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], Running]]:
    """Starts one daemon, and ends it."""
    started: list[Running] = []

    def start(text: str) -> Running:
        started.append(Running(tmp_path, text))
        return started[0]

    yield start
    for each in started:
        each.process.terminate()
        assert each.process.wait(PATIENCE) == 0


def test_next_message_meets_the_new_rules(run: Callable[[str], Running]) -> None:
    """Open connections keep their state; sequences start anew; an answer ends as it began."""
    daemon = run(service("old"))
    client, busy = daemon.client(), daemon.client()
    assert [client.ask("x"), client.ask("go"), client.ask("turn")] == ["old", "going", "first"]
    assert busy.ask("slow") == "old1"
    daemon.change(service("new"))
    assert [client.ask("x"), client.ask("state"), client.ask("turn")] == [
        "new",
        "gone new",
        "first",
    ]
    assert busy.receive() == "old2"
    assert busy.ask("x") == "new"
    client.close()
    busy.close()


def test_file_that_is_wrong_changes_nothing(run: Callable[[str], Running]) -> None:
    """Every reason is logged, and all goes on as before."""
    daemon = run(service("old"))
    client = daemon.client()
    wrong = service("new").replace("keep_alive", "keep_alvie") + "\n[log]\nlevel = 5\n"
    daemon.change(wrong, "rejected")
    assert "services.example.keep_alvie" in daemon.log
    assert "log.level" in daemon.log
    assert client.ask("x") == "old"
    client.close()


def test_port_that_is_taken_changes_nothing(run: Callable[[str], Running]) -> None:
    """Listeners that were opened before it are closed again."""
    daemon = run(service("old"))
    client = daemon.client()
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"tcp:{other.getsockname()[1]}:interface=127.0.0.1"
        text = service("new") + service("more", "more") + service("taken", "taken", taken)
        daemon.change(text, "rejected")
    assert client.ask("x") == "old"
    (_, opened) = daemon.ports
    with pytest.raises(ConnectionRefusedError):
        daemon.client(opened)
    client.close()


def test_services_come_and_go(run: Callable[[str], Running]) -> None:
    """A new service listens; one that is gone is drained and does not listen; others go on."""
    daemon = run(service("old"))
    client = daemon.client()
    daemon.change(service("old") + service("more", "more"))
    added = daemon.client(daemon.ports[1])
    assert added.ask("x") == "more"
    assert added.ask("slow") == "more1"
    daemon.change(service("old"))
    assert added.receive() == "more2"  # what was begun
    assert added.receive() == ""
    with pytest.raises(ConnectionRefusedError):
        daemon.client(daemon.ports[1])
    assert client.ask("x") == "old"
    client.close()
    added.close()


def test_renamed_service_takes_the_address_over(run: Callable[[str], Running]) -> None:
    """An address goes from the service that had it to the one that has it now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        address = f"tcp:{found.getsockname()[1]}:interface=127.0.0.1"
    daemon = run(service("old", "before", address))
    daemon.change(service("new", "after", address))
    client = daemon.client()
    assert client.ask("x") == "new"
    client.close()


def test_hundreds_of_reloads_under_load(run: Callable[[str], Running]) -> None:
    """No reply and no connection is lost, and nothing is left of what was before."""
    daemon = run(service("a"))
    clients = [daemon.client() for _ in range(CLIENTS)]
    after: dict[int, tuple[int, int]] = {}
    for number in range(1, 251):
        reply = "ab"[number % 2]
        daemon.file.write_text(service(reply))
        daemon.hang_up()
        deadline = time.monotonic() + PATIENCE
        while clients[number % CLIENTS].ask("x") != reply:
            assert time.monotonic() < deadline, daemon.log[-2000:]
            assert {client.ask("x") for client in clients} <= {"a", "b"}
        visitor = daemon.client()
        assert visitor.ask("x") == reply
        visitor.close()
        if number in (100, 250):
            daemon.until(lambda: daemon.descriptors() <= after.get(100, (10**6, 0))[0])
            after[number] = daemon.descriptors(), daemon.resident()
    assert {client.ask("x") for client in clients} == {"a"}
    assert after[250][0] <= after[100][0]
    assert after[250][1] < after[100][1] + 4_096
    assert "Traceback" not in daemon.log
    for client in clients:
        client.close()


@pytest.mark.parametrize(("snippet", "talk"), OF_COMMANDS)
def test_command_of_the_document(
    tmp_path: Path, run: Callable[[str], Running], snippet: str, talk: str
) -> None:
    """An example of a command, which needs processes, does what its transcript shows."""
    daemon = run(whole_file(snippet, tmp_path).read_text())
    client = daemon.client()
    asked, answered = talk.splitlines()
    assert client.ask(asked.removeprefix("> ")) == answered.removeprefix("< ")
    client.close()
