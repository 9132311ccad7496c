"""Gives a daemon as much to do as one peer can, for some seconds: many short lines, all echoed."""

from __future__ import annotations

import socket
import sys
import threading
import time

LINES = b"x\n" * 10_000


def main() -> None:
    """Send lines until it is time, and read as many."""
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        reader = threading.Thread(target=read_to_end, args=(client,))
        reader.start()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            client.sendall(LINES)
        client.shutdown(socket.SHUT_WR)
        reader.join()


def read_to_end(client: socket.socket) -> None:
    """Read what comes, and forget it."""
    while client.recv(65536):
        pass


main()
