"""The server's CPU time for a request, beside that of other servers on the same machine.

50 connections with one request in flight each ask for `PING`, a line, and get `+PONG`; the load
comes from redis-benchmark (Debian's redis-tools). Servers are measured in turn, several times; the
least time of each is printed, and its ratio to the plain Twisted protocol, which answers each read
without looking for lines. Ratios are comparable between machines, microseconds are not.

    python benchmarks/requests.py [requests] [rounds]
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from measuring import SOCKREPLY, measure

REPLY = b"+PONG\r\n"


def plain_twisted() -> None:
    """Answers each read."""
    from twisted.internet import protocol

    class Plain(protocol.Protocol):
        def dataReceived(self, _: bytes) -> None:
            assert self.transport is not None
            self.transport.write(REPLY)

    _serve_twisted(Plain)


def line_receiver() -> None:
    """Twisted's own lines."""
    from twisted.protocols.basic import LineReceiver

    class Lines(LineReceiver):
        def lineReceived(self, _: bytes) -> None:  # noqa: N802 - Twisted's name
            self.sendLine(REPLY[:-2])

    _serve_twisted(Lines)


def asyncio_protocol() -> None:
    """The standard library's loop; answers each read."""

    class Plain(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, _: bytes) -> None:
            assert isinstance(self.transport, asyncio.WriteTransport)
            self.transport.write(REPLY)

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Plain, "127.0.0.1", 0)
        _tell(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


def _serve_twisted(protocol_class: Any) -> None:
    from twisted.internet import protocol, reactor

    loop: Any = reactor  # a module, to mypy
    factory = protocol.ServerFactory.forProtocol(protocol_class)
    _tell(loop.listenTCP(0, factory, 512, "127.0.0.1").getHost().port)
    loop.run()


def _tell(port: int) -> None:
    print(f"listening on 127.0.0.1:{port}", flush=True)


PEERS = (plain_twisted, line_receiver, asyncio_protocol)
COMMANDS = {
    "sockreply": [
        SOCKREPLY,
        *("serve", "--port", "0", "--framing", "line:ending=crlf", "--keep-alive"),
        *("--reply", "+PONG"),
    ]
} | {peer.__name__: [sys.executable, __file__, peer.__name__] for peer in PEERS}


def main(requests: int = 100_000, rounds: int = 3) -> None:
    """Measure all, in turn."""
    least = dict.fromkeys(COMMANDS, float("inf"))
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            least[name] = min(least[name], measure(command, requests))
    print(f"{'server':20} {'us':>6} {'ratio':>6}")
    for name, used in least.items():
        print(f"{name:20} {used:6.1f} {used / least['plain_twisted']:6.2f}")


if __name__ == "__main__":
    for peer in PEERS:
        if sys.argv[1:] == [peer.__name__]:
            peer()
            break
    else:
        main(*map(int, sys.argv[1:]))
