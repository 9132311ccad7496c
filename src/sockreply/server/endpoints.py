"""From endpoint strings to ports, and what a port makes connections with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.endpoints import TCP4ServerEndpoint, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IProtocolFactory, IStreamServerEndpoint
from twisted.internet.protocol import ServerFactory
from twisted.python.failure import Failure

from sockreply.endpoint_errors import why_bad
from sockreply.endpoint_files import check_server_files, ssl_parameters
from sockreply.errors import BadEndpoint, CannotStart
from sockreply.framing.interfaces import Framing
from sockreply.server.proxy.believed import has_prefix, without_prefix
from sockreply.server.recording_reactor import RecordingReactor
from sockreply.server.tls import TLSEndpoint
from sockreply.server.tls_context import read_context
from sockreply.server.unix_sockets import UNIXListening

_ASK_TO_LISTEN = re.compile(r"(?:haproxy:)?(?:tcp6?|ssl|tls|unix):", re.IGNORECASE)
"""Endpoints that do nothing but ask the reactor to listen."""

_WITH_CERTIFICATE = re.compile(r"(?:haproxy:)?(?:ssl|tls):", re.IGNORECASE)


_UDP = re.compile("udp:", re.IGNORECASE)

NO_GREETING = "a greeting cannot be sent over UDP, because nobody connects"
"""What is wrong with a greeting of a service that only listens for datagrams."""


def is_datagram(description: str) -> bool:
    """Does an endpoint string describe a UDP port?"""
    return _UDP.match(description) is not None


def check_datagrams(framing: Framing, descriptions: Sequence[str], *, greets: bool) -> None:
    """Check that a service can do what it should over UDP.

    Args:
        framing: The service's.
        descriptions: Its endpoint strings.
        greets: Has it a greeting?

    Raises:
        BadEndpoint: It cannot.
    """
    udp = [each for each in descriptions if is_datagram(each)]
    if udp and not framing.fits_datagrams:
        raise BadEndpoint(udp[0], over_udp(framing))
    if udp and greets and len(udp) == len(descriptions):
        raise BadEndpoint(udp[0], NO_GREETING)


def over_udp(framing: Framing) -> str:
    """What is wrong with a framing that does not suit datagrams."""
    return f"over UDP each datagram is a message, so the framing is chunk, not {framing.name}"


def endpoint_from(reactor: Any, description: str) -> IStreamServerEndpoint:
    """The endpoint that a Twisted endpoint string describes.

    Args:
        reactor: Will listen.
        description: For example `tcp:12345:interface=127.0.0.1`. A `haproxy:` before it is for a
            service, which has what reads PROXY headers.

    Raises:
        BadEndpoint: It does not describe one.
    """
    if description.startswith("systemd:"):
        from sockreply.server.activation import endpoint_for  # now, because few want it

        return endpoint_for(reactor, description)
    if is_datagram(description):
        from sockreply.server.datagram_endpoint import DatagramEndpoint  # now, because few want it

        return DatagramEndpoint(reactor, description)
    try:
        if has_prefix(description):
            inside = without_prefix(description)
            if has_prefix(inside):
                raise BadEndpoint(description, "haproxy: may stand there only once")
            if is_datagram(inside):
                raise BadEndpoint(description, "PROXY headers are for streams, not for UDP")
            return endpoint_from(reactor, inside)
        check_server_files(description)
        parameters = ssl_parameters(description)
        if parameters is not None:
            return _over_tls(reactor, description, parameters)
        if description.startswith("unix:") and not isinstance(reactor, RecordingReactor):
            reactor = UNIXListening(reactor, description)
        endpoint: IStreamServerEndpoint = serverFromString(reactor, description)
    except BadEndpoint as error:  # of what it wraps
        raise BadEndpoint(description, error.reason) from error.__cause__
    except Exception as error:  # parsers of endpoints, also of others' plugins, raise anything
        raise BadEndpoint(description, why_bad(error)) from error
    return endpoint


def _over_tls(
    reactor: Any, description: str, parameters: Mapping[str, str]
) -> IStreamServerEndpoint:
    """An `ssl:` endpoint, with the standard library's TLS in place of Twisted's."""
    recorder = RecordingReactor()
    serverFromString(recorder, description).listen(ServerFactory())  # knows what is wrong with it
    asked: Any = recorder.asked
    plain = TCP4ServerEndpoint(reactor, asked.port, asked.backlog, asked.interface)
    return TLSEndpoint(plain, read_context(parameters))


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


def has_certificate(description: str) -> bool:
    """Does an endpoint string describe an endpoint with TLS?"""
    return _WITH_CERTIFICATE.match(description) is not None


def asks_to_listen(description: str) -> bool:
    """Does an endpoint do nothing but ask the reactor to listen?"""
    return _ASK_TO_LISTEN.match(description) is not None


def factory_again(description: str, factory: IProtocolFactory) -> IProtocolFactory | None:
    """Put again around a factory what an endpoint string puts there, and read its certificate.

    Args:
        description: The string, of whatever kind.
        factory: Makes the connections.

    Returns:
        What makes them for the endpoint, as for a new port; None: nobody knows of which kind it is.

    Raises:
        BadEndpoint: The certificate or its key cannot be read, or they are not what they should be.
    """
    if description.startswith("systemd:"):
        return factory
    if not asks_to_listen(description):
        return None
    reactor = RecordingReactor()
    listen_now(endpoint_from(reactor, description), factory, description)
    return None if reactor.asked is None else reactor.asked.factory


def make_with(port: Any, factory: IProtocolFactory) -> None:
    """Make the connections that a port takes from now on with another factory."""
    before = getattr(port, "factory", None)
    if before is None or before is factory:  # what is not one of Twisted's ports may have none
        return
    port.factory = factory
    factory.doStart()
    before.doStop()


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
