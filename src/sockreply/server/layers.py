"""The layers between the socket of a listener and the connections of its service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from twisted.internet.interfaces import IProtocolFactory
from twisted.logger import Logger

from sockreply.server.endpoints import make_with
from sockreply.server.factory import ReplyFactory
from sockreply.server.proxy.believed import (
    EVERYBODY,
    believed_by,
    believes_everybody,
    reads_headers,
)
from sockreply.server.starttls import StartTLSFactory
from sockreply.settings import ListenerSettings
from sockreply.tls_layer import TLSFactory

_log = Logger()

Header: TypeAlias = Callable[[IProtocolFactory], IProtocolFactory]
"""Puts what reads PROXY headers in front of a factory's connections, if anything."""


def over_tls(factory: ReplyFactory, settings: ListenerSettings) -> IProtocolFactory:
    """What makes the connections of a listener, with its TLS around them."""
    if settings.tls is None:
        return factory
    if settings.tls.starttls:
        return StartTLSFactory(factory, settings.tls.context)
    return TLSFactory(factory, settings.tls.context)


def header_of(factory: ReplyFactory, settings: ListenerSettings) -> Header:
    """What comes before the connections of a listener, as its settings ask."""
    if not reads_headers(settings):
        return lambda inside: inside
    from sockreply.server.proxy.arriving import HeaderFactory  # now, because few want it

    shared, roster = factory.shared, factory.roster
    believes = believed_by(settings, lambda: shared.limits)
    vouches = settings.proxy_from is None
    return lambda inside: HeaderFactory(inside, shared, roster, believes, vouches=vouches)


def put_before(
    port: Any,
    factory: ReplyFactory,
    settings: ListenerSettings,
    header: Header,
    inside: IProtocolFactory | None = None,
) -> None:
    """Make the connections of a port as the settings of its listener ask.

    Args:
        port: Listens already, and has a factory.
        factory: The service's.
        settings: Of the listener.
        header: What they ask for: see `header_of`.
        inside: Makes what follows the header; None: what does now.
    """
    before = port.factory
    after = header(getattr(before, "after_header", before) if inside is None else inside)
    if after is not before:
        make_with(port, after)
    is_first = settings.part is None or settings.part.place == 0
    if is_first and believes_everybody(settings, factory.shared.limits):
        _log.warn(EVERYBODY, endpoint=settings.written)
