"""Connections that do nothing, kept by a process of their own.

    python -m benchmarks.idle PORT COUNT

Each asks once and has its reply read, so the server has accepted it and made for it what it makes
for a connection that is in use. `open` is printed then, and they stay until standard input ends.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.asking import PATIENCE_SECONDS, REQUEST
from benchmarks.errors import BenchmarkError

SETTLED = "open\n"


@contextmanager
def idle_connections(port: int, count: int) -> Iterator[None]:
    """Keep so many open.

    Raises:
        BenchmarkError: They cannot be opened, or some ended.
    """
    command = [sys.executable, "-m", "benchmarks.idle", str(port), str(count)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as helper:
        assert helper.stdin is not None
        assert helper.stdout is not None
        told = helper.stdout.readline()
        if told != SETTLED:
            raise BenchmarkError(f"cannot open {count} connections: {told.strip()}")
        yield
        helper.stdin.close()
        if helper.wait():
            raise BenchmarkError("idle connections were closed by the server")


def main(port: int, count: int) -> int:
    """Open, wait, and tell by the exit status whether all are still there."""
    try:
        connections = [_ask_once(port) for _ in range(count)]
    except OSError as error:
        print(error)
        return 1
    sys.stdout.write(SETTLED)
    sys.stdout.flush()
    sys.stdin.read()
    return 0 if all(_is_open(connection) for connection in connections) else 1


def _ask_once(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
    connection.sendall(REQUEST)
    while not connection.recv(4096).endswith(b"\n"):
        pass
    connection.setblocking(False)
    return connection


def _is_open(connection: socket.socket) -> bool:
    try:
        connection.recv(1)
    except BlockingIOError:
        return True
    return False


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
