"""The client with await: python ask.py tcp:127.0.0.1:12345 line hello again."""

import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.python.failure import Failure

from sockreply.client import connect
from sockreply.errors import SockreplyError


async def ask(reactor: Any, endpoint: str, framing: str, *messages: str) -> None:
    """Send all messages at once, and print the replies in their order."""
    try:
        connection = await connect(endpoint, framing, reactor=reactor, timeout=5)
    except SockreplyError as error:
        sys.exit(str(error))
    requests = [connection.request(message.encode(), timeout=5) for message in messages]
    for reply in [request.addCallbacks(bytes.decode, complain) for request in requests]:
        print(await reply)
    await connection.close()


def complain(failure: Failure) -> str:
    """Return what to print instead of a reply."""
    return f"no reply: {failure.value}"


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit("usage: python ask.py ENDPOINT FRAMING MESSAGE ...")
    react(lambda reactor: Deferred.fromCoroutine(ask(reactor, *sys.argv[1:])))
