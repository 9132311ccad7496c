"""The endpoint on which a daemon's counts and its health can be read."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress

from sockreply.daemon.change import Change
from sockreply.daemon.descriptors import METRICS_PLACES
from sockreply.server.endpoints import endpoint_from, factory_again, listen_now, make_with
from sockreply.server.listening import Listener, backlog_of


def places_for(endpoint: str | None) -> int:
    """How many connections for metrics there may be; None: metrics are off."""
    return 0 if endpoint is None else METRICS_PLACES


class Watch:
    """Listens for requests for metrics, if `[metrics]` asks for it.

    Args:
        reactor: Listens.
        watched: What is watched, as `metrics.Watched`.
    """

    def __init__(self, reactor: Any, watched: Any) -> None:
        self._reactor = reactor
        self._watched = watched
        self._endpoint: str | None = None
        self._listener: Listener | None = None
        self._listeners: list[Listener] = []  # more than one while the endpoint changes
        self._site: Any = None

    @property
    def listening(self) -> tuple[str, IAddress] | None:
        """The endpoint string on which it listens, and the address; None: it does not."""
        listener = self._listener
        if listener is None or listener.address is None:
            return None
        return listener.description, listener.address

    def prepare(self, endpoint: str | None) -> Change:
        """Listen on another endpoint beside the one that is used, or read its certificate again.

        Args:
            endpoint: Its string; None: nobody may watch.

        Raises:
            ConfigError: It does not describe an endpoint.
            CannotStart: It cannot be listened on.
        """
        listener, again = self._listener, None
        if endpoint != self._endpoint:
            listener = None if endpoint is None else self._listen(endpoint)
        elif endpoint is not None:
            again = factory_again(endpoint, self._site)

        def carry_out() -> None:
            before, self._listener, self._endpoint = self._listener, listener, endpoint
            if before is not listener:
                self._stop(before)
            if again is not None and listener is not None:
                make_with(listener.port, again)

        def undo() -> None:
            if listener is not self._listener:
                self._stop(listener)

        return Change(carry_out, undo)

    def close(self) -> Deferred[Any]:
        """Stop listening."""
        listener, self._listener, self._endpoint = self._listener, None, None
        return self._stop(listener)

    def _listen(self, endpoint: str) -> Listener:
        if self._site is None:
            self._site = self._make_site()
        port = listen_now(endpoint_from(self._reactor, endpoint), self._site, endpoint)
        listener = Listener(port, self._site, self._reactor, endpoint)
        listener.tune(backlog_of(endpoint))
        self._listeners.append(listener)
        return listener

    def _make_site(self) -> Any:
        # Now, because few want it and it takes its time.
        from sockreply.observing.metrics_pages import Pages
        from sockreply.observing.metrics_site import MetricsSite

        site = MetricsSite(Pages(self._watched, self._reactor), self._reactor, METRICS_PLACES)
        site.on_place.append(self._place_free)
        return site

    def _place_free(self) -> None:
        for listener in self._listeners:
            listener.place_free()

    def _stop(self, listener: Listener | None) -> Deferred[Any]:
        if listener is None:
            return succeed(None)
        self._listeners.remove(listener)
        return listener.stop()
