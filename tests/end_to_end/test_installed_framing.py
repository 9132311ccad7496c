"""Framings that somebody else wrote, in processes that find them as users left them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.tcp_client import SimpleTCPClient

from tests.end_to_end.daemons import ROOT, SCRIPTS, Start, python_path, start_to_end
from tests.end_to_end.waiting import PATIENCE

SLIP = ROOT / "examples" / "slip"
SOCKREPLY = str(SCRIPTS / "sockreply")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with examples/slip, installed by pip from disk alone."""
    made = tmp_path_factory.mktemp("site")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    where = ("--no-deps", "--no-index", "--no-build-isolation", "--target", str(made))
    subprocess.run([*pip, *where, str(SLIP)], check=True, timeout=4 * PATIENCE)
    return made


def finding(*places: Path) -> tuple[str, ...]:
    """The words that start a program that finds what is there."""
    return ("env", f"PYTHONPATH={python_path(ROOT, *places)}")


def test_served_and_asked(start_daemon: Start, tmp_path: Path, site: Path) -> None:
    """A daemon and `sockreply send` speak it, and a name that is unknown is told with it."""
    send = (*finding(site), SOCKREPLY, "send")
    daemon = start_daemon(
        *("--framing", "slip:ends=after", "--keep-alive", "--echo"), under=finding(site)
    )
    words = ("--framing", "slip", "--hex", "--port", str(daemon.port), "00c0db", "ff")
    done = start_to_end(*send, *words, directory=tmp_path)
    assert (done.stdout, done.stderr) == ("00c0db\nff\n", "")
    done = start_to_end(*send, "--framing", "slips", "x", directory=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("sockreply: --framing: unknown framing 'slips'; known: chunk, ")
    assert done.stderr.endswith("eof, slip; code is named package.module:callable\n")


MIXER = """
[services.mixer]
listen = "tcp:0:interface=127.0.0.1"
framing = "slip"
keep_alive = true

[[services.mixer.rules]]
name = "info"
when = {{ starts_with = {{ hex = "{asked}" }} }}
reply = {{ hex = "{reply}" }}
"""


def osc(address: str, *values: str | int) -> bytes:
    """A message of Open Sound Control."""
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return bytes(builder.build().dgram)


def test_osc_over_tcp(start_daemon: Start, tmp_path: Path, site: Path) -> None:
    """A client of Open Sound Control 1.1 is answered, also with bytes that have to be escaped."""
    reply = osc("/info", "X32", 0xDBC0)
    file = tmp_path / "mixer.toml"
    file.write_text(MIXER.format(asked=osc("/info")[:8].hex(), reply=reply.hex()))
    daemon = start_daemon("--config", str(file), under=finding(site))
    with SimpleTCPClient("127.0.0.1", daemon.port, mode="1.1", timeout=PATIENCE) as client:
        client.send_message("/ch/01/mix/fader", 0.75)
        client.send_message("/info", [0xC0])
        (datagram,) = client.receive(PATIENCE)
    message = OscMessage(datagram)
    assert (message.address, message.params) == ("/info", ["X32", 0xDBC0])
    assert daemon.stop() == 0
    assert "received from 127.0.0.1:" in daemon.log
    assert f": {osc('/info', 0xC0).hex(' ')}\n" in daemon.log  # its messages are binary
    done = start_to_end(*finding(site), SOCKREPLY, "check", str(file), directory=tmp_path)
    assert done.stdout.startswith("service mixer: framing slip, keep-alive, 1 rule\n")


def test_code_beside_the_file(start_daemon: Start, tmp_path: Path) -> None:
    """No distribution is needed: `module:callable` is found there, and where `send` works."""
    (tmp_path / "slip.py").write_bytes((SLIP / "src" / "slip.py").read_bytes())
    file = tmp_path / "echo.toml"
    file.write_text(
        '[services.s]\nlisten = "tcp:0:interface=127.0.0.1"\nframing = "slip:Slip:ends=after"\n'
        "keep_alive = true\notherwise = { echo = true }\n"
    )
    daemon = start_daemon("--config", str(file), runner="sockreply serve")
    words = ("--framing", "slip:Slip", "--hex", "--port", str(daemon.port), "00c0db", "ff")
    done = start_to_end(SOCKREPLY, "send", *words, directory=tmp_path)
    assert (done.stdout, done.stderr) == ("00c0db\nff\n", "")
    wire = ("explain", "echo.toml", "--wire", "--hex", "c0 61 c0 62")
    done = start_to_end(SOCKREPLY, *wire, directory=tmp_path)
    assert done.returncode == 1
    assert "left over: 'b'\n  no END (0xC0) yet; after message_timeout" in done.stdout


def test_code_that_fails(tmp_path: Path) -> None:
    """Every command says in a line what is wrong, and where."""
    (tmp_path / "broken.py").write_text(
        "from sockreply.framing import Framing\n\n\nclass Broken(Framing):\n"
        "    def framer(self, max_message):\n        return self\n"
        "    def frame(self, message):\n        return message\n"
    )
    file = tmp_path / "broken.toml"
    file.write_text('[services.s]\nlisten = "tcp:0"\nframing = "broken:Broken"\n')
    says = "framing broken:Broken: its framer, Broken, lacks buffered, dropped, empty, next_message"
    for words, status in (
        (("check", "broken.toml"), 1),
        (("serve", "--port", "0", "--framing", "broken:Broken"), 2),
        (("send", "--framing", "broken:Broken", "x"), 2),
    ):
        done = start_to_end(SOCKREPLY, *words, directory=tmp_path)
        (line,) = (done.stdout + done.stderr).splitlines()
        assert (done.returncode, says in line) == (status, True), line
