"""The client with await: python ask.py tcp:127.0.0.1:12345 line hello again."""

import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from sockreply.client import connect


async def ask(reactor: Any, endpoint: str, framing: str, *messages: str) -> None:
    """Send all messages at once, and print the replies in their order."""
    connection = await connect(endpoint, framing, reactor=reactor, timeout=5)
    requests = [connection.request(message.encode(), timeout=5) for message in messages]
    for request in requests:
        print((await request).decode())
    await connection.close()


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(ask(reactor, *sys.argv[1:])))
