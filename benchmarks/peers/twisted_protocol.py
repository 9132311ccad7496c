"""Twisted's reactor with a Protocol.

Counts line ends and answers as often, with one write a read; it never has a line in its hands.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet.protocol import Protocol, ServerFactory

REPLY = b"+PONG\r\n"


class Pong(Protocol):
    """One connection."""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(REPLY * data.count(b"\n"))


def serve(protocol: type[Protocol], port: int) -> None:
    """Answer for ever."""
    from twisted.internet import reactor

    loop: Any = reactor  # a module, to mypy
    loop.listenTCP(port, ServerFactory.forProtocol(protocol), 4096, "127.0.0.1")
    loop.run()


if __name__ == "__main__":
    serve(Pong, int(sys.argv[1]))
