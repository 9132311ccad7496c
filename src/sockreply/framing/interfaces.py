"""What every framing promises to the protocols that use it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable


class Framer(Protocol):
    """Splits what one connection receives into messages.

    It may have a method `take(data)`, which keeps nothing: it returns the messages of a read that
    holds only complete ones, if nothing is left from before. It returns None if that is not so, or
    cannot be seen at a glance; the read is then given to `receive_data`.

    Pull, not push: bytes go in as they arrive, and messages are asked for. A protocol that waits
    stops asking, and good messages before a bad one are still handed out. A framer never holds more
    than the longest message, as it is on the wire, plus two reads.

    It may have one more method, `missing() -> str`, for `sockreply explain --wire`: what an
    incomplete message lacks, such as "no LF yet". It is called after `next_message` found nothing,
    while some bytes are `buffered`.

    Where its framing `speaks` or `switches`, it is a `SpeakingFramer` or a `SwitchingFramer`.
    """

    @property
    def ready(self) -> list[bytes] | tuple[()]:
        """Messages that were found already, the next one last; they may be taken from here."""

    @property
    def empty(self) -> bool:
        """Is it known that no message is here but those in `ready`? If not, ask `next_message`."""

    @property
    def silence(self) -> float | None:
        """Seconds of quiet after which `receive_silence` wants to be called; None: never."""

    @property
    def buffered(self) -> int:
        """Bytes received and not yet handed out; after all messages, those of an incomplete one."""

    @property
    def dropped(self) -> int:
        """Bytes thrown away so far because they were outside any message."""

    def rest(self) -> bytes:
        """The bytes received and not yet handed out, as they came."""

    def receive_data(self, data: bytes) -> None:
        """Take in what one read returned."""

    def receive_eof(self) -> None:
        """Note that the peer sends no more, which ends a message in some framings."""

    def receive_silence(self) -> None:
        """Note that nothing arrived for `silence` seconds."""

    def next_message(self) -> bytes | None:
        """Hand out the next complete message, without what framed it; None: not here yet.

        It may be a `Message`, which carries more than its bytes.

        Raises:
            FramingError: The stream makes no sense from here on. Do not ask again.
        """


class SpeakingFramer(Framer, Protocol):
    """The framer of a framing that answers the peer itself at times, as telnet does."""

    def said(self) -> bytes:
        """Take what the framing has to say; empty: nothing. Asked after each `next_message`."""


class SwitchingFramer(Framer, Protocol):
    """The framer of a framing that a connection may change."""

    def switch(self, framing: Framing | None) -> Framing:
        """Make messages with another framing, even from what was read and not handed out yet.

        Args:
            framing: That one; None: the one that applies if none is named.

        Returns:
            The framing that applies now.
        """


@runtime_checkable
class Framing(Protocol):
    """How bytes are made into messages and messages into bytes, the same for a whole service.

    A framing of your own derives from this class and defines `framer` and `frame`, and `mirrored`
    if the two sides of a connection frame differently. The rest is optional: the defaults suit any
    framing whose bytes say where each message ends. `BufferedFramer` is a start for its framer.
    """

    @abstractmethod
    def framer(self, max_message: int) -> Framer:
        """A framer for a new connection.

        Args:
            max_message: The most bytes that a message may have.

        Raises:
            ConfigError: No message of this framing is that short.
        """

    @abstractmethod
    def frame(self, message: bytes) -> bytes:
        """The message as it goes over the wire.

        Raises:
            CannotFrame: The framing's length field cannot hold its size.
        """

    def mark_after(self, message: bytes) -> bytes:  # noqa: ARG002 - the default knows none
        """The mark that ended a received message; empty, the default: none did.

        If the next message has another framing, it may be part of what ends that: see
        `framer_after`.
        """
        return b""

    def framer_after(self, end: bytes, max_message: int) -> Framer:  # noqa: ARG002 - as the default
        """A framer that goes on after another framing.

        Args:
            end: What ended the last message. It counts if a mark that ends messages of this
                framing begins with it; by default, none does.
            max_message: See `framer`.
        """
        return self.framer(max_message)

    def check_reply(self, message: bytes) -> None:
        """See whether this can be a reply; by default, whether `frame` takes it.

        Raises:
            CannotFrame: It cannot, whatever it answers.
        """
        self.frame(message)

    def received_as(self, message: bytes) -> bytes:
        """The message that the other side hands out when this side sends one.

        By default the same.
        """
        return message

    def mirrored(self) -> Framing:
        """The same framing as the other side sees it, which receives what this side sends.

        By default this side's: requests and replies are framed alike.
        """
        return self

    @property
    def name(self) -> str:
        """The name in specs, as `check` prints it; by default that of the class, in lower case."""
        return type(self).__name__.lower()

    def describe(self) -> Iterator[str]:
        """What `check` prints of it besides the name, a line each; by default there is no more."""
        return iter(())

    @property
    def affixes(self) -> tuple[bytes, bytes] | None:
        """What `frame` puts before and after every message, whatever the message is.

        If this is set, plain replies are framed with it, without calling `frame`. None, the
        default: `frame` does more than that.
        """
        return None

    @property
    def one_message_each_way(self) -> bool:
        """Does the sender's half-close end its message, so that a connection carries one each way?

        By default it carries any number.
        """
        return False

    @property
    def may_run_together(self) -> bool:
        """Can messages that are sent in a row be received as one?

        Then a client waits for each reply before it sends the next request. By default the bytes
        keep messages apart, and requests are sent at once.
        """
        return False

    @property
    def fits_datagrams(self) -> bool:
        """Is each read a message, and each message sent as it is, so that datagrams can carry it?

        By default they cannot.
        """
        return False

    @property
    def binary(self) -> bool:
        """Are messages binary, so that logs show them as hexadecimal digits?

        By default they are text.
        """
        return False

    @property
    def varies(self) -> bool:
        """Is each message answered in a framing of its own?

        Then framers hand out each as a `Message` that names it, and `frame` is for what answers
        no message. By default all are framed alike.
        """
        return False

    @property
    def speaks(self) -> bool:
        """Does the framing itself answer the peer at times, as telnet does?

        Then each of its framers is a `SpeakingFramer`. By default it does not.
        """
        return False

    @property
    def switches(self) -> bool:
        """May a connection change to another framing (see `Session.switch`)?

        Then each of its framers is a `SwitchingFramer`. By default it may not.
        """
        return False

    def facts_of(self, message: bytes) -> Mapping[str, Any]:  # noqa: ARG002 - as the default knows
        """What templates may know, by name, about a message that did not come over a wire.

        About one that did, they know the `facts` of the `Message`, which have the same names.
        """
        return {}

    @property
    def message_size(self) -> int | None:
        """The bytes that every received message has; None, the default: they may differ in size."""
        return None

    def never_in(self, data: bytes) -> bytes | None:  # noqa: ARG002 - the default looks at nothing
        """The part of the data that no received message can contain, such as the mark of its end.

        None, the default: a message may contain all of it.
        """
        return None
