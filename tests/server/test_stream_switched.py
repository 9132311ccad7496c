"""Connections that change their framing on the way, and framings that speak themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.logger import capturedLogs

from sockreply.errors import ResponderError
from sockreply.framing import BufferedFramer, Framing, Message, Switched, parse_framing
from sockreply.framing.affixed import Affixed
from sockreply.replies import Reply, Session, Wait
from tests.server.stand_ins import Talk, texts

LINE = parse_framing("line")
COUNTED = parse_framing("length:bytes=1")


def switching(message: bytes, session: Session) -> bytes:
    """Echo; `count` leads to messages with a count, `line` back to lines."""
    if message in (b"count", b"line"):
        session.switch(COUNTED if message == b"count" else None)
    return message.upper()


def talk(answer: Callable[[bytes, Session], object] = switching, **keys: object) -> Talk:
    """A peer whose service has lines at first."""
    return Talk(answer, Switched(LINE, LINE, (COUNTED,)), **keys)  # type: ignore[arg-type]  # limits


WIRE = b"a\ncount\n\x01b\x02cd\x04lineef\ng\n"
REPLIES = b"A\nCOUNT\n\x01B\x02CD\x04LINEEF\nG\n"


@pytest.mark.parametrize("cut", range(len(WIRE) + 1))
def test_switch_from_the_next_message_on(cut: int) -> None:
    """Wherever the stream is cut, the answer to the switch itself is framed as it was asked."""
    peer = talk()
    peer.say(*filter(None, (WIRE[:cut], WIRE[cut:])))
    assert peer.hear() == REPLIES


def test_switch_during_a_reply_that_waits() -> None:
    """A message that was read before the switch, but after its request, is cut as it says."""

    def later(message: bytes, session: Session) -> object:
        return Reply(Wait(1.0), switching(message, session))

    peer = talk(later)
    peer.say(b"count\n", b"\x01b\x02cd")
    peer.clock.advance(1.0)
    assert peer.hear() == b"COUNT\n"
    peer.clock.advance(1.0)
    peer.clock.advance(1.0)
    assert peer.hear() == b"\x01B\x02CD"


def test_what_is_unasked_has_the_present_framing() -> None:
    """A message that answers nothing is framed as the connection is framed now."""
    peer = talk()
    peer.say(b"count\n")
    peer.hear()
    peer.session.send(b"news")
    assert peer.hear() == b"\x04news"
    peer.say(b"\x04line")
    peer.session.send(b"news")
    assert peer.hear() == b"\x04LINEnews\n"


def test_switch_to_a_framing_that_hears_silence() -> None:
    """Bytes that are there already count for the silence that ends a message."""
    gap = parse_framing("gap:seconds=0.5")

    def answer(message: bytes, session: Session) -> bytes:
        session.switch(gap if message == b"gap" else None)
        return message

    peer = Talk(answer, Switched(LINE, LINE, (gap,)))
    peer.say(b"gap\nsome bytes")
    assert peer.hear() == b"gap\n"
    peer.clock.advance(0.5)
    assert peer.hear() == b"some bytes"
    peer.say(b"a line\n")
    assert peer.hear() == b"a line\n"


def test_only_switched_framings_can_be_exchanged() -> None:
    """On another service, the message that asks for it fails, and says why."""
    peer = Talk(switching, "line")
    with capturedLogs() as events:
        peer.say(b"count\n")
    assert peer.counters.errors["reply"] == 1
    assert any("cannot change from the framing line" in text for text in texts(events))


def test_session_without_connection_switches_nothing() -> None:
    """Once the connection is gone, nothing happens."""
    peer = talk()
    peer.leave()
    peer.session.switch(COUNTED)


class Polite(Affixed):
    """Lines; the framing itself thanks for each that is not empty."""

    speaks = True
    affixes = (b"", b"\n")

    def framer(self, max_message: int) -> PoliteFramer:
        return PoliteFramer(max_message)


class PoliteFramer(BufferedFramer):
    """Thanks once for each line."""

    thanks = b""

    def next_message(self) -> bytes | None:
        end = self._data.find(b"\n", self._start)
        if end < 0:
            return None
        message = bytes(self._data[self._start : end])
        self._start = end + 1
        self._forget()
        self.thanks += b"(thanks)" if message else b""
        return Message(message)

    def said(self) -> bytes:
        """What was not said yet."""
        thanks, self.thanks = self.thanks, b""
        return thanks


@pytest.mark.parametrize("framing", [Polite(), Switched(Polite(), LINE)])
def test_what_a_framing_says_goes_between_replies(framing: Framing) -> None:
    """What the framing itself says is sent as it is, and never inside a reply."""
    peer = Talk(lambda message, _: Reply(message, Wait(1.0), b"done"), framing)
    peer.say(b"one\ntwo\n")
    for _ in range(4):
        peer.clock.advance(1.0)
    assert peer.hear() == b"one\ndone\n(thanks)two\ndone\n(thanks)"


def test_a_reply_error_names_what_cannot_be() -> None:
    """The error is one of ours, for code that wants to catch it."""
    peer = Talk(switching, "line")
    with pytest.raises(ResponderError, match="framing line"):
        peer.session.switch(COUNTED)
