"""The standard library's streams: splits lines, and waits for a peer that does not read."""

from __future__ import annotations

import asyncio
import sys

REPLY = b"+PONG\r\n"


async def pong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the lines of one connection."""
    try:
        async for _ in reader:
            writer.write(REPLY)
            await writer.drain()
    except ConnectionError:  # the peer is gone, which asyncio would log
        pass
    finally:
        writer.close()


async def serve(port: int) -> None:
    """Answer for ever."""
    server = await asyncio.start_server(pong, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
