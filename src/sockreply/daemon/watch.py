"""The endpoint on which a daemon's counts and its health can be read."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IAddress

from sockreply.daemon.change import Change
from sockreply.server.endpoints import endpoint_from, factory_again, listen_now, make_with


class Watch:
    """Listens for those who want to watch, if that is asked for.

    Args:
        reactor: Listens.
        watched: What is watched, as `metrics.Watched`.
    """

    def __init__(self, reactor: Any, watched: Any) -> None:
        self._reactor = reactor
        self._watched = watched
        self._endpoint: str | None = None
        self._port: Any = None
        self._site: Any = None

    @property
    def listening(self) -> tuple[str, IAddress] | None:
        """The endpoint string on which it listens, and the address; None: it does not."""
        return None if self._endpoint is None else (self._endpoint, self._port.getHost())

    def prepare(self, endpoint: str | None) -> Change:
        """Listen on another endpoint beside the one that is used, or read its certificate again.

        Args:
            endpoint: Its string; None: nobody may watch.

        Raises:
            ConfigError: It does not describe an endpoint.
            CannotStart: It cannot be listened on.
        """
        port, again = self._port, None
        if endpoint != self._endpoint:
            port = None if endpoint is None else self._listen(endpoint)
        elif endpoint is not None:
            again = factory_again(endpoint, self._site)

        def carry_out() -> None:
            before, self._port, self._endpoint = self._port, port, endpoint
            if before is not port:
                _stop(before)
            if again is not None:
                make_with(port, again)

        def undo() -> None:
            if port is not self._port:
                _stop(port)

        return Change(carry_out, undo)

    def close(self) -> Deferred[None]:
        """Stop listening."""
        port, self._port, self._endpoint = self._port, None, None
        return _stop(port)

    def _listen(self, endpoint: str) -> Any:
        from sockreply.observing.metrics import (
            metrics_site,  # now, for few want it and it takes its time
        )

        if self._site is None:
            self._site = metrics_site(self._watched, self._reactor)
        return listen_now(endpoint_from(self._reactor, endpoint), self._site, endpoint)


def _stop(port: Any) -> Deferred[None]:
    return succeed(None) if port is None else maybeDeferred(port.stopListening)
