"""The places of a service's sessions over UDP, and which gives way when all are taken.

Anybody can send datagrams in the name of others. So a session may belong to a peer that does not
exist, and a session that owes nothing gives its place to the next peer.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from sockreply.conversation.shared import Shared
from sockreply.server.roster import Roster

LOOKS = 64
"""How many sessions are looked at for one that owes nothing, before a new peer is turned away:
there may be thousands whose replies take their time, and it takes time to look at all of them."""


class Displaceable(Protocol):
    """A session that may have to give its place to another one."""

    @property
    def is_idle(self) -> bool:
        """Does it owe nothing?"""

    def displace(self) -> None:
        """End, at once."""


class Crowd:
    """The sessions of a service that outlive their first datagram, the longest idle one first.

    Args:
        shared: What the connections of the service have in common.
        roster: Knows them all, and those over streams.
    """

    def __init__(self, shared: Shared, roster: Roster) -> None:
        self._shared = shared
        self._roster = roster
        self._sessions = OrderedDict[Displaceable, None]()

    def has_room(self) -> bool:
        """Is there a place for one more session, maybe because another one gives way?"""
        if self._is_place_free:
            return True
        for _ in range(min(LOOKS, len(self._sessions))):
            session = next(iter(self._sessions))
            if session.is_idle:
                session.displace()
                if self._is_place_free:  # not if there are fewer places since a reload
                    return True
            else:
                self._sessions.move_to_end(session)
        return False

    def heard(self, session: Displaceable) -> None:
        """Its peer has just sent something."""
        self._sessions[session] = None
        self._sessions.move_to_end(session)

    def left(self, session: Displaceable) -> None:
        """It is gone."""
        self._sessions.pop(session, None)

    @property
    def _is_place_free(self) -> bool:
        places = self._shared.limits.max_connections
        # Half of them are kept for streams: their peers exist, but cannot make a session give way.
        most = (places + 1) // 2 if self._shared.stream_listeners else places
        return self._roster.places > 0 and len(self._sessions) < most
