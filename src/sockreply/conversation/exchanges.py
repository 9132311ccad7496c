"""What a service tells of what it receives and answers: the seam to the logs and the record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IAddress

from sockreply.replies.responder import Session


class Exchanges(Protocol):
    """Is told what is received and answered, and shows as much of it as it likes."""

    room: int
    """How many exchanges it would show now; 0: it need not be told of the next one."""

    hidden: int
    """How many it was not told of; whoever passes it over adds to this."""

    kept: int
    """How many bytes of an answer that takes more than one write it wants to be told."""

    def listening(self, address: IAddress) -> None:
        """A listener is up."""

    def connected(self, session: Session) -> None:
        """A client is there."""

    def received(self, session: Session, message: bytes) -> bool:
        """A message came. Returns whether its answers are to be shown too."""

    def answered(self, session: Session, reply: bytes, size: int) -> None:
        """The answer to a message that is shown.

        Args:
            session: The connection.
            reply: Its bytes; the first ones are enough.
            size: How many there are.
        """

    def silent(self, session: Session) -> None:
        """A message that is shown is answered with nothing."""

    def remarked(self, session: Session, say: Callable[[], str]) -> None:
        """There is something to say of a message that is shown."""

    def failed(self, session: Session, error: str) -> None:
        """A message that is shown gets no answer; the service logs that by itself."""

    def abandoned(self, session: Session) -> None:
        """A message that is shown will not be answered: its connection ends before."""

    def disconnected(self, session: Session, why: str) -> None:
        """A connection is gone."""


class NoExchanges:
    """Shows nothing."""

    room = 0
    hidden = 0
    kept = 0

    def listening(self, address: IAddress) -> None: ...

    def connected(self, session: Session) -> None: ...

    def received(self, session: Session, message: bytes) -> bool:  # noqa: ARG002 - shows nothing
        return False

    def answered(self, session: Session, reply: bytes, size: int) -> None: ...

    def silent(self, session: Session) -> None: ...

    def remarked(self, session: Session, say: Callable[[], str]) -> None: ...

    def failed(self, session: Session, error: str) -> None: ...

    def abandoned(self, session: Session) -> None: ...

    def disconnected(self, session: Session, why: str) -> None: ...
