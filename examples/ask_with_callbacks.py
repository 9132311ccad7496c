"""The client with callbacks, reconnecting: python ask_with_callbacks.py tcp:127.0.0.1:12345 line.

Asks once a second, three times. While the server is away it waits and tries again.
"""

import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, react
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from sockreply.client import PersistentClient
from sockreply.errors import ConfigError, RequestError


def main(reactor: Any, endpoint: str, framing: str) -> Deferred[None]:
    """Ask, print the replies, and stop after three."""
    try:
        client = PersistentClient(endpoint, framing, reactor=reactor)
    except ConfigError as error:
        sys.exit(str(error))
    client.startService()
    done: Deferred[None] = Deferred()
    replies: list[str] = []

    def ask() -> None:
        client.request(b"time?", timeout=5).addCallbacks(show, complain)

    def show(reply: bytes) -> None:
        print(reply.decode())
        replies.append(reply.decode())
        if len(replies) == 3:
            asking.stop()
            client.stopService().chainDeferred(done)

    def complain(failure: Failure) -> None:
        failure.trap(RequestError)
        print(f"no reply: {failure.value}")

    asking = LoopingCall(ask)
    asking.start(1)
    return done


@implementer(ILogObserver)
def warn(event: LogEvent) -> None:
    """Print the client's warnings, which say why it cannot connect."""
    if event["log_level"] is LogLevel.warn:
        print(formatEvent(event))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python ask_with_callbacks.py ENDPOINT FRAMING")
    globalLogPublisher.addObserver(warn)
    react(main, sys.argv[1:])
