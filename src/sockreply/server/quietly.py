"""Calls Twisted without its log lines, because thousands of ports would log the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from twisted.internet.interfaces import IProtocolFactory, IStreamServerEndpoint
from twisted.python import context
from twisted.python.log import ILogContext

from sockreply.server.endpoints import listen_now

_T = TypeVar("_T")


def quietly(function: Callable[..., _T], *arguments: Any) -> _T:
    """Call a function whose plain `log.msg` lines are not worth showing.

    They become events without text, which log observers leave out. The same would happen to what it
    logs with `log.err`: it should raise its errors, and not log them.
    """
    around = context.get(ILogContext) or {}
    called: _T = context.call({ILogContext: {**around, "log_format": ""}}, function, *arguments)
    return called


def listen_quietly(
    endpoint: IStreamServerEndpoint, factory: IProtocolFactory, description: str
) -> Any:
    """Listen on an endpoint as `listen_now` does; closing the port logs no line either."""
    port = quietly(listen_now, endpoint, factory, description)
    if hasattr(port, "connectionLost"):
        port.connectionLost = partial(quietly, port.connectionLost)
    return port
