"""What we do to a listening port: limit, backlog, socket options, transport, the last accepts."""

from __future__ import annotations

import socket
from typing import Any, Protocol

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IAddress, IListeningPort, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.internet.tcp import Port
from twisted.logger import Logger

from sockreply.conversation.exchanges import Exchanges
from sockreply.server.accepting import Accepting
from sockreply.server.hub import hub_of
from sockreply.server.transport import sends_at_once
from sockreply.settings import PartOfRange

BACKLOG = 4096
"""Connections that the kernel keeps until we accept them; Twisted's 50 lose a burst of clients."""

OUT_OF_DESCRIPTORS_PAUSE = 0.1
"""Seconds until we try to accept again; what waits meanwhile waits in the kernel."""

UNSENT_IN_KERNEL = 65_536
"""Bytes that the kernel takes before it has to send them; its own choice would be megabytes."""

KEEPALIVE = (60, 15, 4)
"""Seconds of quiet before the first probe, seconds between probes, probes: a dead peer is found
in 120 s."""


def backlog_of(description: str) -> int | None:
    """The backlog of a port that is ours alone to set; None: somebody else has set it.

    Args:
        description: The endpoint string that it listens on; empty: it was none.
    """
    ours = description and "backlog=" not in description and "systemd:" not in description
    return BACKLOG if ours else None


class Places(Protocol):
    """Knows how many connections may still be taken."""

    @property
    def places(self) -> int:
        """That many."""


def say_where(address: IAddress | None, part: PartOfRange | None, exchanges: Exchanges) -> None:
    """Report where a listener is: of a range of ports once, when the last of them is open.

    Args:
        address: Where it listens; None: it is not a port.
        part: Of which range that is a port.
        exchanges: Hears of it.
    """
    if address is None:
        return
    if part is None or part.size == 1:
        exchanges.listening(address)
    elif part.place == part.size - 1:
        exchanges.listening(address, ports=part.size)


class Listener:
    """One port of a service.

    Args:
        port: Listens already.
        description: The endpoint string that it listens on; empty: it was none.
        places: Is asked before each connection is accepted.
        clock: For the pause when descriptors run out.
        waiting: Has the listener in it while that waits for a place. There may be thousands of
            listeners, and places come free all the time.
    """

    _log = Logger()

    def __init__(
        self,
        port: Any,
        places: Places,
        clock: IReactorTime,
        description: str = "",
        waiting: set[Listener] | None = None,
    ) -> None:
        self.port = port
        self.description = description
        self._places = places
        self._clock = clock
        self._waiting = set[Listener]() if waiting is None else waiting
        self._full = False
        self._resting = False
        self._emptied: list[Deferred[None]] = []
        if isinstance(port, Port):
            port.transport = sends_at_once(port.transport)
            accepting = Accepting(port, hub_of(port.reactor), self)
            port.doRead = accepting.accept  # type: ignore[method-assign]  # Twisted has no hook

    @property
    def address(self) -> IAddress | None:
        """Where it listens; None: it is no port (standard input, say)."""
        return self.port.getHost() if IListeningPort.providedBy(self.port) else None

    def tune(self, backlog: int | None) -> None:
        """Set what accepted connections inherit from the listening socket.

        Args:
            backlog: As for listen(2); None: as it is.
        """
        if not isinstance(self.port, Port):
            return
        sock = self.port.socket
        if backlog is not None:
            sock.listen(backlog)
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            return
        idle, interval, probes = KEEPALIVE
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in {
            "TCP_NODELAY": 1,
            "TCP_KEEPIDLE": idle,
            "TCP_KEEPINTVL": interval,
            "TCP_KEEPCNT": probes,
            "TCP_USER_TIMEOUT": 0,  # it ends who reads steadily, but never a whole segment at once
            "TCP_NOTSENT_LOWAT": UNSENT_IN_KERNEL,
        }.items():
            if hasattr(socket, option):  # not all systems have all of them
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

    def place_free(self) -> None:
        """Accept again, if we stopped because all places were taken."""
        if self._full or self._emptied:
            self._full = False
            self._resume()
        if not (self._full or self._emptied):
            self._waiting.discard(self)

    def accept_last(self) -> Deferred[None]:
        """Accept what the kernel has queued for us: it would be reset when the port closes.

        Returns:
            Fires when nobody waits any more: at once, unless there are too few places.
        """
        emptied: Deferred[None] = Deferred()
        self._emptied.append(emptied)
        self._waiting.add(self)
        accepts = isinstance(self.port, Port)
        while accepts and not (emptied.called or self._full or self._resting):
            self.port.doRead()
            accepts = self.port.connected  # one that was closed has nobody who waits
        if not accepts:
            self.nobody_waits()
        return emptied

    def stop(self) -> Deferred[Any]:
        """Stop listening."""
        self._full = self._resting = False
        self._waiting.discard(self)
        self.nobody_waits()
        is_port = IListeningPort.providedBy(self.port)
        return maybeDeferred(self.port.stopListening) if is_port else succeed(None)

    def drop(self) -> None:
        """Listen no more, now: a process that cannot start has no later turn of the loop."""
        if isinstance(self.port, Port):
            self.port.connectionLost(connectionDone)  # a UNIX one removes its socket
        else:
            self.stop()

    def is_full(self) -> bool:
        """Are all places taken? Then accepting pauses until one is free."""
        if self._places.places > 0:
            return False
        self._full = True
        self._waiting.add(self)
        self.port.stopReading()
        return True

    def rest(self, error: OSError) -> None:
        """The process or the system has run out of something: try again in a while."""
        if not self._resting:
            self._log.warn("cannot accept: {reason}; trying again", reason=error.strerror)
        self._resting = True
        self.port.stopReading()
        self._clock.callLater(OUT_OF_DESCRIPTORS_PAUSE, self._resume)

    def nobody_waits(self) -> None:
        """The kernel's queue is empty, or is closed."""
        asked, self._emptied = self._emptied, []
        for emptied in asked:
            emptied.callback(None)

    def accepted(self) -> None:
        """There was enough of everything."""
        self._resting = False

    def _resume(self) -> None:
        if self.port.connected and not self.port.disconnecting:
            self.port.startReading()
            if self._emptied:
                self.port.doRead()  # to learn that nobody waits, which the loop does not tell
