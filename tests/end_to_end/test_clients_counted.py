"""Programs that nobody here wrote finish their job with services whose messages are counted."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from mcstatus import JavaServer

from tests.end_to_end.daemons import Start, needs_program
from tests.end_to_end.waiting import PATIENCE, eventually

FILE = Path(__file__).with_name("clients_counted.toml")

Received = Callable[[str], list[bytes]]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the daemon's record is."""
    return tmp_path_factory.mktemp("counted")


@pytest.fixture(scope="module")
def ports(start_shared_daemon: Start, directory: Path) -> dict[str, str]:
    """Those of a daemon that has all the services, by their names."""
    services = list(tomllib.loads(FILE.read_text(encoding="utf-8"))["services"])
    text = FILE.read_text(encoding="utf-8").replace('"record.jsonl"', f'"{directory}/record.jsonl"')
    copy = directory / FILE.name
    copy.write_text(text, encoding="utf-8")
    daemon = start_shared_daemon("--config", str(copy))
    return dict(zip(services, map(str, daemon.ports(len(services))), strict=True))


@pytest.fixture
def received(directory: Path) -> Received:
    """Gives the messages that a service has received, as they came over the wire."""

    def recorded(service: str) -> list[dict[str, Any]]:
        lines = (directory / "record.jsonl").read_text(encoding="utf-8").splitlines()
        events = [json.loads(line) for line in lines]
        return [event for event in events if event["service"] == service]

    def messages(service: str) -> list[bytes]:
        def ended() -> bool:
            kinds = [event["event"] for event in recorded(service)]
            return 0 < kinds.count("connected") == kinds.count("disconnected")

        eventually(ended, lambda: str(recorded(service)))
        exchanges = [event for event in recorded(service) if event["event"] == "exchange"]
        return [base64.b64decode(each["request"]["wire"]) for each in exchanges]

    return messages


def run(*words: str, told: str = "", env: Mapping[str, str] | None = None) -> str:
    """What a program prints that ends well."""
    done = subprocess.run(
        words, input=told, capture_output=True, text=True, timeout=PATIENCE, check=False, env=env
    )
    assert done.returncode == 0, done
    return done.stdout


@needs_program("mosquitto_pub")
def test_mosquitto_pub(ports: dict[str, str], received: Received) -> None:
    """A message of 300 bytes is acknowledged; its packet has a count of two bytes."""
    where = ("-h", "127.0.0.1", "-p", ports["mqtt"], "-t", "topic", "-q", "1", "-i", "me", "-d")
    said = run("mosquitto_pub", *where, "-m", "x" * 300)
    assert "Client me received PUBACK (Mid: 1, RC:0)" in said
    connect, publish, disconnect = received("mqtt")
    assert connect[:2] == b"\x10\x0e"
    assert publish == b"\x32\xb5\x02\x00\x05topic\x00\x01" + b"x" * 300
    assert disconnect == b"\xe0\x00"


@needs_program("ldapwhoami")
def test_ldapwhoami(ports: dict[str, str]) -> None:
    """A simple bind with a name of more than 127 bytes succeeds, and the identity is printed."""
    name = f"cn={'k' * 150},dc=example"
    where = ("-x", "-H", f"ldap://127.0.0.1:{ports['ldap']}", "-D", name, "-w", "secret")
    assert run("ldapwhoami", *where) == "u:kim\n"


@needs_program("snmpget")
def test_snmpget(ports: dict[str, str], tmp_path: Path) -> None:
    """Eight values are asked for over TCP in one request of more than 127 bytes, and printed."""
    names = [f"1.3.6.1.2.1.1.{number}.0" for number in range(1, 9)]
    words = ("snmpget", "-m", "", "-v2c", "-c", "public", "-Oqv", f"tcp:127.0.0.1:{ports['snmp']}")
    said = run(*words, *names, env={"HOME": str(tmp_path), "SNMP_PERSISTENT_DIR": str(tmp_path)})
    assert said == "".join(f'"value {number}"\n' for number in range(1, 9))


@needs_program("logger")
def test_logger(ports: dict[str, str], received: Received) -> None:
    """Each line is a message of its own, without its count, however they come together."""
    where = ("--tcp", "--octet-count", "-n", "127.0.0.1", "-P", ports["syslog"], "-t", "me")
    run("logger", *where, told="one\ntwo words\n\n4 four\n")
    wires = received("syslog")
    sizes, texts = zip(*(wire.split(b" ", 1) for wire in wires), strict=True)
    assert [int(size) for size in sizes] == [len(text) for text in texts]
    assert [text.partition(b"] ")[2] for text in texts] == [b"one", b"two words", b"", b"4 four"]


@needs_program("adb")
def test_adb(ports: dict[str, str], tmp_path: Path) -> None:
    """`adb devices` takes the service for its server, and lists what that has."""
    env = {"HOME": str(tmp_path), "ADB_SERVER_SOCKET": f"tcp:127.0.0.1:{ports['adb']}"}
    said = run(shutil.which("adb") or "", "devices", env=env)
    assert said == "List of devices attached\nemulator-5554\tdevice\n\n"


@needs_program("git")
def test_git(ports: dict[str, str], received: Received) -> None:
    """`git ls-remote` prints the references, and says with a flush packet that it wants no more."""
    address = f"git://127.0.0.1:{ports['git']}/repo"
    said = run("git", "-c", "protocol.version=0", "ls-remote", address)
    commit = "2bb80d537b1da3e38bd30361aa855686bde0eacd"
    assert said == f"{commit}\tHEAD\n{commit}\trefs/heads/main\n"
    request, flush = received("git")
    assert request[4:].startswith(b"git-upload-pack /repo\0")
    assert flush == b"0000"


def test_mcstatus(ports: dict[str, str]) -> None:
    """The status of a Minecraft server, of more than 127 bytes, is read, and a ping comes back."""
    server = JavaServer("127.0.0.1", int(ports["minecraft"]), timeout=PATIENCE)
    status = server.status()
    assert (status.version.name, status.players.online) == ("1.21", 3)
    assert status.motd.to_plain() == "stand-in " * 20
    assert server.ping() > 0


@needs_program("cgi-fcgi")
def test_cgi_fcgi(ports: dict[str, str], received: Received) -> None:
    """A request over FastCGI is answered; its records come with their padding."""
    where = ("-bind", "-connect", f"127.0.0.1:{ports['fastcgi']}")
    env = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "10"}
    said = run(shutil.which("cgi-fcgi") or "", *where, told="some input", env=env)
    assert said == "Content-Type: text/plain\n\nhello\n"
    begin, parameters, no_more, content, end = received("fastcgi")
    assert [record[1] for record in (begin, parameters, no_more, content, end)] == [1, 4, 4, 5, 5]
    assert parameters[6] > 0
    assert len(parameters) == 8 + int.from_bytes(parameters[4:6]) + parameters[6]
    assert content[8:18] == b"some input"


@needs_program("dig")
def test_dig(ports: dict[str, str]) -> None:
    """An address is asked for over TCP, and printed."""
    words = ("dig", "+tcp", "+short", "-p", ports["dns"], "@127.0.0.1", "example.com", "A")
    assert run(*words) == "192.0.2.7\n"
