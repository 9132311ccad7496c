"""What a service reports of what it receives and answers: the seam to the logs and the record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol, TypeAlias

from twisted.internet.interfaces import IAddress

from sockreply.conversation.arrival import Arrival
from sockreply.replies.session import Session

Silence: TypeAlias = Literal["silence", "unanswered", "stall", "close", "half-close", "reset"]
"""What happens to a message that is not answered with bytes. It is unanswered, and not answered
with silence, where the service never answers anything."""


class Piece(NamedTuple):
    """A message that was sent, or bytes that were sent as they are.

    Args:
        message: The first bytes of the message, without what framed it; None: it was sent raw.
        wire: Its first bytes, as they went over the wire.
        size: How many bytes the message has, or how many were sent raw.
    """

    message: bytes | None
    wire: bytes | bytearray
    size: int


class Said:
    """What was sent at once or step by step, in pieces.

    Args:
        kept: About so many bytes are kept; the rest is counted.
    """

    __slots__ = ("_room", "count", "pieces", "size")

    pieces: list[Piece]
    """The first pieces. Bytes that are not framed are one piece until a message follows."""

    count: int
    """How many pieces there are."""

    size: int
    """How many bytes went over the wire."""

    def __init__(self, kept: int) -> None:
        self._room = kept
        self.pieces = []
        self.count = self.size = 0

    def add(self, message: bytes | None, wire: bytes) -> None:
        """Another message, or None and bytes that are not framed."""
        self.size += len(wire)
        if message is None and self.pieces and self.pieces[-1].message is None:
            _, first, size = self.pieces[-1]
            first += wire[: self._room]
            self.pieces[-1] = Piece(None, first, size + len(wire))
        else:
            self.count += 1
            if self._room <= 0:
                return
            size = len(wire) if message is None else len(message)
            first = bytearray(wire[: self._room]) if message is None else wire[: self._room]
            shown = None if message is None else message[: self._room]
            self.pieces.append(Piece(shown, first, size))
        self._room = max(0, self._room - len(wire))


class Exchanges(Protocol):
    """Hears what is received and answered, and shows as much of it as it likes."""

    room: int
    """How many exchanges it would show now; 0: it need not hear of the next one."""

    hidden: int
    """How many it has not heard of; the caller that passes it over adds to this."""

    kept: int
    """How many bytes of what is sent it wants to have."""

    exact: bool
    """Does it want to know which bytes came, and when, of each connection that is made now?"""

    def listening(self, address: IAddress, *, ports: int = 1) -> None:
        """A listener is up.

        Args:
            address: Its address.
            ports: How many there are now with that port and those before it, one after another.
        """

    def connected(self, session: Session, *, where: bool = False) -> None:
        """A client has connected.

        Args:
            session: The connection.
            where: Could it have connected somewhere else, to another listener of the service?
        """

    def secured(self, session: Session) -> None:
        """A client has come to speak TLS."""

    def received(self, session: Session, message: bytes, arrival: Arrival) -> bool:
        """A message arrived. Returns whether its answer is to be shown too."""

    def answered(self, session: Session, said: Said) -> None:
        """The answer to a message that is shown."""

    def silent(self, session: Session, how: Silence) -> None:
        """A message that is shown is answered without a single byte."""

    def remarked(self, session: Session, say: Callable[[], str]) -> None:
        """There is something to say about a message that is shown."""

    def failed(self, session: Session, error: str, said: Said | None) -> None:
        """A message that is shown gets no answer, or no more; the service logs that by itself."""

    def abandoned(self, session: Session, said: Said | None) -> None:
        """The connection ends before a message that is shown is answered, or answered in full."""

    def sent(self, session: Session, said: Said) -> None:
        """Something was sent that answers no message, such as a greeting."""

    def dropped(self, session: Session, at: int, data: bytes) -> None:
        """Bytes arrived that belong to no message; reported only by connections that are `exact`.

        Args:
            session: The connection.
            at: How many bytes of it came before them.
            data: The bytes.
        """

    def unfinished(
        self, session: Session, rest: bytes, at: int | None, why: str, told: bool
    ) -> None:
        """A connection ends, and some of its bytes never became a message.

        Args:
            session: The connection.
            rest: The bytes.
            at: How many came before them; None: it is not `exact`.
            why: As of `disconnected`.
            told: Has the service logged them already?
        """

    def disconnected(self, session: Session, why: str) -> None:
        """A connection is gone."""


class NoExchanges:
    """Shows nothing."""

    room = 0
    hidden = 0
    kept = 0
    exact = False

    def listening(self, address: IAddress, *, ports: int = 1) -> None: ...

    def connected(self, session: Session, *, where: bool = False) -> None: ...

    def secured(self, session: Session) -> None: ...

    def received(
        self,
        session: Session,  # noqa: ARG002 - shows nothing
        message: bytes,  # noqa: ARG002 - shows nothing
        arrival: Arrival,  # noqa: ARG002 - shows nothing
    ) -> bool:
        return False

    def answered(self, session: Session, said: Said) -> None: ...

    def silent(self, session: Session, how: Silence) -> None: ...

    def remarked(self, session: Session, say: Callable[[], str]) -> None: ...

    def failed(self, session: Session, error: str, said: Said | None) -> None: ...

    def abandoned(self, session: Session, said: Said | None) -> None: ...

    def sent(self, session: Session, said: Said) -> None: ...

    def dropped(self, session: Session, at: int, data: bytes) -> None: ...

    def unfinished(
        self, session: Session, rest: bytes, at: int | None, why: str, told: bool
    ) -> None: ...

    def disconnected(self, session: Session, why: str) -> None: ...
