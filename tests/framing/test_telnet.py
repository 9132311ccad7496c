"""Telnet commands among lines: what is removed, what is refused, and what that costs."""

from __future__ import annotations

from itertools import product

import pytest

from sockreply.errors import MessageTooLong
from sockreply.framing import Line, Switched, parse_framing
from sockreply.framing.telnet import TelnetFramer
from sockreply.replies import Raw, Reply, Wait
from tests.framing.table import TEN_ROWS
from tests.observing.test_record import RecordedTalk, wire
from tests.server.stand_ins import Talk

TELNET = Line(telnet=True)
USER = Line(None, telnet=True)

WILL_NAWS, DO_ECHO = b"\xff\xfb\x1f", b"\xff\xfd\x01"
DONT_NAWS, WONT_ECHO = b"\xff\xfe\x1f", b"\xff\xfc\x01"


def answers_to(*reads: bytes) -> list[bytes]:
    """What is said after each read."""
    framer, said = TelnetFramer(100), []
    for read in reads:
        framer.receive_data(read)
        list(iter(framer.next_message, None))
        said.append(framer.said())
    return said


def test_requests_are_refused() -> None:
    """DO is answered with WONT and WILL with DONT, between lines and in them."""
    assert answers_to(DO_ECHO + WILL_NAWS, b"a" + DO_ECHO[:-1] + b"\x03b\n", b"\xff\xfb\x18") == [
        WONT_ECHO + DONT_NAWS,
        b"\xff\xfc\x03",
        b"\xff\xfe\x18",
    ]


def test_an_option_is_refused_once_each_way() -> None:
    """Repeated requests get no second answer, so that nobody answers answers for ever."""
    same = b"\xff\xfb\x01"
    assert answers_to(DO_ECHO, DO_ECHO * 3, same, b"x\n" + same + DO_ECHO) == [
        WONT_ECHO,
        b"",
        b"\xff\xfe\x01",
        b"",
    ]


def test_everything_asked_for_is_refused_once() -> None:
    """However much is asked for, there are 512 answers, and nothing but them is remembered."""
    everything = b"".join(bytes((0xFF, *pair)) for pair in product((0xFB, 0xFD), range(256)))
    first, second = answers_to(everything, everything * 100)
    assert (len(first), second) == (3 * 512, b"")
    assert set(first[1::3]) == {0xFC, 0xFE}


def test_nothing_else_is_answered() -> None:
    """Refusals, subnegotiations, whatever is in them, and other commands are only removed."""
    others = b"".join(bytes((0xFF, code)) for code in range(0xEC, 0xFA))
    quiet = (
        b"\xff\xfc\x01\xff\xfe\x01" + TEN_ROWS + b"\xff\xfa\x18\xff\xff\xfd\x01\xff\xf0" + others
    )
    assert answers_to(quiet, b"a" + quiet + b"\n", b"a\xff\xff\xfd\x01\n") == [b"", b"", b""]


def test_an_option_may_be_any_byte() -> None:
    """LF, CR and FF are options too, of the extended list for example (RFC 861)."""
    requests = b"\xff\xfd\n\xff\xfb\r\xff\xfd\xff"
    for cut in range(len(requests)):
        assert (
            b"".join(answers_to(requests[:cut], requests[cut:]))
            == b"\xff\xfc\n\xff\xfe\r\xff\xfc\xff"
        )


def test_subnegotiation_with_an_odd_end() -> None:
    """A byte FF that is not doubled is data, and another command ends the subnegotiation."""
    framer = TelnetFramer(100)
    framer.receive_data(
        b"\xff\xfa\x1f\x00\xff\x00\x18\xff\xf0a\n\xff\xfa\x18\x00" + DO_ECHO + b"b\n"
    )
    assert list(iter(framer.next_message, None)) == [b"a", b"b"]
    assert framer.said() == WONT_ECHO


@pytest.mark.parametrize("before", [b"", b"text"])
def test_subnegotiation_without_an_end(before: bytes) -> None:
    """It is too long before it fills the memory, and long before any line."""
    framer = TelnetFramer(1000)
    framer.receive_data(before + b"\xff\xfa\x1f")
    for _ in range(999 - len(before) - 2 * bool(before)):
        framer.receive_data(b"\n")
        assert framer.next_message() is None
    framer.receive_data(b"\n\n")
    with pytest.raises(MessageTooLong):
        framer.next_message()


@pytest.mark.parametrize("filling", [b"x", b"\xff\xff", b"\xff\xf1", b"\xff\xfa\n"])
@pytest.mark.parametrize("any_ending", [True, False])
def test_no_byte_is_looked_at_again(filling: bytes, any_ending: bool) -> None:
    """However a long line comes, and whatever it is made of, each search goes on after the last."""
    framer = TelnetFramer(1 << 20, any_ending=any_ending)
    framer.receive_data(b"a")
    for _ in range(2000):
        for byte in filling:
            framer.receive_data(bytes([byte]))
            assert framer.next_message() is None
            assert framer.buffered - framer._searched <= 2


def test_commands_between_lines_begin_no_message() -> None:
    """A peer that negotiates, and then thinks about its name, is not cut off."""
    peer = Talk(framing=TELNET, message_timeout=5, idle_timeout=60)
    peer.say(DO_ECHO, TEN_ROWS)
    peer.clock.advance(0)
    assert peer.hear() == WONT_ECHO
    peer.clock.advance(50)
    assert not peer.transport.aborted
    peer.say(b"admin\n")
    assert peer.hear() == b"admin\n"
    assert peer.counters.dropped_bytes == 0


def test_refusals_go_between_replies() -> None:
    """What the framing says is never inside a reply, and FF is doubled in messages only."""
    peer = Talk(lambda message, _: Reply(message, Wait(1.0), Raw(b"\xff\xf9")), TELNET)
    peer.say(b"a\xff\xff\n" + DO_ECHO + b"b\n")
    for _ in range(4):
        peer.clock.advance(1.0)
    assert peer.hear() == b"a\xff\xff\n\xff\xf9b\n\xff\xf9" + WONT_ECHO


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_record_of_a_telnet_client(size: int) -> None:
    """The bytes of commands are recorded in their place, with the next line or without one."""
    talk = RecordedTalk(more={"framing": "line:ending=any,telnet=strip"})
    stream = DO_ECHO + TEN_ROWS + b"ad" + WILL_NAWS + b"min\r\0\xff\xffb\r" + DO_ECHO
    for start in range(0, len(stream), size):
        talk.say(stream[start : start + size])
        talk.clock.advance(0)
    talk.leave()
    places = [line["request"] for line in talk.all("exchange")] + talk.all("dropped")
    places.sort(key=lambda place: place["at"])
    assert b"".join(map(wire, places)) == stream
    sent = [wire(reply) for line in talk.writer.all for reply in line.get("replies", ())]
    assert b"".join(sent) == talk.hear()
    answers = WONT_ECHO, DONT_NAWS, b"admin\r\n", b"\xff\xffb\r\n"
    assert sorted(b"".join(sent)) == sorted(b"".join(answers))


def test_late_end_after_a_switch() -> None:
    """An LF that comes after another framing took over still belongs to its line."""
    fixed = parse_framing("fixed:size=1")
    framer = Switched(USER, USER, (fixed,)).framer(100)
    framer.receive_data(b"go\r")
    assert framer.next_message() == b"go"
    framer.switch(fixed)
    framer.receive_data(b"\n")
    assert (framer.next_message(), framer.said()) == (None, b"")


@pytest.mark.parametrize(
    ("reads", "missing"),
    [
        (b"\xff", "a telnet command is not complete"),
        (b"\xff\xfd", "a telnet command is not complete"),
        (TEN_ROWS[:-1], "no IAC SE yet, the end of a telnet subnegotiation"),
        (b"a" + TEN_ROWS[:-1], "no IAC SE yet, the end of a telnet subnegotiation"),
        (b"a", "no LF yet"),
    ],
)
def test_missing(reads: bytes, missing: str) -> None:
    """What is incomplete is named."""
    framer = TelnetFramer(100)
    framer.receive_data(reads)
    assert framer.next_message() is None
    assert framer.missing() == missing
