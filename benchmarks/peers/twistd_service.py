"""What `twistd benchmark-pong` runs: the least service that listens and answers.

It shows what Twisted itself takes to start; the protocol is that of twisted_protocol.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from twisted.application.internet import TCPServer
from twisted.internet.protocol import ServerFactory
from twisted.python import usage

from benchmarks.peers.twisted_protocol import Pong


class Options(usage.Options):
    """Where to listen."""

    optParameters: ClassVar[Sequence[Sequence[Any]]] = [["port", "p", 0, "TCP port", int]]


def makeService(options: Options) -> TCPServer:
    """The service."""
    factory = ServerFactory.forProtocol(Pong)
    return TCPServer(options["port"], factory, interface="127.0.0.1")
