"""A server as Twisted's tutorials have it: what each promise is known to fail with.

Each option is what people write who want that and have not met what comes of it. It prints where it
listens, as the daemon does.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from pathlib import Path
from threading import Thread
from typing import Any

from prometheus_client import CollectorRegistry, Counter, generate_latest
from twisted.application.internet import StreamServerEndpointService
from twisted.internet import reactor as the_reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.utils import getProcessOutput
from twisted.logger import Logger, globalLogBeginner, textFileLogObserver
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

reactor: Any = the_reactor
log = Logger()


class Naive(Protocol, TimeoutMixin):
    """Answers each read with what it read."""

    factory: NaiveFactory
    transport: Any
    rest = b""
    own: bytearray

    @property
    def peer(self) -> str:
        """The address of the other end; that of a UNIX socket has none."""
        return getattr(self.transport.getPeer(), "host", "")

    def connectionMade(self) -> None:
        self.factory.connections += 1
        options = self.factory.options
        self.setTimeout(options.life)  # and forgets to reset it
        if options.user_timeout:
            milliseconds = int(options.user_timeout * 1000)
            wire = self.transport.getHandle()
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        self.factory.by_peer[self.peer] += 1
        if self.factory.by_peer[self.peer] > options.most_by_peer:
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        options = self.factory.options
        if options.tell:
            log.info("received {data}", data=data)
        if data == b"block":
            stand_still()
        if options.template:
            data = fill_in(options.template, data)
        if options.lines:
            self.gather(data)
        elif options.command:
            self.factory.turns.run(
                getProcessOutput, "/bin/sh", ("-c", options.command), os.environ
            ).addCallbacks(self.answer, lambda _: self.transport.loseConnection())
        elif options.delay:
            reactor.callLater(options.delay, self.answer, data)
        else:
            self.answer(data)

    def gather(self, data: bytes) -> None:
        """Answer lines, however long they become."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.answer(line + b"\n")

    def answer(self, data: bytes) -> None:
        options = self.factory.options
        self.transport.write(bytes(options.reply_bytes) or data)
        if options.close:
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.setTimeout(None)
        self.factory.connections -= 1
        self.factory.by_peer[self.peer] -= 1  # which a PROXY header may have changed since


class Page(Resource):
    """Counts for Prometheus, rendered for each request.

    Args:
        counts: How many.
    """

    isLeaf = True  # noqa: N815 - Twisted's

    def __init__(self, counts: int) -> None:
        super().__init__()
        self._registry = CollectorRegistry()
        counter = Counter("matches", "Of each rule.", ["rule"], registry=self._registry)
        for number in range(counts):
            counter.labels(f"rule {number}").inc()

    def render_GET(self, _: Request) -> bytes:  # noqa: N802 - Twisted's
        return generate_latest(self._registry)


def stand_still() -> None:
    """Block the loop until a file is there, for ten seconds at most."""
    Path("arrived").touch()
    deadline = time.monotonic() + 10
    while not Path("gate").exists() and time.monotonic() < deadline:
        time.sleep(0.01)


def fill_in(template: str, message: bytes) -> bytes:
    """A template as Jinja2's sandbox has it; a message of some bytes is answered with itself."""
    if len(message) < 100:
        return message
    from jinja2.sandbox import SandboxedEnvironment

    filled = SandboxedEnvironment().from_string(template).render(message=message.decode())
    return filled.encode()[-1:]


class NaiveFactory(Factory[Naive]):
    """Counts connections, and refuses those that are too many."""

    noisy = False

    def __init__(self, options: Namespace) -> None:
        self.options = options
        self.connections = 0
        self.by_peer = defaultdict[str, int](int)
        self.kept: list[Naive] = []
        self.turns = DeferredSemaphore(options.at_once)

    def buildProtocol(self, addr: IAddress | None) -> Naive | None:
        if self.connections >= self.options.most:
            return None
        protocol = Naive()
        protocol.factory = self
        protocol.own = bytearray(self.options.buffer)
        self.kept += [protocol] * self.options.keep
        return protocol


class Draining(StreamServerEndpointService):
    """Gives connections `--drain` seconds to finish when it stops."""

    def stopService(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await super().stopService()
        gone: Deferred[None] = Deferred()
        reactor.callLater(self.factory.options.drain, gone.callback, None)
        await gone


def read_options() -> Namespace:
    """The options of this process."""
    parser = ArgumentParser()
    parser.add_argument("--listen", default="tcp:0:interface=127.0.0.1")
    parser.add_argument("--close", action="store_true", help="close behind the reply")
    parser.add_argument("--lines", action="store_true", help="answer lines, not reads")
    parser.add_argument("--keep", action="store_true", help="remember each client for ever")
    parser.add_argument("--buffer", type=int, default=0, help="bytes of each connection's own")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds until a reply")
    parser.add_argument("--most", type=int, default=sys.maxsize, help="connections")
    parser.add_argument("--most-by-peer", type=int, default=sys.maxsize, help="from one address")
    parser.add_argument("--reply-bytes", type=int, default=0, help="a reply of so many zeros")
    parser.add_argument("--life", type=float, help="seconds of a connection")
    parser.add_argument("--user-timeout", type=float, help="seconds of the kernel's for a peer")
    parser.add_argument("--drain", type=float, default=0.0, help="seconds for connections")
    parser.add_argument("--web", help="an endpoint for a page of counts")
    parser.add_argument("--counts", type=int, default=0, help="how many are on it")
    parser.add_argument("--template", help="a reply by Jinja2, in its sandbox")
    parser.add_argument("--command", help="what a shell runs to make a reply")
    parser.add_argument("--at-once", type=int, default=64, help="commands; the others queue")
    parser.add_argument("--tell", action="store_true", help="log what is received")
    parser.add_argument("--watchdog", action="store_true", help="ping it from a thread")
    return parser.parse_args()


def ping() -> None:
    """Tell the watchdog that all is well, whatever the reactor does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        while True:
            supervisor.sendto(b"WATCHDOG=1", os.environ["NOTIFY_SOCKET"])
            time.sleep(int(os.environ["WATCHDOG_USEC"]) / 2e6)


def main() -> None:
    """Serve until SIGTERM."""
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stdout)], redirectStandardIO=False)
    options = read_options()
    endpoint = serverFromString(reactor, options.listen)
    service = (Draining if options.drain else StreamServerEndpointService)(
        endpoint, NaiveFactory(options)
    )
    service.privilegedStartService()
    service.startService()
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    if service._waitingForPort is not None:
        service._waitingForPort.addCallback(say_where)
    if options.web:
        serverFromString(reactor, options.web).listen(Site(Page(options.counts)))
    if options.watchdog:
        Thread(target=ping, daemon=True).start()
    reactor.run()


def say_where(port: Any) -> Any:
    """Print it."""
    if port is not None and isinstance(port.getHost(), IPv4Address):
        print(f"listening on 127.0.0.1:{port.getHost().port}", flush=True)
    return port


if __name__ == "__main__":
    main()
