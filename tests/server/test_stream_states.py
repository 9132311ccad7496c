"""Services of a file whose framing depends on the state: what comes, and what is answered."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from sockreply.observing.record import RecordedExchanges
from sockreply.settings import PeerLimits, Rate
from tests.framing.test_all_framings import cut
from tests.observing.test_record import Lines, wire
from tests.server.files import talk_of
from tests.server.stand_ins import NotingLog, Talk, WireTalk

MAIL = r"""
framing = "line:ending=crlf"
greeting = "220 hello"
otherwise = "500 what?"
rules = [
    { state = "text", next_state = "start", reply.template = "250 {{ message | length }} bytes" },
    { when.equals = "DATA", next_state = "text", reply = "354 go on" },
    { when.equals = "NOOP", reply = "250 ok" },
    { when.equals = "QUIT", reply = ["221 bye", { close = true }] },
]
[services.s.states.text]
framing = 'delimited:end=\r\n.\r\n,reply_end=\r\n'
"""
HELLO, GO, OK = b"220 hello\r\n", b"354 go on\r\n", b"250 ok\r\n"


def stored(size: int) -> bytes:
    """The reply to a mail of so many bytes."""
    return b"250 %d bytes\r\n" % size


SESSION = (
    b"NOOP\r\nDATA\r\n.\r\nDATA\r\nNOOP\r\n..\r\n\n.\r\r\n.\r\nNOOP\r\nDATA\r\n\r\n.\r\n"
    b"DATA\r\n.a\r\n.\r\n.\r\n"
)
ANSWERS = (
    OK + GO + stored(0) + GO + stored(len(b"NOOP\r\n..\r\n\n.\r")) + OK + GO + stored(0)
    + GO + stored(2) + b"500 what?\r\n"
)  # fmt: skip


def test_mails() -> None:
    """A text ends at its dot; a dot right after DATA ends a text of no bytes."""
    peer = talk_of(MAIL)
    assert peer.hear() == HELLO
    peer.say(SESSION)
    assert peer.hear() == ANSWERS


@pytest.mark.parametrize("place", range(len(SESSION)))
def test_mails_cut_anywhere(place: int) -> None:
    """Bytes that have been read before the state changed count in the new framing."""
    peer = talk_of(MAIL)
    peer.say(*cut(SESSION, {place}))
    assert peer.hear() == HELLO + ANSWERS


def test_texts_of_both_kinds() -> None:
    """Where heads may say how much follows, the end of one that does not still counts."""
    framing = r"""framing = { head = "line:ending=crlf", length = '^BDAT (?P<length>\d+)$' }"""
    chunks = MAIL.replace('framing = "line:ending=crlf"', framing)
    rule = '{ when.starts_with = "BDAT", next_state = "text", reply = "more" }'
    chunks = chunks.replace("rules = [", f"rules = [{rule},")
    wire = b"DATA\r\n.\r\nBDAT 2\r\nab.\r\n\r\n.\r\nBDAT 2\r\n\r\n.\r\nx\r\n.\r\nDATA\r\n.\r\n"
    more = b"more\r\n"
    for place in range(len(wire)):
        peer = talk_of(chunks)
        peer.say(*cut(wire, {place}))
        heard = HELLO + GO + stored(0) + more + stored(3) + more + stored(4) + GO + stored(0)
        assert peer.hear() == heard


def test_mails_byte_by_byte() -> None:
    """The same in single bytes."""
    peer = talk_of(MAIL)
    for byte in SESSION:
        peer.say(bytes([byte]))
    assert peer.hear() == HELLO + ANSWERS


@pytest.mark.parametrize(
    "limits",
    [PeerLimits(messages=Rate(1, 1)), PeerLimits(bytes=Rate(3, 7)), PeerLimits(bytes=Rate(99, 99))],
)
@pytest.mark.parametrize("exact", [False, True])
def test_behind_limits_of_the_peer(limits: PeerLimits, exact: bool) -> None:
    """What waits for its turn is cut as the state has it when its turn has come."""
    log = NotingLog()
    log.exact = exact
    peer = talk_of(MAIL, WireTalk, exchanges=log, per_peer=limits, message_timeout=0)
    assert isinstance(peer, WireTalk)
    peer.say(SESSION)
    heard = b""
    for _ in range(70):
        heard += peer.hear_all()
        peer.clock.advance(1)
        peer.clock.turn(2)
    peer.close()
    assert heard == HELLO + ANSWERS


@pytest.mark.parametrize("limits", [None, PeerLimits(messages=Rate(99, 99))])
def test_the_record_has_every_byte(limits: PeerLimits | None) -> None:
    """Each message has its bytes on the wire, wherever the framing changed."""
    lines = Lines(Clock())
    exchanges = RecordedExchanges(NotingLog(), lines)
    peer = talk_of(MAIL, exchanges=exchanges, per_peer=limits)
    peer.say(*cut(SESSION + b"DATA\r\nleft", set(range(0, len(SESSION), 7))))
    peer.leave()
    requests = [each["request"] for each in lines.all if "request" in each]
    assert b"".join(map(wire, requests)) == SESSION + b"DATA\r\nleft"
    assert wire(requests[-1]) == b"left"
    assert [each["at"] for each in requests][:4] == [0, 6, 12, 15]
    replies = [wire(each) for line in lines.all for each in line.get("replies", ())]
    assert b"".join(replies) == peer.hear() == HELLO + ANSWERS + GO


@pytest.mark.parametrize("rest", [b"", b".", b".\r", b"text", b"text\r\n.\r"])
def test_half_close_in_a_text(rest: bytes) -> None:
    """The message before it is answered, and what has no end is reported as lost."""
    peer = talk_of(MAIL)
    peer.say(b"DATA\r\n" + rest)
    peer.finish_sending()
    assert peer.hear() == HELLO + GO
    assert peer.transport.disconnecting
    assert peer.counters.errors["truncated"] == bool(rest)


def test_half_close_that_ends_a_message() -> None:
    """The end of the stream ends the message of a state whose framing is `eof`."""
    text = MAIL.replace(r"delimited:end=\r\n.\r\n,reply_end=\r\n", "eof")
    for early in (True, False):
        peer = talk_of(text)
        if early:
            peer.say(b"DATA\r\nall of it")
        else:
            peer.say(b"DATA\r\n", b"all of", b" it")
        assert peer.hear() == HELLO + GO
        peer.finish_sending()
        assert peer.hear() == b"250 9 bytes"
        assert peer.transport.disconnecting


def test_drain_in_a_text() -> None:
    """A service that stops answers what has come, and drops the text that has no end."""
    peer = talk_of(MAIL.replace('reply = "354 go on"', 'reply = [{ delay = 1 }, "354 go on"]'))
    peer.say(b"DATA\r\ntext\r\n.\r\nNOOP\r\nDATA\r\ntext")
    peer.factory.roster.drain(30)
    peer.clock.advance(1)
    assert peer.hear() == HELLO + GO + stored(4) + OK
    peer.clock.advance(1)
    assert peer.hear() == GO
    assert peer.transport.disconnecting
    assert peer.counters.errors["truncated"] == 1


def test_silence_ends_the_message_of_a_state() -> None:
    """A state may have a framing that waits for silence, and the next may not."""
    peer = talk_of(MAIL.replace(r"delimited:end=\r\n.\r\n,reply_end=\r\n", "gap:seconds=0.5"))
    peer.say(b"DATA\r\nall of it")
    peer.clock.advance(0.4)
    assert peer.hear() == HELLO + GO
    peer.clock.advance(0.1)
    assert peer.hear() == b"250 9 bytes"
    peer.say(b"NOOP\r\n")
    assert peer.hear() == OK


def test_drain_before_a_state_that_waits_for_silence() -> None:
    """A service that stops waits for nothing more: what has come of the message is all of it."""
    text = MAIL.replace(r"delimited:end=\r\n.\r\n,reply_end=\r\n", "gap:seconds=0.5")
    peer = talk_of(text.replace('reply = "250 ok"', 'reply = [{ delay = 1 }, "250 ok"]'))
    peer.say(b"NOOP\r\nDATA\r\nall of it")
    peer.factory.roster.drain(30)
    peer.clock.advance(1)
    assert peer.hear() == HELLO + OK + GO + b"250 9 bytes"
    assert peer.transport.disconnecting


def test_steps_and_what_is_unasked() -> None:
    """A reply is framed as its message, to its last step; what is unasked, as the state is now."""
    peer = talk_of("""
        framing = "line"
        initial_state = "a"
        states.a.framing = "delimited:end=;"
        states.b.framing = "length:bytes=1"
        rules = [
            { state = "a", next_state = "b", reply = ["1", { delay = 1 }, { drip = "2" }] },
            { state = "b", next_state = "c", reply = { truncate = { echo = true }, at = 2 } },
            { state = "c", next_state = "a", reply = [{ delay = 1 }, "4"] },
        ]
        greeting = "hi"
    """)
    peer.say(b"x;\3")
    peer.session.send(b"news")
    assert peer.hear() == b"hi;1;"
    peer.clock.advance(1)
    peer.clock.advance(0.05)
    assert peer.hear() == b"2;\4news"
    peer.say(b"abcline\n;")
    assert peer.hear() == b"\3a"
    peer.session.send(b"news")
    peer.clock.advance(1)
    assert peer.hear() == b"4\nnews;1;"


def test_a_list_in_a_state() -> None:
    """A state may have a list; then each message has the framing of its entry."""
    peer = talk_of("""
        framing = "line"
        rules = [
            { state = "start", next_state = "both", reply = "go" },
            { when.equals = "back", next_state = "start", reply = "went" },
            { reply.echo = true },
        ]
        [[services.s.states.both.framing]]
        starts_with = "#"
        framing = "length:bytes=1,offset=1,strip=no"
        [[services.s.states.both.framing]]
        framing = "delimited:end=;"
    """)
    peer.say(b"x\n#\2abc;#\1dback;x\n#\1e")
    assert peer.hear() == b"go\n#\2abc;#\1dwent;go\n#\1e"
    for byte in b"back;x\n#\2abc;":
        peer.say(bytes([byte]))
    assert peer.hear() == b"went;go\n#\2abc;"


def test_a_late_line_end_belongs_to_the_value_before_it() -> None:
    """The line end after a JSON value is part of its end, also where lines come next."""
    text = """
        framing = "line:ending=any"
        rules = [
            { state = "value", next_state = "start", reply = "got" },
            { next_state = "value", reply = "go" },
        ]
        states.value.framing = "json"
    """
    wire, answers = b"x\n{}\ny\r{}\r\n\n{}z\n[]\r\r", b"go\r\ngot\n" * 4 + b"go\r\n"
    for place in range(len(wire)):
        peer = talk_of(text)
        peer.say(*cut(wire, {place}))
        assert peer.hear() == answers
    peer = talk_of(text)
    for byte in wire:
        peer.say(bytes([byte]))
    assert peer.hear() == answers


def test_a_text_that_is_too_long() -> None:
    """Each framing keeps to the longest message."""
    peer = talk_of(f"max_message = 8\n{MAIL.replace('354 go on', '354')}")
    peer.say(b"DATA\r\n12345678\r\n.\r\nDATA\r\n123456789")
    assert peer.hear() == HELLO + b"354\r\n" + stored(8) + b"354\r\n"
    assert peer.counters.errors["too_long"] == 1


PARTS = [b"NOOP\r\n", b"DATA\r\n", b".\r\n", b"\r\n.\r\n", b"a", b"\r\n", b"..\r\n"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=12).map(b"".join), st.data())
def test_any_dialogue_however_cut(wire: bytes, data: st.DataObject) -> None:
    """What is answered does not depend on the reads, and nothing is left that is a message."""
    whole, pieces = Mail(), Mail()
    if wire:
        whole.say(wire)
        pieces.say(*cut(wire, data.draw(st.sets(st.integers(0, len(wire))))))
    assert pieces.hear() == whole.hear()
    assert pieces.session.count == whole.session.count


_MAIL = talk_of(MAIL)


class Mail(Talk):
    """One more client of the mail service."""

    def __init__(self) -> None:
        self.clock, self.factory = _MAIL.clock, _MAIL.factory
        self.protocol = self.factory.buildProtocol(None)
        self.session = self.protocol.session
        self.connect()
