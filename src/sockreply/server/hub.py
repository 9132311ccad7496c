"""The hub: one descriptor, in whatever reactor runs, for all connections that we accepted.

For every event, a Twisted reactor sets a log context, removes it again, and finds out what the
event means. That costs more than all that we do for a short message. The hub is a reader of that
reactor whose descriptor is an epoll of its own. To a connection, it is the reactor: it takes the
four methods that say what to wait for, and forwards everything else. When the reactor calls it, it
calls the connections that are ready, one after another.

Where there is no epoll, connections wait in the reactor itself.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakValueDictionary

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IReadDescriptor
from twisted.python import log
from twisted.python.failure import Failure
from zope.interface import implementer

BATCH = 64
"""Most events that one poll returns: so many that the cost of the poll hardly counts."""

FEW = 4
"""If a poll returns fewer events than this, we do not poll again before the reactor does."""

POLLS = 8
"""Most polls in one turn of the reactor; more would save hardly anything."""

TURN = 0.005
"""Seconds after which we do not poll again in a turn: timers and accepts wait for its end."""

# What epoll(7) calls EPOLLIN, EPOLLOUT, and EPOLLERR and EPOLLHUP, which are always reported.
_IN, _OUT, _GONE = 0x01, 0x04, 0x08 | 0x10

_REASONS: dict[type[BaseException], Failure] = {
    each: Failure(each()) for each in (ConnectionDone, ConnectionLost)
}


class Polled(Protocol):
    """A connection, with the methods that Twisted's reactors call."""

    def fileno(self) -> int:
        """Its descriptor; -1: it is closed."""

    def doRead(self) -> Exception | None:
        """Read; returns why the connection is over."""

    def doWrite(self) -> Exception | None:
        """Write; returns why the connection is over."""

    def readConnectionLost(self, reason: Failure) -> None:
        """The peer sends no more."""

    def connectionLost(self, reason: Failure) -> None:
        """It is over."""

    def logPrefix(self) -> str:  # noqa: N802 - Twisted's name
        """Its name in the log."""


@implementer(IReadDescriptor)
class Hub:
    """Waits for the connections of one reactor, and calls those that are ready.

    It is in the reactor for as long as there are connections in it.

    Args:
        reactor: Calls it, and is asked for everything else.
        poller: Makes the epoll. That is done before the first connection is accepted, so that no
            process inherits the epoll of the one that it was forked from.
    """

    def __init__(self, reactor: Any, poller: Callable[[], Any]) -> None:
        self._reactor = reactor
        self._make_poller = poller
        self._poller: Any = None
        self._connections: dict[int, Polled] = {}
        self._others: dict[int, int] = {}  # events of those that wait for more or other than _IN
        self._left: set[int] = set()  # descriptors that were given up since the last poll

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def open(self) -> None:
        """Make the epoll, if that is not done yet.

        Raises:
            OSError: There is no descriptor left for it.
        """
        if self._poller is None:
            self._poller = self._make_poller()
            self._poll = self._poller.poll

    # What the connections call.

    def addReader(self, connection: Polled) -> None:  # noqa: N802 - Twisted's name
        self._begin(connection, _IN)

    def addWriter(self, connection: Polled) -> None:  # noqa: N802 - Twisted's name
        self._begin(connection, _OUT)

    def removeReader(self, connection: Polled) -> None:  # noqa: N802 - Twisted's name
        self._end(connection, _IN)

    def removeWriter(self, connection: Polled) -> None:  # noqa: N802 - Twisted's name
        self._end(connection, _OUT)

    # What the reactor calls.

    def fileno(self) -> int:
        return -1 if self._poller is None else int(self._poller.fileno())

    def logPrefix(self) -> str:  # noqa: N802 - ILoggingContext's name
        return "sockreply"

    def doRead(self) -> None:
        left = self._left
        until = 0.0
        for _ in range(POLLS):
            if left:
                left.clear()
            ready = self._poll(0, BATCH)
            for number, event in ready:
                # It may be gone by now, or its number may be that of a connection not polled yet.
                connection = self._connections.get(number)
                if connection is None or number in left:
                    continue
                if event == _IN:
                    try:
                        why = connection.doRead()
                    except BaseException as error:  # as in Twisted, it costs only the connection
                        self._failed(connection, error)
                    else:
                        if why is not None:
                            self._lose(connection, why, reading=True)
                else:
                    self._other_event(connection, number, event)
            if len(ready) < FEW:
                return
            now = self._reactor.seconds()
            if not until:
                until = now + TURN
            elif now >= until:
                return

    def connectionLost(self, reason: Failure) -> None:
        for connection in tuple(self._connections.values()):
            self._lose(connection, reason.value or ConnectionLost(), reading=False)

    # The rest is ours.

    def _begin(self, connection: Polled, event: int) -> None:
        number = connection.fileno()
        if self._connections.get(number) is connection:
            before = self._others.get(number, _IN)
            if not before & event:
                self._wait(number, before | event)
            return
        self.open()
        self._poller.register(number, event)
        self._connections[number] = connection
        if event != _IN:
            self._others[number] = event
        self._reactor.addReader(self)  # does nothing if it is there already

    def _end(self, connection: Polled, event: int) -> None:
        number = connection.fileno()
        if number < 0:  # closed by somebody else, and epoll has let it go with that
            for each, other in self._connections.items():
                if other is connection:
                    self._forget(each)
                    return
        if self._connections.get(number) is not connection:
            return
        before = self._others.get(number, _IN)
        after = before & ~event
        if not after:
            self._poller.unregister(number)
            self._forget(number)
        elif after != before:
            self._wait(number, after)

    def _wait(self, number: int, events: int) -> None:
        self._poller.modify(number, events)
        if events == _IN:
            del self._others[number]
        else:
            self._others[number] = events

    def _forget(self, number: int) -> None:
        del self._connections[number]
        self._others.pop(number, None)
        self._left.add(number)
        if not self._connections:
            self._reactor.removeReader(self)

    def _other_event(self, connection: Polled, number: int, event: int) -> None:
        """Deal with every event except one that only says that there is something to read."""
        if event & _GONE and not event & _IN:
            reading = bool(self._others.get(number, _IN) & _IN)
            # Nothing is left to read, so to a reader this is an orderly end.
            self._lose(connection, ConnectionDone() if reading else ConnectionLost(), reading)
            return
        reading = False
        try:
            why = None
            if event & _IN:
                why = connection.doRead()
                reading = True
            if why is None and event & _OUT:
                why = connection.doWrite()
                reading = False
        except BaseException as error:
            self._failed(connection, error)
        else:
            if why is not None:
                self._lose(connection, why, reading)

    def _failed(self, connection: Polled, error: BaseException) -> None:
        log.err(system=connection.logPrefix())
        self._lose(connection, error, reading=False)

    def _lose(self, connection: Polled, why: BaseException, reading: bool) -> None:
        """End a connection, or tell it that its peer sends no more.

        Args:
            connection: It may be over already.
            why: What a read or a write returned or raised.
            reading: Was it a read that returned it?
        """
        try:
            self.removeReader(connection)
            if reading and isinstance(why, ConnectionDone):
                connection.readConnectionLost(_REASONS[ConnectionDone])
            else:
                self.removeWriter(connection)
                connection.connectionLost(_REASONS.get(type(why)) or Failure(why))
        except BaseException:
            log.err(system=connection.logPrefix())


_hubs: WeakValueDictionary[int, Hub] = WeakValueDictionary()
"""By the identity of the reactor, which lives at least as long as its hub. One hub for all services
of a process bounds what one turn takes, and no reload can leave descriptors behind."""


def hub_of(reactor: Any) -> Hub | None:
    """The hub of this reactor; None: there is no epoll, and connections wait in the reactor."""
    poller = getattr(select, "epoll", None)
    if poller is None:
        return None
    hub = _hubs.get(id(reactor))
    if hub is None:
        hub = _hubs[id(reactor)] = Hub(reactor, poller)
    return hub
