"""What stands for a daemon that is watched, for its loop, and for those who watch."""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from sockreply.conversation.shared import Shared
from sockreply.observing.metrics_pages import Pages
from sockreply.observing.metrics_site import MetricsSite
from sockreply.server import ReplyFactory
from tests.server.stand_ins import FakeTransport, Talk, by_message


class Daemon:
    """What is watched.

    Args:
        factories: Its services.
    """

    def __init__(self, **factories: ReplyFactory) -> None:
        self.factories = factories
        self.ready = True
        self.reloads: Counter[str] = Counter()
        self.record_lost = 0
        self.looked = 0
        """How often somebody looked at its services."""
        self.spent = 0.0
        """Seconds of work."""
        self.cost = 1.0
        """Seconds of work for each look."""

    def services(self) -> dict[str, Shared]:
        self.looked += 1
        self.spent += self.cost
        return {name: factory.shared for name, factory in self.factories.items()}


def served(**replies: object) -> Talk:
    """A connection to a service."""
    return Talk(by_message(**replies))


class Loop(Clock):
    """A clock that can be asked for one turn."""

    def turn(self) -> None:
        """Do what is due now, and not what that leads to."""
        due = [each for each in self.calls if each.getTime() <= self.seconds()]
        for call in due:
            if call.active():
                self.calls.remove(call)
                call.called = 1
                call.func(*call.args, **call.kw)


class Visitor:
    """A connection to a site over memory.

    Args:
        site: The site.
    """

    def __init__(self, site: MetricsSite) -> None:
        self.transport = FakeTransport()
        self.channel: Any = site.buildProtocol(None)
        self.channel.makeConnection(self.transport)

    def send(self, data: bytes) -> None:
        """Send something, as far as the site reads."""
        if not self.transport.disconnecting and not self.transport.paused:
            self.channel.dataReceived(data)

    def get(self, path: str, method: str = "GET", more: bytes = b"\r\n") -> None:
        """Ask for a page."""
        self.send(f"{method} {path} HTTP/1.1\r\nHost: x\r\n".encode() + more)

    def leave(self, why: type[Exception] = ConnectionDone) -> None:
        """Be gone."""
        self.channel.connectionLost(Failure(why()))

    @property
    def answers(self) -> int:
        """How many it got."""
        return int(self.transport.value().count(b"HTTP/1.1 "))

    @property
    def body(self) -> str:
        """Of its answer."""
        return str(self.transport.value().partition(b"\r\n\r\n")[2], "utf-8")


class Watching:
    """The site of a daemon, and its visitors.

    Args:
        daemon: What is watched.
        most: Places that there are.
    """

    def __init__(self, daemon: Daemon | None = None, most: int = 4) -> None:
        self.daemon = daemon or Daemon()
        self.loop = Loop()
        pages = Pages(self.daemon, self.loop, lambda: self.daemon.spent)
        self.site = MetricsSite(pages, self.loop, most)
        self.site.startFactory()

    def visit(self) -> Visitor:
        """Connect."""
        return Visitor(self.site)

    def ask(self, path: str, method: str = "GET", more: bytes = b"\r\n") -> tuple[int, str, str]:
        """Ask for a page, and go; gives the status, the header and the body."""
        visitor = self.visit()
        visitor.get(path, method, more)
        self.loop.turn()
        assert visitor.transport.disconnecting
        visitor.leave()
        self.loop.advance(99)  # so that the next need not wait
        head, _, body = visitor.transport.value().partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode().lower(), body.decode()


def end_aborted(*visitors: Visitor) -> list[Visitor]:
    """Let those whose connections are aborted be gone, as the loop does; returns them."""
    aborted = [each for each in visitors if each.transport.aborted]
    for each in aborted:
        each.leave(ConnectionAborted)
    return aborted
