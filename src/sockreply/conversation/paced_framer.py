"""The framer of a connection whose peer has limits.

It counts what is read and what is handed out. What is over a limit waits in here: bytes before the
framer proper gets them, a message before it is handed out. While there is nothing else to do, the
dialogue is held back, so that reading pauses and no deadline runs.
"""

from __future__ import annotations

from typing import Literal, Protocol, cast

from sockreply.conversation.arrival import TappedFramer, rest_of
from sockreply.conversation.metering import Meter
from sockreply.conversation.pacing import Limited, Pacing
from sockreply.framing.interfaces import Framer, Framing, SpeakingFramer, SwitchingFramer


class Dialogue(Protocol):
    """The side of a connection that answers, as the framer sees it."""

    def hold_back(self) -> None:
        """Answer nothing more until `let_go_on` is called."""

    def let_go_on(self) -> None:
        """Answer again: the limits allow it."""

    def refuse(self, limited: Limited) -> None:
        """End the connection: its peer exceeded a limit."""


class PacedFramer:
    """The framer of a connection whose peer has limits.

    Args:
        framer: Makes the messages.
        pacing: The limits.
        key: The number that identifies the peer; it may be changed later.
        dialogue: Is held back, or ended.
    """

    __slots__ = (
        *("_dialogue", "_framer", "_held", "_kept", "_kept_size", "_kept_wire", "_later"),
        *("_later_size", "_pacing", "_waits_for", "key"),
    )

    ready = ()
    empty = False

    def __init__(self, framer: Framer, pacing: Pacing, key: int, dialogue: Dialogue) -> None:
        self._framer = framer
        self._pacing = pacing
        self._dialogue = dialogue
        self._waits_for: dict[Limited, tuple[Meter, int]] = {}  # each with the key of that time
        self._held = False
        self._kept: bytes | None = None  # a message that waits
        self._kept_size = 0
        self._kept_wire = b""  # the same as it came, if the framer knows that
        self._later: list[bytes | Literal["eof", "silence"]] = []  # what the framer is to be told
        self._later_size = 0
        self.key = key

    def enter(self) -> bool:
        """Whether the new connection may begin; if not, it is held back until its turn."""
        meter = self._pacing.meter("connections") if self._pacing.waits else None
        if meter is None or self._passes("connections", meter, 1):
            return True
        self._hold()
        return False

    def leave(self) -> None:
        """Wait no longer: the connection ends."""
        for meter, key in self._waits_for.values():
            meter.leave(key, self)
        self._waits_for.clear()

    def passed(self, meter: Meter) -> None:
        """It is the connection's turn."""
        limited = next(name for name, (each, _) in self._waits_for.items() if each is meter)
        del self._waits_for[limited]
        if limited == "bytes":
            later, self._later, self._later_size = self._later, [], 0
            for each in later:
                self._tell(each)
        if self._held:
            self._held = False
            self._dialogue.let_go_on()

    @property
    def tap(self) -> TappedFramer | None:
        """What is around the framer proper and keeps the bytes, if that is done."""
        return self._framer if isinstance(self._framer, TappedFramer) else None

    @property
    def at(self) -> int | None:
        """How many bytes came before the first that was not handed out; None: not measured."""
        return None if self.tap is None else self.tap.at - self._kept_size

    def start_again(self, framer: Framer) -> None:
        """Drop all that was read and not handed out, and go on with another framer."""
        self.leave()
        kept, self._kept_wire = self._kept_wire, b""
        later = b"".join(each for each in self._later if isinstance(each, bytes))
        self._kept, self._kept_size, self._later, self._later_size = None, 0, [], 0
        if self.tap is None:
            self._framer = framer
        else:
            self.tap.start_again(framer, kept, later)

    # What a framer does.

    @property
    def silence(self) -> float | None:
        return self._framer.silence

    @property
    def buffered(self) -> int:
        return self._kept_size + self._framer.buffered + self._later_size

    @property
    def dropped(self) -> int:
        return self._framer.dropped

    def rest(self) -> bytes:
        later = b"".join(each for each in self._later if isinstance(each, bytes))
        return self._kept_wire + rest_of(self._framer) + later

    def take(self, data: bytes) -> None:
        """Each message is counted."""

    def said(self) -> bytes:
        return cast(SpeakingFramer, self._framer).said()

    def switch(self, framing: Framing | None) -> Framing:
        return cast(SwitchingFramer, self._framer).switch(framing)

    def receive_data(self, data: bytes) -> None:
        meter = self._pacing.meter("bytes")
        if "bytes" in self._waits_for:
            waits_in, key = self._waits_for["bytes"]
            waits_in.wait(key, self._later_size + len(data), self)
        elif meter is None or self._passes("bytes", meter, len(data)):
            self._framer.receive_data(data)
            return
        self._later.append(data)
        self._later_size += len(data)

    def receive_eof(self) -> None:
        self._tell_in_turn("eof")

    def receive_silence(self) -> None:
        self._tell_in_turn("silence")

    def next_message(self) -> bytes | None:
        if "connections" in self._waits_for or "messages" in self._waits_for:
            self._hold()
            return None
        message = self._let_out() if self._kept is not None else self._next_counted()
        if message is None and self._later and not self._held:
            self._hold()
        return message

    # The rest is ours.

    def _next_counted(self) -> bytes | None:
        meter = self._pacing.meter("messages")
        if meter is None:
            return self._framer.next_message()
        if meter.has_token(self.key):
            message = self._framer.next_message()
            if message is not None:
                meter.take(self.key, 1)
            return message
        if not self._keep_next():
            return None
        if self._passes("messages", meter, 1):
            return self._let_out()
        if "messages" in self._waits_for:
            self._hold()
        return None

    def _keep_next(self) -> bool:
        """Keep the next message, because there is no token for it. Is there one?"""
        framer = self._framer
        rest, buffered, dropped = rest_of(framer), framer.buffered, framer.dropped
        self._kept = framer.next_message()
        if self._kept is None:
            return False
        if self.tap is not None:
            self._kept_wire = self.tap.arrival.wire or b""
            self._kept_size = len(self._kept_wire)
            return True
        gone = buffered - framer.buffered
        self._kept_size = max(0, gone - (framer.dropped - dropped))
        self._kept_wire = rest[gone - self._kept_size : gone]
        return True

    def _let_out(self) -> bytes | None:
        message, self._kept, self._kept_size, self._kept_wire = self._kept, None, 0, b""
        return message

    def _tell_in_turn(self, what: Literal["eof", "silence"]) -> None:
        """Tell the framer, after the bytes that came before."""
        if self._later:
            self._later.append(what)
        else:
            self._tell(what)

    def _tell(self, what: bytes | Literal["eof", "silence"]) -> None:
        if what == "eof":
            self._framer.receive_eof()
        elif what == "silence":
            self._framer.receive_silence()
        elif isinstance(what, bytes):
            self._framer.receive_data(what)

    def _passes(self, limited: Limited, meter: Meter, tokens: int) -> bool:
        """Whether a limit allows this; if not, the connection has to wait, or is ended."""
        pacing = self._pacing
        if meter.take(self.key, tokens, whole=not pacing.waits):
            return True
        pacing.is_over(limited)
        if pacing.waits:
            self._waits_for[limited] = meter, self.key
            meter.wait(self.key, tokens, self)
        else:
            self._dialogue.refuse(limited)
        return False

    def _hold(self) -> None:
        self._held = True
        self._dialogue.hold_back()


def tap_of(framer: Framer) -> TappedFramer | None:
    """What keeps the bytes of a connection; None: they are not kept."""
    if isinstance(framer, PacedFramer):
        return framer.tap
    return framer if isinstance(framer, TappedFramer) else None


def started_again(framer: Framer, fresh: Framer) -> Framer:
    """The framer of a connection that has dropped what was read and not handed out.

    Args:
        framer: The one before.
        fresh: Makes the messages from now on.
    """
    if isinstance(framer, PacedFramer | TappedFramer):
        framer.start_again(fresh)
        return framer
    return fresh
