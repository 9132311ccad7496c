"""Asks over UDP from an address, and says how many bytes it sent and got."""

from __future__ import annotations

import socket
import sys

QUIET = 0.5
"""Seconds after which no more will come."""


def main(source: str, port: int, count: int, size: int) -> None:
    """Ask one question after another, and listen until it has been quiet.

    Args:
        source: The address to ask from, which is also the one to ask.
        port: The port to ask.
        count: How many datagrams to send.
        size: How many bytes each has.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((source, 0))
        peer.connect((source, port))
        peer.settimeout(QUIET)
        got = 0
        for _ in range(count):
            peer.send(b"x" * size)
        try:
            while True:
                got += len(peer.recv(70_000))
        except TimeoutError:
            pass
    print(count * size, got)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
