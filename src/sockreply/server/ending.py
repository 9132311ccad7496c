"""How a connection ends: in good order, at once, with its peer, or because something failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from twisted.internet.error import ConnectionClosed, ConnectionDone
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from sockreply.conversation.arrival import TappedFramer, rest_of
from sockreply.conversation.failures import surely, tell_broken, tls_failed, truncated
from sockreply.conversation.paced_framer import PacedFramer, tap_of
from sockreply.conversation.states import (
    CLOSE,
    CLOSING,
    GONE,
    HALF_CLOSED,
    LOSE,
    OPEN,
    STALL,
    STALLED,
)
from sockreply.server.backlog import Backlog
from sockreply.server.paced_connection import PacedConnection
from sockreply.server.roster import Roster
from sockreply.server.transport import tls_under


class Ending(PacedConnection):
    """A connection that knows all the ways to end."""

    __slots__ = ("_backlog", "_roster")

    _backlog: Backlog | None  # which the peer is watched to take
    _roster: Roster

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        answering, why = self._answering, "error"
        try:
            if self._framer.buffered:
                self._tell_cut_off(self._framer.buffered)
            answering.give_up(LOSE)
            if self._ending is None or self._backlog is not None:  # else they stay stopped
                self._deadlines.stop()
            why = self._tell_end(reason)
        except KeyboardInterrupt:
            raise
        except BaseException:  # others' code is among what hears of it
            tell_broken(self._shared, self.session, Failure())
            if answering.state is not GONE:
                self._surely(answering.give_up, LOSE)
            self._surely(self._deadlines.stop)
        finally:
            self._roster.closed(self, self._ending or why)
            self.session.connection_gone()
            # They hold us, and we them: let go, or they wait for the collector, which costs its
            # time.
            if self._wire is not None:
                self._wire.watcher = None
            self._backlog = None
            del answering.framer  # which knows it, if it tells what it drops
            del self._answering, self._framer, self._deadlines, self.session

    def abort(self, why: str) -> None:
        """End the connection at once, whatever is still to be sent."""
        if self._ending is None:
            self._surely(self._end, why)
        self._surely(self._deadlines.stop)
        # Standard input and output know only one way to end.
        getattr(self.transport, "abortConnection", self.transport.loseConnection)()

    def drain(self) -> None:
        """Finish what has begun, accept nothing more, and close."""
        raise NotImplementedError

    def broke(self, failure: Failure) -> None:
        """An unexpected exception: end this connection, and no other."""
        if hasattr(self, "session"):  # it is not gone
            tell_broken(self._shared, self.session, failure)
            self.abort("error")

    def end(self, how: Literal["whole", "half", "reset"]) -> bool:
        """End as a reply asks. Returns whether the peer is to close the connection."""
        answering = self._answering
        if how == "reset":
            self.abort("reset")
        elif how == "whole" or self._bare_wire is None:
            self.close("answered")
        elif answering.leads_to(STALL) is CLOSING:
            self.close("drained" if answering.drains else "answered")
        else:
            self.transport.unregisterProducer()  # a paused one would hold the half-close up
            self.transport.loseWriteConnection()
            return True
        return False

    def close(self, why: str) -> None:
        """Close in good order: what is queued is sent, and no RST overtakes it."""
        if self._ending is not None:
            return
        answering, state = self._answering, self._answering.state
        if answering.held:  # else there is nothing in it
            answering.outbox.flush()
        paused = state is not OPEN and state is not HALF_CLOSED and answering.paused
        wire = self._bare_wire if state < STALLED and state is not HALF_CLOSED else None
        more = wire is not None and (self._framer.buffered > 0 or wire.has_unread())
        self._end(why)
        if more or self._bare_wire is None or not self._bare_wire.can_end_with_read:
            self._backlog = Backlog("close", self._wire, self._shared, self._deadlines)
        if paused:
            self.transport.resumeProducing()  # drops what comes, and hears the peer close
        if more:
            self.transport.loseWriteConnection()
        else:
            self.transport.loseConnection()

    def _end(self, why: str) -> None:
        self._ending = why
        self._answering.give_up(CLOSE)
        self._deadlines.stop()
        self.transport.unregisterProducer()  # a paused one would hold the close up

    def _surely(self, step: Callable[..., Any], *args: Any) -> Any:
        return surely(self._shared, self.session, step, *args)

    def _tell_cut_off(self, size: int) -> None:
        """Report that the stream ends before so many bytes became a message."""
        answering = self._answering
        if answering.state >= STALLED or answering.held:  # nobody waits for an answer
            self._shared.counters.dropped_bytes += size
        else:
            self._truncated(size)

    def _tell_end(self, reason: Failure) -> str:
        """Report the bytes that never became a message. Returns why the connection is gone."""
        framer, exchanges = self._framer, self._shared.exchanges
        self._shared.counters.dropped_bytes += framer.dropped
        why = self._why_gone(reason)  # first, for it may have to be told
        if (tap := tap_of(framer)) is not None:
            tap.tell_passed_over()
        at = framer.at if isinstance(framer, TappedFramer | PacedFramer) else None
        rest = rest_of(framer) if framer.buffered else b""
        if rest and (at is not None or exchanges.room):
            exchanges.unfinished(self.session, rest, at, self._ending or why, self._told)
        return why

    def _truncated(self, size: int) -> None:
        """The stream ends, perhaps inside a message of which so many bytes have come."""
        if size:
            self._told = True
            truncated(self._shared, self.session, rest_of(self._framer), size)

    def _why_gone(self, reason: Failure) -> str:
        """For what reason the peer's side, or the network, ended the connection."""
        why = "peer" if isinstance(reason.value, ConnectionDone) else "lost"
        if tls_under(self.transport) is not None and not isinstance(reason.value, ConnectionClosed):
            why = "tls"
            tls_failed(self._shared, self.session, reason)
        return why
