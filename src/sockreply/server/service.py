"""One service on its listeners: it starts, and it drains when it stops."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList, gatherResults
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IProtocolFactory, IStreamServerEndpoint
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from sockreply.errors import CannotStart, ConfigError
from sockreply.server import activation
from sockreply.server.factory import ReplyFactory
from sockreply.server.listening import BACKLOG, Listener

_WITH_CERTIFICATE = re.compile(r"(?:haproxy:)*(?:ssl|tls):", re.IGNORECASE)


def endpoint_from(reactor: Any, description: str) -> IStreamServerEndpoint:
    """The endpoint that a Twisted endpoint string describes.

    Args:
        reactor: Will listen.
        description: For example `tcp:12345:interface=127.0.0.1`.

    Raises:
        ConfigError: It describes none; says why.
    """
    if description.startswith("systemd:"):
        return activation.endpoint_for(reactor, description)
    if description.startswith("haproxy:systemd:"):
        from twisted.protocols.haproxy import proxyEndpoint  # now, for few want it

        return proxyEndpoint(endpoint_from(reactor, description.removeprefix("haproxy:")))
    try:
        endpoint: IStreamServerEndpoint = serverFromString(reactor, description)
    except Exception as error:  # parsers of endpoints, also of others' plugins, raise anything
        plain = isinstance(error, ValueError | OSError)
        reason = str(error) if plain else f"{type(error).__name__}: {error}"
        raise ConfigError(f"endpoint {description}: {reason}") from error
    return endpoint


class _Factories:
    """Stands in for a reactor, to learn what a port of an endpoint would make connections with."""

    def __init__(self) -> None:
        self.factory: Any = None

    def listenTCP(self, _: int, factory: IProtocolFactory, *__: Any, **___: Any) -> None:  # noqa: N802 - Twisted's
        self.factory = factory

    def listenSSL(  # noqa: N802 - Twisted's
        self,
        _: int,
        factory: IProtocolFactory,
        contextFactory: Any,  # noqa: N803 - Twisted's
        **__: Any,
    ) -> None:
        from twisted.protocols.tls import TLSMemoryBIOFactory  # now, for many want no TLS

        self.factory = TLSMemoryBIOFactory(contextFactory, False, factory)


def listen_now(endpoint: IStreamServerEndpoint, factory: IProtocolFactory, description: str) -> Any:
    """Listen on an endpoint.

    Args:
        endpoint: Where.
        factory: Makes the connections.
        description: The endpoint's, for what is said of a failure.

    Returns:
        The port.

    Raises:
        CannotStart: It cannot be listened on, or not at once.
    """
    listening = endpoint.listen(factory)
    ports: list[Any] = []
    failures: list[Failure] = []
    listening.addCallbacks(ports.append, failures.append)
    if not listening.called:  # no endpoint that is known takes its time
        failures.append(Failure(TimeoutError("does not listen at once")))
        listening.cancel()
    if failures:
        raise CannotStart(_why_not(failures[0].value, description))
    return ports[0]


class ReplyService(Service):
    """Listens, and drains when it is stopped. It touches no signal of the process.

    Args:
        reactor: Listens and tells the time.
        factory: Makes the connections.
        endpoints: Where to listen: endpoint strings, or endpoints.

    Raises:
        ConfigError: A string describes no endpoint, or the factory serves another service.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        factory: ReplyFactory,
        endpoints: Sequence[str | IStreamServerEndpoint],
    ) -> None:
        self.factory = factory
        self.draining = False
        self._reactor = reactor
        self._endpoints = [
            (endpoint_from(reactor, each), each) if isinstance(each, str) else (each, "")
            for each in endpoints
        ]
        self._listeners: list[Listener] = []
        self._begun = False
        self._waits_for: Deferred[Any] | None = None
        self._aborted = False
        if factory.on_place:
            raise ConfigError("this factory has its service already, which drains all of it")
        factory.on_place.append(self._place_free)

    def addresses(self) -> list[IAddress]:
        """Where it listens, in the order of its endpoints."""
        return [address for each in self._listeners if (address := each.address) is not None]

    def privilegedStartService(self) -> None:
        """Listen; twistd calls this before it drops privileges, twist not at all.

        Raises:
            CannotStart: A listener cannot listen; none does then.
        """
        super().privilegedStartService()
        self._begun = True
        self.draining = self.factory.draining = self._aborted = False
        for endpoint, description in self._endpoints:
            try:
                self._listen(endpoint, description)
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
        super().startService()

    def stopService(self) -> Deferred[None]:
        """Drain: answer what has come, take no more, close.

        Returns:
            Fires when no connection is left; `limits.drain_timeout` seconds after
            `limits.drain_delay` at the latest.
        """
        super().stopService()
        return Deferred.fromCoroutine(self._drain())

    def abort(self) -> None:
        """Do not wait any longer: end what `stopService` lets finish."""
        self._aborted = True
        if self._waits_for is not None:
            self._waits_for.cancel()
        self.factory.abort()

    async def _drain(self) -> None:
        limits, now = self.factory.limits, self._reactor.seconds
        self.draining = True
        until = now() + limits.drain_delay + limits.drain_timeout
        if limits.drain_delay:
            self._waits_for = deferLater(self._reactor, limits.drain_delay)
            await self._waits_for.addErrback(lambda failure: failure.trap(CancelledError) and None)
        if not self._aborted:
            queues = [listener.accept_last() for listener in self._listeners]
            self.factory.drain(limits.drain_timeout)  # makes places for those who still wait
            self._waits_for = DeferredList(queues, consumeErrors=True)
            await self._waits_for.addTimeout(limits.drain_timeout, self._reactor)
        stopped = self._close_listeners()
        drained = self.factory.drain(max(0.0, until - now()))
        if self._aborted:
            self.factory.abort()
        await stopped
        await drained
        self.factory.complaints.close()
        self._begun = False

    def listen_too(self, description: str) -> None:
        """Listen somewhere else, too.

        Args:
            description: An endpoint string.

        Raises:
            ConfigError: It describes no endpoint.
            CannotStart: It cannot be listened on.
        """
        self._listen(endpoint_from(self._reactor, description), description)

    def read_certificate(self, description: str) -> Callable[[], None]:
        """Read again the certificate and the key that an endpoint string names.

        Args:
            description: The endpoint string that it was given as, of whatever kind.

        Returns:
            Shows them to who connects from then on.

        Raises:
            ConfigError: They cannot be read, are none, or do not go together.
            CannotStart: OpenSSL takes no such key, or no such certificate.
        """
        if not _WITH_CERTIFICATE.match(description):
            return lambda: None
        factories = _Factories()
        listen_now(endpoint_from(factories, description), self.factory, description)

        def show() -> None:
            for listener in self._listeners:
                if listener.description == description:
                    listener.make_with(factories.factory)

        return show

    async def listen_no_more(self, description: str) -> None:
        """Take in who waits on an endpoint and listen there no more; its connections stay.

        Args:
            description: The endpoint string that it was given as.
        """
        for listener in [each for each in self._listeners if each.description == description]:
            last = DeferredList([listener.accept_last()], consumeErrors=True)
            await last.addTimeout(self.factory.limits.drain_timeout, self._reactor)
            self._listeners.remove(listener)
            await listener.stop()

    def _listen(self, endpoint: IStreamServerEndpoint, description: str) -> None:
        port = listen_now(endpoint, self.factory, description or str(endpoint))
        listener = Listener(port, self.factory, self._reactor, description)
        ours = description and "backlog=" not in description and "systemd:" not in description
        self._listeners.append(listener)
        listener.tune(BACKLOG if ours else None, self.factory.limits.write_timeout)
        if listener.address is not None:
            self.factory.exchanges.listening(listener.address)

    def _close_listeners(self) -> Deferred[Any]:
        listeners, self._listeners = self._listeners, []
        return gatherResults([listener.stop() for listener in listeners])

    def drop(self) -> None:
        """Listen no more, at once: for a process that cannot start."""
        self._begun = False
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.drop()

    def _place_free(self) -> None:
        for listener in self._listeners:
            listener.place_free()


def _why_not(error: BaseException | None, name: str) -> str:
    """One line, with what tells most at its beginning: a daemonizing twistd shows 100 bytes."""
    if isinstance(error, CannotListenError):
        if isinstance(error.port, int):
            name = f"port {error.port} on {error.interface or 'any interface'}"
        error = error.socketError
    if isinstance(error, OSError):  # without the names that only Twisted's lock files know
        return f"{name}: {error.strerror or error}"
    if isinstance(error, OverflowError | str):  # Twisted's own words
        return f"{name}: {error}"
    return f"{name}: {type(error).__name__}: {error}"
