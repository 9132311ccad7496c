"""How the client's end of a connection closes it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from sockreply.client.reasons import why_ended
from sockreply.client.tls import has_tls

CLOSE_TIMEOUT = 5.0
"""Seconds in which a peer may take what is still to be sent; the server gives as many."""


class Ending:
    """Closes a connection: in good order, or by force when that takes too long.

    Args:
        clock: For timeouts; a reactor is one.
    """

    broken: str | None = None
    """How the connection ended, unless it was closed in order."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._transport: Any = None  # as long as the connection is there
        self._finishing = False
        self._timer: IDelayedCall | None = None
        self._waiting: list[Deferred[None]] = []

    def made(self, transport: Any) -> None:
        """The connection is there."""
        self._transport = transport

    def when_closed(self) -> Deferred[None]:
        """Fires when it is gone."""
        if self._transport is None:
            return succeed(None)
        self._waiting.append(Deferred())
        return self._waiting[-1]

    def close(self, timeout: float | None = CLOSE_TIMEOUT) -> None:
        """Close it when all is sent, or when that takes too long.

        Args:
            timeout: Seconds; None: that never is too long.
        """
        if self._transport is None or (self._timer is not None and not self._finishing):
            return
        if timeout is not None and self._timer is None:
            self._timer = self._clock.callLater(timeout, self._give_up)
        self._transport.loseConnection()

    def finish(self, timeout: float | None) -> None:
        """Say that no more comes when all is sent, and let the peer close.

        Args:
            timeout: Seconds in which it has to take all; None: for ever.
        """
        if self._transport is None or self._timer is not None:
            return
        if has_tls(self._transport):  # it has no half-close
            self.close(timeout)
            return
        self._finishing = True
        if timeout is not None:
            self._timer = self._clock.callLater(timeout, self._give_up)
        self._transport.loseWriteConnection()

    def half_closed(self) -> None:
        """All is sent, and the peer knows that no more comes."""
        if self._finishing and self._transport is not None:
            self._stop_timer()  # there is nothing more for it to take
            self._timer = self._clock.callLater(CLOSE_TIMEOUT, self._transport.loseConnection)

    def gone(self, reason: Failure) -> None:
        """The connection is gone."""
        self._transport = None
        self._stop_timer()
        if self.broken is None and not reason.check(ConnectionDone):
            self.broken = why_ended(reason)

    def tell(self) -> None:
        """Notify everything that waits for the end of the connection."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    def _give_up(self) -> None:
        self.broken = "the peer did not take all of it in time"
        self._transport.abortConnection()

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
