"""A connection that sends requests without end, and reads the replies, in a process of its own.

    python -m benchmarks.flood PORT

It ends when standard input does.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from benchmarks.asking import PATIENCE_SECONDS, REQUEST
from benchmarks.errors import BenchmarkError

BEGUN = "floods\n"
AT_ONCE = 1000
"""Requests of one write: more than a server takes in a read."""


@contextmanager
def flooding(port: int) -> Iterator[None]:
    """Keep a server busy with one connection.

    Raises:
        BenchmarkError: It cannot be opened, or the server ends it.
    """
    command = [sys.executable, "-m", "benchmarks.flood", str(port)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as helper:
        assert helper.stdin is not None
        assert helper.stdout is not None
        if helper.stdout.readline() != BEGUN:
            raise BenchmarkError("cannot open a connection that floods")
        yield
        helper.stdin.close()
        if helper.wait():
            raise BenchmarkError("the connection that floods was closed by the server")


def main(port: int) -> int:
    """Send and read until told to end; was the connection there to the end?"""
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
    connection.settimeout(None)
    told_to_end = threading.Event()
    closed = threading.Event()

    def read() -> None:
        with suppress(OSError):
            while connection.recv(1 << 20):
                pass
        closed.set()

    def wait() -> None:
        sys.stdin.read()
        told_to_end.set()
        connection.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=read, daemon=True).start()
    threading.Thread(target=wait, daemon=True).start()
    sys.stdout.write(BEGUN)
    sys.stdout.flush()
    with suppress(OSError):
        while not closed.is_set():
            connection.sendall(REQUEST * AT_ONCE)
    return 0 if told_to_end.is_set() else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
