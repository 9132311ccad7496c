"""A connection whose peer is the client that a PROXY header names."""

from __future__ import annotations

from twisted.internet.interfaces import IAddress

from sockreply.conversation.shared import Shared
from sockreply.replies.proxy import Proxy
from sockreply.server.proxy.introduced import Introduced
from sockreply.server.roster import Roster
from sockreply.server.stream import ReplyProtocol


class ProxiedProtocol(ReplyProtocol):
    """A connection of a client that a PROXY header names.

    Args:
        shared: What all connections of the service have in common.
        roster: Lists them.
        introduced: The client.
    """

    __slots__ = ("_introduced",)

    def __init__(self, shared: Shared, roster: Roster, introduced: Introduced) -> None:
        super().__init__(shared, roster)
        self._introduced = introduced

    def peer(self) -> IAddress:
        return self._introduced.peer

    def host(self) -> IAddress:
        return self._introduced.host

    def proxy(self) -> Proxy | None:
        return self._introduced.proxy

    def vouched(self) -> bool:
        return self._introduced.vouched
