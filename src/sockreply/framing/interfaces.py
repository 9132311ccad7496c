"""What every framing promises to the protocols that use it."""

from __future__ import annotations

from typing import Protocol


class Framer(Protocol):
    """Splits what one connection receives into messages.

    Pull, not push: bytes go in as they come, messages are asked for. A protocol that waits stops
    asking, and good messages before a bad one are still handed out. It never holds more than the
    longest message plus two reads.
    """

    @property
    def ready(self) -> list[bytes] | tuple[()]:
        """Messages that were found already, the next one last; they may be taken from here."""

    @property
    def empty(self) -> bool:
        """Is it known that nothing is there but what is ready? If not, `next_message` tells."""

    @property
    def silence(self) -> float | None:
        """Seconds of quiet after which `receive_silence` wants to be called; None: never."""

    @property
    def buffered(self) -> int:
        """Bytes received and not yet handed out; after all messages were, those of a begun one."""

    @property
    def dropped(self) -> int:
        """Bytes thrown away so far because they stood outside of any message."""

    def receive_data(self, data: bytes) -> None:
        """Take in what one read gave."""

    def receive_eof(self) -> None:
        """Take in that the peer sends no more. A framing whose messages end so ends one here."""

    def receive_silence(self) -> None:
        """Take in that nothing came for `silence` seconds."""

    def next_message(self) -> bytes | None:
        """Hand out the next complete message, without what framed it; None: not here yet.

        Raises:
            FramingError: Here the stream stops making sense. Asking again is not defined.
        """


class Framing(Protocol):
    """How bytes are made into messages and messages into bytes, the same for a whole service."""

    @property
    def ends_with_stream(self) -> bool:
        """Is a message's end the sender's half-close, so that there is one a direction?"""

    @property
    def affixes(self) -> tuple[bytes, bytes] | None:
        """What `frame` puts before and behind every message, whatever it is; None: it does more.

        If there are some, plain replies are framed with them and not by `frame`.
        """

    def framer(self, max_message: int) -> Framer:
        """A framer for a new connection.

        Args:
            max_message: The most bytes that a message may have.

        Raises:
            ConfigError: No message of this framing is that short.
        """

    def frame(self, message: bytes) -> bytes:
        """The message as it goes over the wire.

        Raises:
            CannotFrame: The framing's length field cannot tell its size.
        """

    def mirrored(self) -> Framing:
        """The same framing as the other side sees it: what it sends we receive."""
