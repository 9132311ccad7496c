"""A UDP server as one is soon written: it remembers every peer, and sends whatever is asked for.

It prints where it listens, as the daemon does.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.protocol import DatagramProtocol

reactor: Any = the_reactor


class Naive(DatagramProtocol):
    """Answers each datagram with some bytes, or with itself.

    Args:
        reply: How many bytes; 0: the datagram.
        most: The most peers that it has; 0: any number.
    """

    def __init__(self, reply: int, most: int) -> None:
        self._reply = b"x" * reply
        self._most = most
        self._peers: dict[Any, bytearray] = {}

    def startProtocol(self) -> None:  # noqa: N802 - Twisted's name
        where: Any = self.transport
        print(f"listening on 127.0.0.1:{where.getHost().port}", flush=True)

    def datagramReceived(self, data: bytes, addr: Any) -> None:
        if addr not in self._peers:
            if self._most and len(self._peers) >= self._most:
                return
            self._peers[addr] = bytearray(1_000)  # what it remembers of each
        where: Any = self.transport
        where.write(self._reply or data, addr)


def main() -> None:
    """Serve until somebody ends it."""
    parser = ArgumentParser()
    parser.add_argument("--listen")
    parser.add_argument("--reply", type=int, default=0)
    parser.add_argument("--most", type=int, default=0)
    options = parser.parse_args()
    reactor.listenUDP(0, Naive(options.reply, options.most), options.listen)
    reactor.run()


if __name__ == "__main__":
    main()
