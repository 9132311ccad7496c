"""A server as Twisted's tutorials have it, to compare with: it answers each read with what it read.

It prints where it listens, as the daemon does.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.protocol import Factory, Protocol

reactor: Any = the_reactor


class Stock(Protocol):
    """It knows nothing of half-closed connections."""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)


def main() -> None:
    """Listen on a free port until the process ends."""
    port = reactor.listenTCP(0, Factory.forProtocol(Stock), interface="127.0.0.1")
    print(f"listening on 127.0.0.1:{port.getHost().port}", flush=True)
    reactor.run()


if __name__ == "__main__":
    main()
