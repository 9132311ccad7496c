"""A service on a range of ports."""

from __future__ import annotations

import json
import random
import signal
import socket
from contextlib import ExitStack
from pathlib import Path

from tests.end_to_end.clients import ask, half_close_and_read
from tests.end_to_end.daemons import Start, command, start_to_end, with_open_files
from tests.end_to_end.waiting import eventually

PORTS = 200


def free_ports(size: int = PORTS) -> int:
    """The first of so many ports in a row that nobody has."""
    for _ in range(99):
        first = random.randrange(10_000, 32_000 - size)  # the kernel chooses others for clients
        with ExitStack() as taken:
            try:
                for port in range(first, first + size):
                    taken.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return first
    raise AssertionError("no ports are free")


def test_every_port_answers(start_daemon: Start, tmp_path: Path) -> None:
    """A reply, the log, the record and the ready file say which port it was; a reload moves it."""
    first = free_ports()
    last, middle = first + PORTS - 1, first + PORTS // 2
    text = """
        [services.s]
        listen = "tcp:{}-{}:interface=127.0.0.1"
        framing = "line"
        otherwise = {{ template = "port {{{{ local.port }}}}" }}
        [log]
        record = "record"
        """
    file = tmp_path / "s.toml"
    file.write_text(text.format(first, last))
    daemon = start_daemon("--config", "s.toml", "--ready-file", "ready")
    eventually((tmp_path / "ready").exists)
    for port in (first, middle, last):
        assert half_close_and_read(port, b"x\n") == f"port {port}\n".encode()
    half_close_and_read(middle, b"")
    listeners = json.loads((tmp_path / "ready").read_text())["services"]["s"]
    assert [each["port"] for each in listeners] == list(range(first, last + 1))
    file.write_text(text.format(middle, last))
    daemon.signal(signal.SIGHUP)
    daemon.wait_for("reloaded")
    assert half_close_and_read(middle, b"x\n") == f"port {middle}\n".encode()
    listeners = json.loads((tmp_path / "ready").read_text())["services"]["s"]
    assert [each["port"] for each in listeners] == list(range(middle, last + 1))
    assert daemon.stop() == 0
    events = [json.loads(line) for line in (tmp_path / "record").read_text().splitlines()]
    connected = [each["local"] for each in events if each["event"] == "connected"]
    assert connected == [f"127.0.0.1:{port}" for port in (first, middle, last, middle, middle)]
    log = daemon.log
    assert f"listening on 127.0.0.1:{first}-{last} ({PORTS} ports)\n" in log
    assert f" connected to 127.0.0.1:{middle}\n" in log
    assert log.count("starting on") == log.count("Closed") == 0


def test_one_port_that_is_taken(tmp_path: Path) -> None:
    """The start fails with one line that names it, and without the others."""
    first = free_ports(9)
    with socket.create_server(("127.0.0.1", first + 5)):
        ports = f"{first}-{first + 8}"
        done = start_to_end(*command("sockreply serve", "--port", ports), directory=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"port {first + 5} on 127.0.0.1: Address already in use" in line


def test_more_ports_than_descriptors(tmp_path: Path) -> None:
    """That is one line, too, before any is opened."""
    words = command("sockreply serve", "--listen", "tcp:2000-4000:interface=127.0.0.1")
    done = start_to_end(*with_open_files(200, 200), *words, directory=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "2001 listeners do not fit the limit on open files, which allows 152 " in line


def test_as_many_as_fit(start_daemon: Start) -> None:
    """Ports take places of connections, and that is said."""
    first = free_ports(100)
    ports = f"{first}-{first + 99}"
    daemon = start_daemon("--port", ports, "--echo", under=with_open_files(200, 200))
    daemon.wait_for(f"listening on 127.0.0.1:{ports} (100 ports)")
    assert ask(first + 99) == b"hello"
    assert "at most 52 connections: the limit on open files allows no more\n" in daemon.log
