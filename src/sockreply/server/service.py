"""One service on its listeners: it starts, and it drains when it stops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList, gatherResults
from twisted.internet.interfaces import (
    IAddress,
    IStreamServerEndpoint,
    IUDPTransport,
)
from twisted.internet.task import deferLater
from twisted.logger import Logger

from sockreply.errors import CannotStart, ConfigError
from sockreply.server.endpoints import (
    check_datagrams,
    endpoint_from,
    factory_again,
    listen_now,
)
from sockreply.server.factory import ReplyFactory
from sockreply.server.layers import header_of, over_tls, put_before
from sockreply.server.listening import Listener, backlog_of, say_where
from sockreply.server.proxy.believed import reads_headers
from sockreply.server.rounds import Rounds
from sockreply.settings import ListenerSettings

if TYPE_CHECKING:
    from sockreply.server.datagram_listening import DatagramListener


class ReplyService(Service):
    """Listens, and drains when it is stopped. It does not touch the signals of the process.

    Args:
        reactor: Listens and tells the time.
        factory: Makes the connections.
        endpoints: Where to listen: settings of listeners, endpoint strings, or endpoints.

    Raises:
        ConfigError: A string does not describe an endpoint or one that suits the factory, or the
            factory has another service.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        factory: ReplyFactory,
        endpoints: Sequence[ListenerSettings | str | IStreamServerEndpoint],
    ) -> None:
        self.factory = factory
        self.draining = False
        self._reactor = reactor
        self._endpoints = [self._endpoint(each) for each in endpoints]
        strings, shared = [each.endpoint for _, each in self._endpoints], factory.shared
        check_datagrams(shared.framing, strings, greets=shared.greeting is not None)
        self._listeners: list[Listener | DatagramListener] = []
        self._waiting: set[Listener] = set()  # for a place
        self._rounds = Rounds(factory.roster, reactor)
        self._begun = False
        self._waits_for: Deferred[Any] | None = None
        self._aborted = False
        if factory.roster.on_place:
            raise ConfigError("this factory already belongs to a service")
        factory.roster.on_place.append(self._place_free)

    def addresses(self) -> list[IAddress]:
        """Where it listens, in the order of its endpoints."""
        return [address for _, address in self.listening()]

    def listening(self) -> list[tuple[str, IAddress]]:
        """The endpoint strings on which it listens, each with its address.

        The string is empty for an endpoint that was not given as a string.
        """
        return [
            (each.description, address)
            for each in self._listeners
            if (address := each.address) is not None
        ]

    def privilegedStartService(self) -> None:
        """Listen; twistd calls this before it drops privileges, twist not at all.

        Raises:
            CannotStart: A listener cannot listen; none does then.
        """
        super().privilegedStartService()
        self._begun = True
        self.draining = self.factory.roster.draining = self._aborted = False
        for endpoint, listener in self._endpoints:
            try:
                self._listen(endpoint, listener)
            except CannotStart:
                self.drop()
                raise

    def startService(self) -> None:
        """Listen, if that is not done yet.

        Raises:
            CannotStart: A listener cannot listen; none does then.
        """
        if not self._begun:
            self.privilegedStartService()
        self._rounds.start()
        super().startService()

    def stopService(self) -> Deferred[None]:
        """Drain: answer what has arrived, accept no more, close.

        Returns:
            Fires when no connection is left; `limits.drain_timeout` seconds after
            `limits.drain_delay` at the latest.
        """
        super().stopService()
        return Deferred.fromCoroutine(self._drain())

    def abort(self) -> None:
        """Wait no longer: end what `stopService` lets finish."""
        self._aborted = True
        if self._waits_for is not None:
            self._waits_for.cancel()
        self.factory.roster.abort()

    async def _drain(self) -> None:
        limits, now = self.factory.shared.limits, self._reactor.seconds
        self.draining = True
        until = now() + limits.drain_delay + limits.drain_timeout
        if limits.drain_delay:
            self._waits_for = deferLater(self._reactor, limits.drain_delay)
            await self._waits_for.addErrback(lambda failure: failure.trap(CancelledError) and None)
        if not self._aborted:
            queues = [listener.accept_last() for listener in self._listeners]
            self.factory.roster.drain(limits.drain_timeout)  # makes places for those who still wait
            self._waits_for = DeferredList(queues, consumeErrors=True)
            await self._waits_for.addTimeout(limits.drain_timeout, self._reactor)
        stopped = self._close_listeners()
        drained = self.factory.roster.drain(max(0.0, until - now()))
        if self._aborted:
            self.factory.roster.abort()
        await stopped
        await drained
        self._rounds.stop()
        self.factory.shared.complaints.close()
        self._begun = False

    def listen_too(self, listener: ListenerSettings) -> None:
        """Listen on one more endpoint.

        Raises:
            ConfigError: Its string does not describe an endpoint.
            CannotStart: It cannot be listened on.
        """
        self._listen(*self._endpoint(listener))

    def prepare(self, *listeners: ListenerSettings) -> Callable[[], None]:
        """Get ready to follow other settings of listeners, and read again the files they name.

        Args:
            listeners: Their settings from now on, with the endpoint strings they were given as.

        Returns:
            Takes them on, for clients that connect from then on.

        Raises:
            ConfigError: Files cannot be read, are not what they should be, or do not match.
            CannotStart: OpenSSL does not accept such a key or certificate.
        """
        changes = {
            listener.endpoint: (
                listener,
                header_of(self.factory, listener),
                factory_again(listener.endpoint, over_tls(self.factory, listener)),
            )
            for listener in listeners
        }

        def take_on() -> None:
            for each in self._listeners:
                if each.description in changes and hasattr(each.port, "factory"):
                    put_before(each.port, self.factory, *changes[each.description])

        return take_on

    async def listen_no_more(self, description: str) -> None:
        """Accept those who wait on an endpoint, then stop listening there; connections stay.

        Args:
            description: The endpoint string that it was given as.
        """
        for listener in [each for each in self._listeners if each.description == description]:
            last = DeferredList([listener.accept_last()], consumeErrors=True)
            await last.addTimeout(self.factory.shared.limits.drain_timeout, self._reactor)
            if listener in self._listeners:  # it has not gone with all of them meanwhile
                self._listeners.remove(listener)
                self._count(listener, -1)
                await listener.stop()

    def _endpoint(
        self, listener: ListenerSettings | str | IStreamServerEndpoint
    ) -> tuple[IStreamServerEndpoint, ListenerSettings]:
        if isinstance(listener, str):
            listener = ListenerSettings(listener)
        if isinstance(listener, ListenerSettings):
            return endpoint_from(self._reactor, listener.endpoint), listener
        return listener, ListenerSettings("")

    def _listen(self, endpoint: IStreamServerEndpoint, settings: ListenerSettings) -> None:
        description = settings.endpoint
        listen = _how_to_listen(settings)
        port = listen(endpoint, over_tls(self.factory, settings), description or str(endpoint))
        if reads_headers(settings):
            if not hasattr(port, "factory"):  # standard input, say
                raise CannotStart(f"{description}: no PROXY header can be read there")
            put_before(port, self.factory, settings, header_of(self.factory, settings))
        listener = self._listener(port, description)
        self._listeners.append(listener)
        self._count(listener, 1)
        listener.tune(backlog_of(description))
        say_where(listener.address, settings.part, self.factory.shared.exchanges)

    def _listener(self, port: Any, description: str) -> Listener | DatagramListener:
        if not IUDPTransport.providedBy(port):
            return Listener(port, self.factory.roster, self._reactor, description, self._waiting)
        from sockreply.server.datagram_listening import DatagramListener  # now, because few want it

        return DatagramListener(port, self.factory.shared, description)

    def _count(self, listener: Listener | DatagramListener, more: int) -> None:
        """Note how many listeners there are: one more, or one less (-1)."""
        self.factory.shared.listeners += more
        if isinstance(listener, Listener):
            self.factory.shared.stream_listeners += more

    def _close_listeners(self) -> Deferred[Any]:
        listeners, self._listeners = self._listeners, []
        return gatherResults([listener.stop() for listener in listeners])

    def drop(self) -> None:
        """Stop listening, at once: for a process that cannot start."""
        self._begun = False
        self._rounds.stop()
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.drop()

    def _place_free(self) -> None:
        for listener in tuple(self._waiting):
            listener.place_free()


def _how_to_listen(settings: ListenerSettings) -> Callable[..., Any]:
    """The function that listens: without a line in the log for each port of a range."""
    if settings.part is None:
        return listen_now
    from sockreply.server.quietly import listen_quietly  # now, because few listen on ranges

    return listen_quietly
