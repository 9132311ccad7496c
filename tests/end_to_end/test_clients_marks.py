"""Programs and libraries that nobody here wrote, with services whose messages end with marks."""

from __future__ import annotations

import asyncio
import json
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
from qemu.qmp import QMPClient
from simplefix import FixMessage, FixParser  # type: ignore[import-untyped]  # it has no types

from tests.end_to_end.clients import connect, half_close_and_read, read_bytes
from tests.end_to_end.daemons import Start, needs_program, start_to_end
from tests.end_to_end.waiting import PATIENCE

FILE = Path(__file__).with_name("clients_marks.toml")

HEADER = rb"1H|\^&|||HOST" + b"\r"
"""The text of a frame of ASTM E1381; with ETX, its sum is 97 in hexadecimal digits."""


@pytest.fixture(scope="module")
def ports(start_shared_daemon: Start) -> dict[str, int]:
    """Those of a daemon that has all the services, by their names."""
    services = list(tomllib.loads(FILE.read_text(encoding="utf-8"))["services"])
    daemon = start_shared_daemon("--config", str(FILE))
    return dict(zip(services, daemon.ports(len(services)), strict=True))


def fix(version: str, kind: str, **fields: object) -> FixMessage:
    """A message of simplefix, which adds 9= and 10= itself."""
    message = FixMessage()
    message.append_pair(8, version)
    message.append_pair(35, kind)
    for name, value in fields.items():
        message.append_pair(name.removeprefix("t"), value)
    return message


@pytest.mark.parametrize("version", ["FIX.4.2", "FIXT.1.1"])
def test_simplefix(ports: dict[str, int], version: str) -> None:
    """A session is logged on and tested, and its encoder finds the same lengths and checksums."""
    asked = [
        fix(version, "A", t49="CLIENT", t56="HOST", t34=1, t98=0, t108=30),
        fix(version, "1", t49="CLIENT", t56="HOST", t34=2, t112="ARE YOU THERE"),
    ]
    parser = FixParser()
    answers: list[FixMessage] = []
    with connect(ports["fix"]) as client:
        client.sendall(b"".join(message.encode() for message in asked))
        while len(answers) < len(asked):
            parser.append_buffer(client.recv(4096))
            answers += iter(parser.get_message, None)
    logon, heartbeat = answers
    assert (logon.get(35), logon.get(98), logon.get(108)) == (b"A", b"0", b"30")
    assert (heartbeat.get(35), heartbeat.get(112)) == (b"0", b"ARE YOU THERE")
    for answer in answers:
        assert answer.get(8) == version.encode()
        assert answer.encode() == answer.encode(raw=True)  # it counts and sums up anew, or not


def test_astm_frames(ports: dict[str, int]) -> None:
    """A frame is acknowledged if its checksum is right, whichever mark ended it."""
    right = b"\x02" + HEADER + b"\x0397\r\n"
    wrong = b"\x02" + HEADER + b"\x0398\r\n"
    more_to_come = b"\x02" + HEADER + b"\x17AB\r\n"
    assert half_close_and_read(ports["astm"], b"\x05" + right + wrong + more_to_come) == (
        b"\x06\x15\x06"
    )
    with connect(ports["astm"]) as client:
        for octet in right + wrong:
            client.sendall(bytes([octet]))
        assert read_bytes(client, 2) == b"\x06\x15"


@needs_program("gdb")
def test_gdb(ports: dict[str, int], tmp_path: Path) -> None:
    """It attaches, finds the program counter among the registers, and detaches."""
    where = f"target remote 127.0.0.1:{ports['gdb']}"
    steps = ("set architecture i386", where, "print/x $eip", "detach")
    words = [word for step in steps for word in ("-ex", step)]
    done = start_to_end("gdb", "-nx", "-batch", *words, directory=tmp_path)
    assert done.returncode == 0, done
    assert "$1 = 0x12345678\n" in done.stdout
    assert "[Inferior 1 (Remote target) detached]" in done.stdout


def test_qemu_qmp(ports: dict[str, int]) -> None:
    """QEMU's own library negotiates and asks; it puts nothing at all after its requests."""

    async def ask() -> object:
        client = QMPClient("test")
        await client.connect(("127.0.0.1", ports["qmp"]))
        try:
            return await client.execute("query-status")
        finally:
            await client.disconnect()

    assert asyncio.run(asyncio.wait_for(ask(), PATIENCE)) == {"status": "running", "running": True}


def test_json_rpc(ports: dict[str, int]) -> None:
    """Two requests in one write and one in two are three; nonsense in brackets is answered."""
    ping = json.dumps({"jsonrpc": "2.0", "method": "ping", "id": "}{"}, indent=1)
    with connect(ports["rpc"]) as client, closing(client.makefile()) as answers:
        client.sendall(f'{ping}{ping.replace("}{", "b")}{{"jsonrpc": "2.0", "me'.encode())
        assert [json.loads(answers.readline())["id"] for _ in range(2)] == ["}{", "b"]
        client.sendall(b'thod": "ping", "id": 3}[{"nonsense"}')
        assert json.loads(answers.readline())["id"] == 3
        client.sendall(b"]")
        assert json.loads(answers.readline())["error"]["code"] == -32700
        client.sendall(b"}")
        assert answers.readline() == ""
