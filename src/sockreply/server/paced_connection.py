"""What the limits of its peer ask of a connection."""

from __future__ import annotations

from sockreply.conversation.failures import too_fast
from sockreply.conversation.guard import guarded
from sockreply.conversation.paced_framer import PacedFramer
from sockreply.conversation.pacing import Limited, Pacing
from sockreply.conversation.states import PAUSE
from sockreply.framing.interfaces import Framer
from sockreply.server.connection import Connection
from sockreply.server.transport import layer_under


class PacedConnection(Connection):
    """A connection that can be held back."""

    __slots__ = ("_framer",)

    _framer: Framer  # that of answering, in one step less

    def pace(self, pacing: Pacing, key: int) -> PacedFramer:
        """Keep to the limits of the peer that is known by this number, from now on."""
        framer = self._framer
        if isinstance(framer, PacedFramer):
            framer.key = key
        else:
            framer = PacedFramer(framer, pacing, key, self)
            self._framer = self._answering.framer = framer
        return framer

    def leave_queues(self) -> None:
        """Wait no longer for what the limits of the peer allow."""
        if isinstance(self._framer, PacedFramer):
            self._framer.leave()

    def hold_back(self) -> None:
        self._answering.hold_back()

    @guarded
    def let_go_on(self) -> None:
        if not self.session.count:
            self._opened_at = self._shared.clock.seconds()  # as if it had connected now
            if (layer := layer_under(self.transport)) is not None:
                layer.time_handshake()
        self._answering.let_go_on()

    @guarded
    def refuse(self, limited: Limited) -> None:
        too_fast(self._shared, self.session, limited)
        self.close("per_peer_rate")

    def pause_reading(self) -> None:
        """Read no more until all that was read is answered."""
        if self._answering.reads and not self._answering.shakes_hands:
            self._answering.happened(PAUSE)
            self._deadlines.end("silence")  # it would be ours, not the peer's
            self.transport.pauseProducing()
