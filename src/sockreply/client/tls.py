"""TLS of the client: which servers it trusts, its certificate, and TLS around a connection."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IProtocol,
    IProtocolFactory,
    ISSLTransport,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory
from zope.interface import implementer

from sockreply.client.starttls import ClearFirst, Exchange
from sockreply.errors import ConfigError
from sockreply.pem import (
    OTHER_KEY,
    certificate_fault,
    certificates_of,
    contents_of,
    key_fault,
    refuse_passphrase,
)
from sockreply.tls_layer import TLSConnection, TLSFactory


@dataclass(frozen=True)
class ClientTLS:
    """TLS of a client.

    Args:
        context: The authorities it trusts and the certificate it presents; see `client_context`.
        server_name: The name to ask for, and to verify if the context says so; None: no name.
        starttls: The dialogue in clear before TLS begins; empty: TLS begins at once.

    Raises:
        ConfigError: `server_name` cannot be the name of a server.
    """

    context: ssl.SSLContext
    server_name: str | None
    starttls: Sequence[Exchange] = ()

    def __post_init__(self) -> None:
        try:
            self.context.wrap_bio(
                ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=self.server_name
            )
        except ValueError as error:  # UnicodeError is one
            raise ConfigError(f"{self.server_name!r} is not a server's name: {error}") from None


def client_context(
    *,
    authorities: Sequence[str] | None = None,
    certificate: str | None = None,
    key: str | None = None,
    verify: bool = True,
) -> ssl.SSLContext:
    """Make the context for the TLS of a client.

    Args:
        authorities: Files with the certificates of authorities to trust; None: the system's.
        certificate: A file with a certificate to present, and those of its issuers; None: none.
        key: A file with the certificate's key; None: the same file.
        verify: Whether to verify the server's certificate and name.

    Raises:
        ConfigError: A file cannot be read, or holds something else.
    """
    trusted = None
    if authorities is not None:
        files = [_contents(each, certificate_fault) for each in authorities]
        trusted = "\n".join(map(certificates_of, files))
    try:
        context = ssl.create_default_context(cadata=trusted)
    except OSError as error:
        raise _unusable(", ".join(authorities or ()), error) from None
    context.hostname_checks_common_name = False  # a certificate without names is for nobody
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        _contents(certificate, certificate_fault)
        _contents(key or certificate, key_fault)
        try:
            context.load_cert_chain(certificate, key, refuse_passphrase)
        except OSError as error:
            raise _unusable(key or certificate, error) from None
    return context


def _contents(name: str, fault_of: Callable[[bytes], str | None]) -> bytes:
    """The contents of a file, if `fault_of` finds nothing wrong with them."""
    try:
        data = contents_of(Path(name))
    except (OSError, ValueError) as error:  # ValueError: no file can have that name
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"cannot read {name}: {reason}") from None
    if (fault := fault_of(data)) is not None:
        raise ConfigError(f"{name} {fault}")
    return data


def _unusable(name: str, error: OSError) -> ConfigError:
    reason = getattr(error, "reason", None) or error.strerror or str(error)
    if reason in OTHER_KEY:
        return ConfigError(f"{name} is not the key of the certificate")
    return ConfigError(f"OpenSSL cannot use {name}: {reason.replace('_', ' ').lower()}")


@implementer(IStreamClientEndpoint)
class OverTLS:
    """An endpoint whose connections are inside TLS.

    Args:
        plain: The endpoint without it.
        tls: Its TLS.
    """

    def __init__(self, plain: IStreamClientEndpoint, tls: ClientTLS) -> None:
        self._plain = plain
        self.tls = tls

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        return Deferred.fromCoroutine(self._connect(factory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        tls = self.tls
        inside = TLSFactory(factory, tls.context, tls.server_name)
        if tls.starttls:
            clear: Any = await self._plain.connect(_ClearFirst(inside, tls.starttls))
            over_tls: IProtocol = await clear.done
            return over_tls
        layer: Any = await self._plain.connect(inside)
        return cast(IProtocol, layer.wrappedProtocol)


class _ClearFirst(Factory[ClearFirst]):
    """Makes connections that ask for TLS before they use it."""

    noisy = False

    def __init__(self, inside: TLSFactory, exchanges: Sequence[Exchange]) -> None:
        self._inside = inside
        self._exchanges = exchanges

    def buildProtocol(self, addr: IAddress | None) -> ClearFirst:
        return ClearFirst(self._exchanges, lambda: self._inside.buildProtocol(addr))


def has_tls(transport: Any) -> bool:
    """Is a transport inside TLS, which has no half-close?"""
    return isinstance(transport, TLSConnection) or ISSLTransport.providedBy(transport)
