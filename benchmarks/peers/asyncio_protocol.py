"""The standard library's loop with a Protocol.

Counts line ends and answers as often, with one write a read; it never has a line in its hands.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

REPLY = b"+PONG\r\n"


class Pong(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(REPLY * data.count(b"\n"))


async def serve(port: int) -> None:
    """Answer for ever."""
    server = await asyncio.get_running_loop().create_server(Pong, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
