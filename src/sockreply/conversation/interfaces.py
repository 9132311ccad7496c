"""What the parts of a dialogue ask of each other."""

from __future__ import annotations

from typing import Literal, Protocol

from twisted.python.failure import Failure

from sockreply.conversation.outbox import Outbox
from sockreply.conversation.shared import Shared
from sockreply.conversation.states import Event
from sockreply.replies.session import Session


class Channel(Protocol):
    """What answering asks of its connection."""

    def close(self, why: str) -> None:
        """Close in good order, after what was written."""

    def end(self, how: Literal["whole", "half", "reset"]) -> bool:
        """End the connection as a reply asks. Returns whether the peer is to close it."""

    def abort(self, why: str) -> None:
        """End the connection at once."""

    def start_tls(self) -> None:
        """Begin TLS, after what was written; what was read before does not count.

        Raises:
            ResponderError: This connection cannot.
        """

    def broke(self, failure: Failure) -> None:
        """An unexpected exception: end the connection."""

    def all_answered(self, active: bool, begun: int) -> None:
        """Nothing is left to answer.

        Args:
            active: Was something answered just now?
            begun: How many bytes there are of a message that is not complete.
        """

    def owing(self) -> None:
        """Something is left to answer, later."""

    def stalled(self, event: Event) -> None:
        """A reply asked to send nothing more: `STALL`, or `STALL_PAUSED`."""


class Dialogue(Protocol):
    """What a delivery asks of the dialogue that its reply belongs to."""

    @property
    def session(self) -> Session:
        """The connection's memory."""

    @property
    def shared(self) -> Shared:
        """What the connection has in common with the others of its service."""

    @property
    def outbox(self) -> Outbox:
        """Takes what is to be sent."""

    @property
    def read_at(self) -> float | None:
        """When what is being answered was read, in seconds of the clock; None: not measured."""

    @property
    def takes_more(self) -> bool:
        """Is the connection open, with little enough unsent and some of its turn left?"""

    def turn_over(self) -> None:
        """So much was sent that others get their turn."""

    def awaiting(self, begun: bool) -> None:
        """The responder's time begins, or ends."""

    def go_on(self) -> None:
        """What the delivery waited for has arrived: run it again."""

    def start_tls(self) -> None:
        """Begin TLS; the delivery is called when it is `secured`.

        Raises:
            ResponderError: This connection cannot.
        """

    def end(self, how: Literal["whole", "half", "reset"]) -> bool:
        """End the connection. Returns whether the peer is to close it."""

    def failed(self, failure: Failure) -> None:
        """The reply cannot be made."""

    def broke(self, failure: Failure) -> None:
        """An unexpected exception: end the connection."""
