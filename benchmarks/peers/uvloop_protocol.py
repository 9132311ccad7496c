"""The Protocol of asyncio_protocol.py in uvloop's loop, which is libuv and Cython."""

from __future__ import annotations

import sys

import uvloop

from benchmarks.peers.asyncio_protocol import serve

if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
