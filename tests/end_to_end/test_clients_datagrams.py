"""Programs that speak UDP, which nobody here wrote, get their answers from rules."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.daemons import daemons_in
from tests.end_to_end.waiting import PATIENCE, eventually

FIRST, LAST = bytes(range(256)) * 2, b"the last block"

CONFIG = r"""
[log]
record = "record.jsonl"

[services.dns]
listen = "udp:0:interface=127.0.0.1"
show = "hex"

[[services.dns.rules]]
name = "address"
when = { regex = '(?s)^(?P<id>..)..\x00\x01.{6}(?P<question>.+?\x00\x00\x01\x00\x01)' }
[services.dns.rules.reply]
as = "hex"
template = '''
{{ match.id }} 8580 0001 0001 0000 0000 {{ match.question }}
c00c 0001 0001 0000003c 0004 c0000201'''

[[services.dns.rules]]
name = "nothing else"
when = { regex = '(?s)^(?P<id>..)..\x00\x01.{6}(?P<question>.+?\x00....)' }
reply = { template = "{{ match.id }} 8580 0001 0000 0000 0000 {{ match.question }}", as = "hex" }

[services.syslog]
listen = "udp:0:interface=127.0.0.1"

[services.snmp]
listen = "udp:0:interface=127.0.0.1"

[[services.snmp.rules]]
when.regex = '''(?sx)^
  \x30.(?P<head>\x02\x01\x01\x04\x06public)
  \xa0.(?P<id>\x02[\x01-\x05].{1,5}?)\x02\x01\x00\x02\x01\x00
  \x30\x0e\x30\x0c(?P<oid>\x06\x08.{8})\x05\x00$'''
[services.snmp.rules.reply]
as = "hex"
template = '''
{%- set vb = match.oid ~ "0402 6869" -%}
{%- set vb = "30" ~ (vb|unhex|length)|pack("B") ~ vb -%}
{%- set pdu = match.id ~ "020100 020100 30" ~ (vb|unhex|length)|pack("B") ~ vb -%}
{%- set all = match.head ~ "a2" ~ (pdu|unhex|length)|pack("B") ~ pdu -%}
30 {{ (all|unhex|length)|pack("B") }} {{ all }}'''

[services.tftp]
listen = "udp:0:interface=127.0.0.1"
keep_alive = true
show = "hex"
initial_state = "idle"

[[services.tftp.rules]]
name = "read"
when = { starts_with = { hex = "00 01" }, contains = "two.bin\u0000octet" }
next_state = "reading"
reply = { file = "block-1" }

[[services.tftp.rules]]
name = "more"
state = "reading"
when = { equals = { hex = "00 04 00 01" } }
reply = { file = "block-2" }

[[services.tftp.rules]]
name = "done"
state = "reading"
when = { equals = { hex = "00 04 00 02" } }
reply = { close = true }

[[services.tftp.rules]]
name = "no such file"
when = { starts_with = { hex = "00 01" } }
reply = { hex = "0005 0001 4e6f 2073 7563 6820 6669 6c65 00" }
"""


class Server:
    """A daemon with these services.

    Args:
        directory: Where it works.
        ports: Of its services, by their names.
    """

    def __init__(self, directory: Path, ports: dict[str, str]) -> None:
        self.directory = directory
        self.ports = ports

    def recorded(self, service: str) -> list[str]:
        """The texts of the messages that a service got."""
        lines = map(json.loads, (self.directory / "record.jsonl").read_text().splitlines())
        return [
            each["request"]["text"]
            for each in lines
            if (each["event"], each["service"]) == ("exchange", service)
        ]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One daemon for all of these tests."""
    directory = tmp_path_factory.mktemp("udp")
    (directory / "udp.toml").write_text(CONFIG)
    (directory / "block-1").write_bytes(b"\0\3\0\1" + FIRST)
    (directory / "block-2").write_bytes(b"\0\3\0\2" + LAST)
    names = ["dns", "syslog", "snmp", "tftp"]
    with daemons_in(directory) as start:
        daemon = start("--config", "udp.toml")
        yield Server(directory, dict(zip(names, map(str, daemon.ports(4)), strict=True)))


def run(*words: str, directory: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; the test is skipped if it is not there."""
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed")
    return subprocess.run(
        words, cwd=directory, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@pytest.mark.parametrize("more", [(), ("+noedns",), ("+norecurse",)])
def test_dig(server: Server, more: tuple[str, ...]) -> None:
    """Dig prints the address, and does not complain."""
    ask = ("dig", "+tries=1", "-p", server.ports["dns"], "@127.0.0.1", *more, "example.org")
    done = run(*ask)
    assert done.returncode == 0, done
    assert "status: NOERROR" in done.stdout
    assert "example.org.\t\t60\tIN\tA\t192.0.2.1" in done.stdout
    assert ";; Warning" not in done.stdout
    assert run(*ask, "+short").stdout == "192.0.2.1\n"


def test_dig_for_what_is_not_there(server: Server) -> None:
    """An answer without records is one, too."""
    done = run("dig", "+tries=1", "-p", server.ports["dns"], "@127.0.0.1", "example.org", "AAAA")
    assert done.returncode == 0, done
    assert "status: NOERROR" in done.stdout
    assert "ANSWER: 0" in done.stdout


def test_logger(server: Server) -> None:
    """Each line that logger sends is a message, which gets silence."""
    where = ("--udp", "--server", "127.0.0.1", "--port", server.ports["syslog"])
    for text in ("one", "two"):
        assert run("logger", *where, "--rfc3164", "-t", "test", text).returncode == 0
    eventually(lambda: len(server.recorded("syslog")) == 2)
    one, two = server.recorded("syslog")
    assert one.startswith("<13>")
    assert (one[-9:], two[-9:]) == ("test: one", "test: two")


def test_snmpget(server: Server) -> None:
    """Snmpget prints the value."""
    where = f"udp:127.0.0.1:{server.ports['snmp']}"
    done = run("snmpget", "-v2c", "-c", "public", "-r", "0", where, "1.3.6.1.2.1.1.5.0")
    assert done.returncode == 0, done
    assert done.stdout.rpartition("=")[2] == ' STRING: "hi"\n'


def test_tftp(server: Server, tmp_path: Path) -> None:
    """Tftp reads a file in two blocks, each of which it acknowledges, from one port."""
    where = ("127.0.0.1", server.ports["tftp"])
    done = run("tftp", "-m", "binary", *where, "-c", "get", "two.bin", directory=tmp_path)
    assert done.returncode == 0, done
    assert (tmp_path / "two.bin").read_bytes() == FIRST + LAST


def test_tftp_of_nothing(server: Server, tmp_path: Path) -> None:
    """An error packet is an error for tftp."""
    where = ("127.0.0.1", server.ports["tftp"])
    done = run("tftp", "-m", "binary", *where, "-c", "get", "none.bin", directory=tmp_path)
    assert "No such file" in done.stdout + done.stderr
