"""A peer that asks as much as it can, and peers from as many addresses as one likes.

Run as `python -m tests.hostile.flood`: a process of its own leaves that of the test its time.
"""

from __future__ import annotations

import selectors
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FLOODER = "127.0.0.2"
"""Where it comes from."""

MESSAGE = b"x" * 99 + b"\n"
"""What it asks: 1 ms of work for `costly`."""

AT_ONCE = 64
"""Addresses from which there is a connection at a time."""


@contextmanager
def flooding(port: int, seconds: float, connections: int, *, once: bool) -> Iterator[Flood]:
    """Let one flood a daemon, and wait for its end.

    Args:
        port: The daemon's, on 127.0.0.1.
        seconds: How long it does.
        connections: How many it has at a time; it makes another one when one is closed.
        once: Does it send one message on each, and close it after the reply?
    """
    words = ("flood", str(port), str(seconds), str(connections), str(int(once)))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.flood", *words],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "begun\n"
        yield Flood(process)
    finally:
        process.kill()
        process.communicate()


class Flood:
    """One that is under way.

    Args:
        process: Makes it.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def replies(self) -> int:
        """How many it got, once it is over."""
        return int(self._process.communicate(timeout=60)[0])


def visit(port: int, addresses: int) -> int:
    """Ask once from each of so many addresses. How many got a reply?"""
    words = ("visit", str(port), str(addresses))
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.flood", *words],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return int(done.stdout)


def come_from(address: str, port: int) -> socket.socket:
    """A connection from an address of this machine."""
    client = socket.socket()
    client.settimeout(30)
    # So that it is gone at once when it is closed, and leaves the port free.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(AttributeError, OSError):
        client.setsockopt(socket.SOL_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
    client.bind((address, 0))
    client.connect(("127.0.0.1", port))
    return client


def _flood(port: int, seconds: float, connections: int, once: bool) -> int:
    """Ask as much as possible. How many replies came?"""
    wire = MESSAGE if once else MESSAGE * 655
    look, replies, until = selectors.DefaultSelector(), 0, time.monotonic() + seconds
    events = selectors.EVENT_READ if once else selectors.EVENT_READ | selectors.EVENT_WRITE

    def begin() -> None:
        client = come_from(FLOODER, port)
        client.setblocking(False)
        with suppress(OSError):
            client.send(wire)
        look.register(client, events)

    def end(client: socket.socket) -> None:
        look.unregister(client)
        client.close()

    for _ in range(connections):
        begin()
    print("begun", flush=True)
    while time.monotonic() < until:
        for key, event in look.select(0.1):
            client = key.fileobj
            assert isinstance(client, socket.socket)
            try:
                heard = client.recv(65_536) if event & selectors.EVENT_READ else None
                if heard:
                    replies += heard.count(b"\n")
                if heard == b"" or (heard and once):
                    raise ConnectionError
                if event & selectors.EVENT_WRITE:
                    client.send(wire)
            except BlockingIOError:
                pass
            except OSError:
                end(client)
                begin()
    return replies


def _visit(port: int, addresses: int) -> int:
    """Ask once from each address. How many got a reply?"""
    replies = 0
    for first in range(0, addresses, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, addresses))
        clients = [come_from(_address(number), port) for number in numbers]
        for client in clients:
            with suppress(ConnectionError):
                client.sendall(b"hello\n")
        for client in clients:
            with suppress(ConnectionError):
                replies += client.recv(64) != b""
            client.close()
    return replies


def _address(number: int) -> str:
    return f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


if __name__ == "__main__":
    what, *numbers = sys.argv[1:]
    if what == "flood":
        port, seconds, connections, once = numbers
        print(_flood(int(port), float(seconds), int(connections), once == "1"))
    else:
        print(_visit(*map(int, numbers)))
