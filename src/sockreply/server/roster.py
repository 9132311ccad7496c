"""The connections of a service: who may connect, who is there, and how they end together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from sockreply.conversation.failures import tell_broken
from sockreply.conversation.paced_framer import PacedFramer
from sockreply.conversation.pacing import Pacing
from sockreply.conversation.shared import Shared
from sockreply.replies.session import Session
from sockreply.server.admission import WHY_REFUSED, Admission
from sockreply.settings import Limits


class Member(Protocol):
    """What the roster asks of a connection."""

    @property
    def session(self) -> Session:
        """Its memory."""

    def peer(self) -> IAddress:
        """The other end."""

    def pace(self, pacing: Pacing, key: int) -> PacedFramer:
        """Keep to the limits of the peer that is known by this number."""

    def leave_queues(self) -> None:
        """Wait no longer for what the limits of the peer allow."""

    def pause_reading(self) -> None:
        """Read no more until all that was read is answered."""

    def vouched(self) -> bool:
        """Does a proxy that is believed stand for it, so that it may come from any network?"""

    def drain(self) -> None:
        """Finish what has begun, accept nothing more, and close."""

    def abort(self, why: str) -> None:
        """End at once, whatever is still to be sent."""

    def look_at_peer(self) -> None:
        """Check for what causes no event: a peer that has left, or that takes nothing."""


class Newcomer(Protocol):
    """A place that is taken, but not a connection of the service yet: its PROXY header is due."""

    def drain(self) -> None:
        """Look whether it becomes one soon, and close."""

    def abort(self, why: str) -> None:
        """End at once."""


class Roster:
    """Knows the connections of a service, counts them, and ends them when the service stops.

    Args:
        shared: What the connections have in common.
    """

    _log = Logger()

    draining: bool
    """Does a connection end as soon as it owes nothing?"""

    on_place: list[Callable[[], object]]
    """All are called when a connection is gone, and its place with it."""

    newcomers: set[Newcomer]
    """Those that have a place already."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._admission = Admission(shared.clock, shared.counters)
        self._admission.limit(shared.limits, ())
        self.connections: set[Member] = set()
        self.newcomers = set()
        self.on_place = []
        self.draining = False
        self._empty: list[Deferred[None]] = []

    @property
    def places(self) -> int:
        """How many more connections the service may take now."""
        taken = len(self.connections) + len(self.newcomers)
        return self._shared.limits.max_connections - taken

    @property
    def is_empty(self) -> bool:
        """Whether there are no connections."""
        return not (self.connections or self.newcomers)

    def change_limits(self, limits: Limits) -> None:
        """Apply other limits, to new connections and to the next message of the others."""
        self._shared.limits = limits
        self._admission.limit(limits, [(each, each.peer()) for each in self.connections])
        for connection in tuple(self.connections):
            self._pace(connection)
        self._tell_place()  # there may be more of them

    def admits(self, connection: Member) -> bool:
        """May the peer connect? To be asked once, when a connection is made."""
        if self._admission.admits_all:
            return True
        peer, shared = connection.peer(), self._shared
        refusal = self._admission.refuses(connection, peer, anywhere=connection.vouched())
        if refusal is None:
            return True
        shared.counters.refused[refusal] += 1
        reason = WHY_REFUSED[refusal]
        shared.complaints.tell(self._log.warn, peer, "{peer} refused: {why}", why=reason)
        return False

    def expect(self, newcomer: Newcomer) -> None:
        """Keep a place for what may become a connection."""
        self.newcomers.add(newcomer)
        if self.draining:
            self._shared.clock.callLater(0, newcomer.drain)

    def expect_no_more(self, newcomer: Newcomer) -> None:
        """It has become a connection, which has its place now, or it is gone."""
        self.newcomers.discard(newcomer)
        if self.places > 0:
            self._tell_place()
        if self.is_empty:
            self._tell_empty()

    def opened(self, connection: Member) -> None:
        """To be called by a connection when it is made and admitted."""
        shared = self._shared
        self.connections.add(connection)
        shared.counters.connections += 1
        connection.session.number = shared.counters.connections
        shared.exchanges.connected(connection.session, where=shared.listeners > 1)
        if self._admission.pacing is not None:
            framer = self._pace(connection)
            if framer is not None and not framer.enter():
                connection.pause_reading()  # over TLS, the handshake waits too
        if self.draining:
            shared.clock.callLater(0, connection.drain)

    def closed(self, connection: Member, why: str) -> None:
        """To be called by a connection when it is gone. Nothing that this calls can stop it."""
        if connection not in self.connections:
            return  # it was not admitted
        self.connections.remove(connection)
        self._admission.left(connection)
        shared = self._shared
        shared.counters.closed[why] += 1
        try:
            if not self._admission.admits_all:
                connection.leave_queues()
            shared.exchanges.disconnected(connection.session, why)
        except Exception:
            tell_broken(shared, connection.session, Failure())
        self._tell_place()
        if self.is_empty:
            self._tell_empty()

    def drain(self, seconds: float) -> Deferred[None]:
        """Let connections finish, including those that are made from now on; then abort them.

        Args:
            seconds: How long they have.

        Returns:
            Fires when no connection is left.
        """
        self.draining = True
        if self._admission.pacing is not None:
            self._admission.pacing.release()
        empty: Deferred[None] = Deferred()
        self._empty.append(empty)
        for each in (*self.connections, *self.newcomers):
            each.drain()
        if not self.is_empty:
            overdue: IDelayedCall = self._shared.clock.callLater(seconds, self.abort)
            empty.addBoth(lambda _: overdue.cancel() if overdue.active() else None)
        else:
            self._tell_empty()
        return empty

    def abort(self) -> None:
        """End all connections at once."""
        for each in (*self.connections, *self.newcomers):
            if each in self.connections or each in self.newcomers:  # did not go with one before it
                each.abort("drain")

    def _tell_place(self) -> None:
        for tell in self.on_place:
            try:
                tell()
            except Exception:  # the others hear of it, and whoever has gone is gone
                self._log.failure("a place is free, but something that waits for it failed")

    def _pace(self, connection: Member) -> PacedFramer | None:
        """Keep a connection to the limits of its peer, if there are any."""
        pacing = self._admission.pacing
        if pacing is None:
            return None
        pacing.lifted = self.draining
        host = self._admission.host(connection)
        return None if host is None else connection.pace(pacing, host)

    def _tell_empty(self) -> None:
        empty, self._empty = self._empty, []
        for waiting in empty:
            waiting.callback(None)
