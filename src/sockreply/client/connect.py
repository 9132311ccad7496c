"""Connects to a server, and says in a line why it could not."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, cast

from twisted.internet import error
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from sockreply.client.endpoints import client_endpoint
from sockreply.client.factory import RequestFactory
from sockreply.client.protocol import MAX_REPLY, RequestProtocol
from sockreply.client.reasons import why_not_connected
from sockreply.client.tls import ClientTLS, OverTLS
from sockreply.endpoint_errors import why_bad
from sockreply.errors import CannotConnect, ConfigError
from sockreply.framing import Framing


def connect(
    endpoint: str | IStreamClientEndpoint,
    framing: str | Framing = "chunk",
    *,
    reactor: IReactorTime | None = None,
    timeout: float | None = None,
    max_message: int = MAX_REPLY,
    unasked: Callable[[bytes], object] | None = None,
    greeting: bool = False,
    tls: ClientTLS | None = None,
) -> Deferred[RequestProtocol]:
    """Make a connection to a server.

    Args:
        endpoint: The server, or a Twisted client endpoint string for it: `tcp:127.0.0.1:12345`.
        framing: The server's, or the spec of it.
        reactor: Connects and keeps the time; None: the global one.
        timeout: Seconds that connecting may take; None: what the endpoint allows (TCP: 30).
        max_message: The most bytes that a reply may have.
        unasked: Called with every message that answers no request; None: they are dropped.
        greeting: Whether the first message is unasked, even when requests already wait.
        tls: The TLS to speak, over an endpoint that has none of its own; None: no TLS.

    Returns:
        The connection. It may be cancelled, and fails with `CannotConnect`.

    Raises:
        ConfigError: There is no such endpoint or framing.
    """
    clock = given_or_global(reactor)
    factory = RequestFactory(
        framing, clock, max_message=max_message, unasked=unasked, greeting=greeting
    )
    explained = ExplainedEndpoint(endpoint, clock, tls=tls)
    connecting = cast(Deferred[RequestProtocol], explained.connect(factory))
    if timeout is None:
        return connecting
    return connecting.addTimeout(timeout, clock, explained.timed_out)


@implementer(IStreamClientEndpoint)
class ExplainedEndpoint:
    """An endpoint that fails with `CannotConnect`.

    Args:
        endpoint: Connects; or a string that describes it.
        reactor: For the endpoint of a string.
        failed: Called with every failure, which some callers would not see otherwise.
        tls: Put around its connections; None: nothing.

    Raises:
        ConfigError: The string does not describe an endpoint.
    """

    def __init__(
        self,
        endpoint: str | IStreamClientEndpoint,
        reactor: IReactorTime,
        failed: Callable[[CannotConnect], object] = lambda _: None,
        tls: ClientTLS | None = None,
    ) -> None:
        self._name = str(endpoint)
        self._failed = failed
        try:
            self._endpoint = (
                client_endpoint(reactor, endpoint) if isinstance(endpoint, str) else endpoint
            )
        except Exception as wrong:  # plugins read them, and keys are loaded: it may raise anything
            raise ConfigError(
                f"{endpoint!r} is not an endpoint to connect to: {why_bad(wrong)}"
            ) from wrong

        if tls is not None:
            self._endpoint = OverTLS(self._endpoint, tls)

    def __str__(self) -> str:
        return self._name

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        return self._endpoint.connect(factory).addErrback(self._explain)

    def timed_out(self, _: object, seconds: float) -> NoReturn:
        raise CannotConnect(self._name, f"no answer within {seconds:g} s")

    def _explain(self, failure: Failure) -> Failure:
        if failure.check(CancelledError, error.ConnectingCancelledError):
            return failure
        explained = CannotConnect(self._name, why_not_connected(failure))
        self._failed(explained)
        raise explained from failure.value


def given_or_global(reactor: IReactorTime | None) -> IReactorTime:
    """The reactor, which is not imported before it is needed: importing it installs one."""
    if reactor is None:
        from twisted.internet import reactor as installed

        return cast(IReactorTime, installed)
    return reactor
