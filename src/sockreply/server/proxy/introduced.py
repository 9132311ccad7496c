"""What factories get as the address of a client that a PROXY header names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.interfaces import IAddress
from zope.interface import implementer

from sockreply.replies.proxy import Proxy


@implementer(IAddress)
@dataclass(frozen=True, slots=True)
class Introduced:
    """A peer that a proxy has introduced.

    Args:
        peer: Who it is.
        host: The address that it connected to.
        proxy: Who says so.
        vouched: Need the peer's address not be in a network that the service allows?
        protocol: Makes its connection, of what the service's connections share, of who knows them,
            and of this.
    """

    peer: IAddress
    host: IAddress
    proxy: Proxy
    vouched: bool
    protocol: Callable[[Any, Any, Introduced], Any]
