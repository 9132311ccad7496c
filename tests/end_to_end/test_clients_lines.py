"""Programs whose lines end in their own ways, or contain more than text."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import pyvisa
from pyvisa.resources import MessageBasedResource

from tests.end_to_end.clients import connect, read_bytes
from tests.end_to_end.daemons import SCRIPTS, Start
from tests.end_to_end.waiting import PATIENCE

SERVICES = r"""
[services.user]
listen = "tcp:0:interface=127.0.0.1"
framing = "line:ending=any"
keep_alive = true
rules = [{ when.equals = "admin", reply = "yes" }]
otherwise = "no"

[services.login]
listen = "tcp:0:interface=127.0.0.1"
framing = "line:ending=any,telnet=strip"
keep_alive = true
initial_state = "name"
greeting = [{ raw = { hex = "fffb01 fffb03 fffd18 fffd1f" } }, { raw = "login: " }]
rules = [
  { state = "name", when.equals = "admin", next_state = "password", reply.raw = "password: " },
  { state = "password", when.equals = "secret", next_state = "in", reply.raw = "welcome\r\n$ " },
  { state = "in", when.equals = "quit", reply = ["bye", { close = true }] },
]
otherwise = ["login incorrect", { close = true }]

[services.scope]
listen = "tcp:0:interface=127.0.0.1"
framing = "line:blocks=yes"
keep_alive = true
rules = [
  { when.starts_with = 'MMEM:DATA "a.bin",#', reply = [] },
  { when.equals = "*IDN?", reply = "EXAMPLE,SCOPE,1,1.0" },
  { when.equals = "COUNT?", reply.template = "{{ count }}" },
  { when.equals = "CURV?", reply.hex = "233136 0a0d0a220a23" },
]
otherwise = "ERROR"
"""


@pytest.fixture(scope="module")
def ports(start_shared_daemon: Start, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """The ports of the services by their names."""
    file = tmp_path_factory.mktemp("lines") / "lines.toml"
    file.write_text(SERVICES, encoding="utf-8")
    daemon = start_shared_daemon("--config", str(file))
    names = re.findall(r"\[services\.(\w+)\]", SERVICES)
    return dict(zip(names, daemon.ports(len(names)), strict=True))


@pytest.mark.parametrize("end", [b"\r\0", b"\r", b"\r\n", b"\n"])
def test_each_end_of_a_line(ports: dict[str, int], end: bytes) -> None:
    """A peer that sends one of them, and nothing after it, has its answer."""
    with connect(ports["user"]) as peer:
        for _ in range(2):
            peer.sendall(b"admin" + end)
            assert read_bytes(peer, 5) == b"yes\r\n"


def test_all_ends_on_one_connection(ports: dict[str, int]) -> None:
    """Each line is answered before the next is sent, and nothing of one is in the next."""
    with connect(ports["user"]) as peer:
        for end in (b"\r", b"\r\0", b"\r", b"\r\n", b"\n", b"\r"):
            peer.sendall(b"admin" + end)
            assert read_bytes(peer, 5) == b"yes\r\n"
        peer.sendall(b"admin\r\0admin\radmin\r\nadmin\n")
        assert read_bytes(peer, 20) == b"yes\r\n" * 4


class Terminal:
    """A program at a terminal of its own, where Return sends CR.

    Args:
        words: Its command line.
    """

    def __init__(self, *words: str | Path) -> None:
        self._shown = b""
        self._screen, its_end = pty.openpty()
        try:
            self.process = subprocess.Popen(
                words, stdin=its_end, stdout=its_end, stderr=its_end, start_new_session=True
            )
        finally:
            os.close(its_end)

    def type(self, keys: bytes) -> None:
        """Press keys; Return is CR."""
        os.write(self._screen, keys)

    def read_until(self, text: bytes) -> bytes:
        """What is shown from here on, up to some text."""
        deadline = time.monotonic() + PATIENCE
        while text not in self._shown:
            left = deadline - time.monotonic()
            assert left > 0, self._shown
            if select.select([self._screen], [], [], left)[0]:
                try:
                    self._shown += os.read(self._screen, 4096)
                except OSError:  # it has ended, and so has its terminal
                    pytest.fail(f"no {text!r} in {self._shown!r}")
        shown, _, self._shown = self._shown.partition(text)
        return shown

    def end(self) -> None:
        """End it, if it has not ended."""
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(PATIENCE)
        os.close(self._screen)


@pytest.fixture
def telnet(ports: dict[str, int]) -> Iterator[Terminal]:
    """The telnet client of telnetlib3, logging in."""
    if not (SCRIPTS / "telnetlib3-client").exists():
        pytest.skip("telnetlib3-client is not installed")
    terminal = Terminal(SCRIPTS / "telnetlib3-client", "127.0.0.1", str(ports["login"]))
    yield terminal
    terminal.end()


def test_telnet_login(telnet: Terminal) -> None:
    """A client that answers options, and whose Return is a lone CR, logs in and out."""
    telnet.read_until(b"login: ")
    telnet.type(b"admin\r")
    telnet.read_until(b"password: ")
    telnet.type(b"secret\r")
    assert b"welcome\r" in telnet.read_until(b"$ ")
    telnet.type(b"quit\r")
    assert b"bye\r" in telnet.read_until(b"Connection closed by foreign host.")
    assert telnet.process.wait(PATIENCE) == 0


@pytest.fixture
def scope(ports: dict[str, int]) -> Iterator[MessageBasedResource]:
    """The instrument, as pyvisa opens it."""
    with closing(pyvisa.ResourceManager("@py")) as manager:
        resource = manager.open_resource(
            f"TCPIP::127.0.0.1::{ports['scope']}::SOCKET",
            read_termination="\n",
            timeout=PATIENCE * 1000,
        )
        assert isinstance(resource, MessageBasedResource)
        yield resource


@pytest.mark.parametrize("termination", ["\n", "\r\n"])
def test_pyvisa_writes_a_block(scope: MessageBasedResource, termination: str) -> None:
    """An upload with line ends, quotes and a query in it is one message, and the query is next."""
    scope.write_termination = termination
    scope.write_binary_values('MMEM:DATA "a.bin",', b"\n*IDN?\n\"'#\r\n" * 100, datatype="B")
    assert scope.query("*IDN?") == "EXAMPLE,SCOPE,1,1.0"
    assert scope.query("COUNT?") == "3"


def test_pyvisa_reads_a_block(scope: MessageBasedResource) -> None:
    """A reply that is a block with line ends in it arrives whole, and the next one after it."""
    values = scope.query_binary_values("CURV?", datatype="B", container=bytes)
    assert values == b'\n\r\n"\n#'
    assert scope.query("*IDN?") == "EXAMPLE,SCOPE,1,1.0"
