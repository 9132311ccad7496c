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
    """A client that a PROXY header names.

    Args:
        peer: The client's address.
        host: The address that it connected to.
        proxy: The proxy that sent the header.
        vouched: Whether the client is let in without a look at the service's `allow`.
        protocol: Makes its connection, of what the service's connections share, of who knows them,
            and of this.
    """

    peer: IAddress
    host: IAddress
    proxy: Proxy
    vouched: bool
    protocol: Callable[[Any, Any, Introduced], Any]
