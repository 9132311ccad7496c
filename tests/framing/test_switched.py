"""Framings that a connection exchanges for others, and messages that know theirs."""

from __future__ import annotations

import pytest

from sockreply.framing import Choice, Entry, Framing, Message, Switched, parse_framing
from sockreply.framing.buffer import hand_over
from sockreply.masks import Mask

LINE = parse_framing("line")
SPECS = (
    *("line", r"delimited:end=\0", "length:bytes=1", "fixed:size=3", "chunk"),
    *("gap:seconds=1", "eof", "enclosed:start=<,end=>"),
)


def framer_of(begins: Framing, otherwise: Framing = LINE, most: int = 100):  # type: ignore[no-untyped-def]  # it has more methods than Framer
    """A framer that can be switched."""
    return Switched(begins, otherwise).framer(most)


def test_a_message_is_its_bytes() -> None:
    """A message can be used in the place of its bytes, and may know more."""
    plain, told = Message(b"abc"), Message(b"abc", framing=LINE, facts={"end": b"\3"})
    assert plain == told == b"abc"
    assert {b"abc": 1}[told] == 1
    assert (plain.framing, dict(plain.facts)) == (None, {})
    assert (told.framing, told.facts["end"]) == (LINE, b"\3")


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("before", ["line", r"delimited:end=\n", "fixed:size=2", "chunk"])
def test_what_was_not_handed_out_goes_on(before: str, spec: str) -> None:
    """The framing after a switch gets all bytes that are not part of an earlier message."""
    start = {"fixed:size=2": b"ab"}.get(before, b"ab\n")
    rest = b"3:abc,<x>\n\0yz"
    whole = parse_framing(spec).framer(100)
    whole.receive_data(rest)
    expected = list(iter(whole.next_message, None))
    for cut in range(len(rest) + 1) if before != "chunk" else [0]:
        framer = framer_of(parse_framing(before))
        framer.receive_data(start + rest[:cut])
        assert framer.next_message() == start.rstrip(b"\n") or before == "chunk"
        framer.switch(parse_framing(spec))
        assert framer.buffered == cut
        assert framer.rest() == rest[:cut]
        if spec == "chunk" and 0 < cut < len(rest):
            continue  # its messages are reads
        if rest[cut:]:
            framer.receive_data(rest[cut:])
        assert list(iter(framer.next_message, None)) == expected
        assert framer.rest() == whole.rest()


@pytest.mark.parametrize("spec", ["line:ending=any", "line:ending=any,telnet=strip", "json"])
@pytest.mark.parametrize("late", [(b"\n",), (b"\r", b"\n"), (b"\r\n",), (b"\n1",)])
def test_a_late_end_that_comes_before_the_switch(spec: str, late: tuple[bytes, ...]) -> None:
    """It belongs to the message before also if that is answered, and so the switch made, later."""
    framer = framer_of(parse_framing(spec), parse_framing("fixed:size=1"))
    if spec == "json":
        framer.receive_data(b"{}")
    else:
        framer.receive_data(b"{}\r")
        late = tuple(each.removeprefix(b"\r") for each in late)
    assert framer.next_message() == b"{}"
    for each in filter(None, late):
        framer.receive_data(each)
    framer.switch(None)
    framer.receive_data(b"2")
    expected = b"12" if late[-1].endswith(b"1") else b"2"
    assert b"".join(iter(framer.next_message, None)) == expected


def test_lines_cut_ahead_are_put_back() -> None:
    """Lines that were found together with the last message are bytes again after a switch."""
    framer = framer_of(LINE, LINE, most=10_000)
    framer.receive_data(b"one\r\ntwo\r\nthree\r\nfour")
    assert framer.next_message() == b"one"
    framer.switch(parse_framing("fixed:size=5"))
    assert list(iter(framer.next_message, None)) == [b"two\r\n", b"three", b"\r\nfou"]
    assert framer.rest() == b"r"


def test_switch_without_a_framing_leads_back() -> None:
    """None stands for the framing that holds if none is named, and the answer says which holds."""
    fixed = parse_framing("fixed:size=1")
    framer = framer_of(fixed)
    assert framer.switch(None) is LINE
    framer.receive_data(b"ab\n")
    assert framer.next_message() == b"ab"
    assert framer.switch(fixed) is fixed
    assert framer.switch(fixed) is fixed


def test_a_message_knows_its_framing() -> None:
    """Each message is handed out with the framing in which it came."""
    fixed = parse_framing("fixed:size=1")
    framer = framer_of(LINE)
    framer.receive_data(b"ab\ncd")
    first = framer.next_message()
    framer.switch(fixed)
    assert first.framing is LINE
    assert framer.next_message().framing is fixed


def test_the_end_of_the_stream_is_told_to_the_next_framing() -> None:
    """A half-close that came before the switch ends a message after it."""
    framer = framer_of(LINE)
    framer.receive_data(b"one\nrest of it")
    assert framer.next_message() == b"one"
    framer.receive_eof()
    framer.switch(parse_framing("eof"))
    assert framer.next_message() == b"rest of it"


def test_dropped_bytes_add_up() -> None:
    """Bytes outside messages count in every framing that a connection had."""
    framer = framer_of(parse_framing("enclosed:start=<,end=>"))
    framer.receive_data(b"xx<a>yyy<b>")
    assert framer.next_message() == b"a"
    framer.switch(parse_framing("enclosed:start=<,end=b>"))
    assert framer.next_message() == b""
    assert framer.dropped == 5


def test_hand_over_to_a_framer_that_keeps_no_buffer() -> None:
    """Framers of any kind can go on where another one stopped."""
    before, after = LINE.framer(100), parse_framing("gap").framer(100)
    before.receive_data(b"rest")
    hand_over(before, after)
    assert after.rest() == b"rest"


DOT = parse_framing(r"delimited:end=\r\n.\r\n")
BODIES = [
    (LINE, b"DATA\r\n", DOT, b".\r\nQUIT\r\n", [b"", b"QUIT"]),
    (LINE, b"DATA\r\n", DOT, b".\r\n.\r\n\r\n.\r\n", [b"", b".", b"", b"."]),
    (LINE, b"DATA\r\n", DOT, b"\r\n.\r\nQUIT\r\n", [b"", b"QUIT"]),
    (LINE, b"DATA\r\n", DOT, b"..\r\na\r\n.\r\nQUIT\r\n", [b"..\r\na", b"QUIT"]),
    (LINE, b"DATA\r\n", DOT, b"a\r\n.\r\n.\r\nQUIT\r\n", [b"a", b".", b"QUIT"]),
    (LINE, b"GET\n", parse_framing(r"delimited:end=\n\n"), b"\nQUIT\n", [b"", b"QUIT"]),
    (LINE, b"GET\n", parse_framing(r"delimited:end=\n\n"), b"a\n\nQUIT\n", [b"a", b"QUIT"]),
    (LINE, b"GET\n", parse_framing("delimited:end=;"), b";QUIT\n", [b"", b"QUIT"]),
    (parse_framing("netstring"), b"1:a,", DOT, b".\r\na\r\n.\r\n", [b".\r\na"]),
    (parse_framing("delimited:end=;"), b"a;", DOT, b".\r\na\r\n.\r\n", [b".\r\na"]),
    (parse_framing(r"delimited:end=aab"), b"aab", parse_framing("delimited:end=ba"), b"aab", [b""]),
    (parse_framing(r"enclosed:start=<,end=\n"), b"<\n", DOT, b".\r\na\r\n.\r\n", [b".\r\na"]),
    (
        Choice((Entry(parse_framing("fixed:size=1"), (Mask(b"a"),)), Entry(LINE))),
        b"DATA\r\n",
        Choice((Entry(DOT),)),
        b".\r\nQUIT\r\n",
        [b"", b"QUIT"],
    ),
]


@pytest.mark.parametrize(("first", "begin", "then", "wire", "messages"), BODIES, ids=repr)
def test_the_end_of_the_message_before_counts(
    first: Framing, begin: bytes, then: Framing, wire: bytes, messages: list[bytes]
) -> None:
    """What ended it may be the beginning of the first end mark after the switch, and only there."""
    for cut in range(len(wire) + 1):
        framer = framer_of(first)
        framer.receive_data(begin + wire[:cut])
        framer.next_message()
        framer.switch(then)
        if wire[cut:]:
            framer.receive_data(wire[cut:])
        found = [framer.next_message()]
        framer.switch(None)  # the line after the text
        assert [*found, *iter(framer.next_message, None)] == messages


@pytest.mark.parametrize("spec", ["line:ending=any", "line:ending=any,telnet=strip"])
@pytest.mark.parametrize("reads", [[b"\n", b"\n\0a"], [b"\0\n\0a"], [b"\n\n\0", b"a"]], ids=repr)
def test_the_late_end_of_a_line_is_dropped_after_a_switch(spec: str, reads: list[bytes]) -> None:
    """What belongs to the line before is nothing to the next framing, and only one byte does."""
    framer = framer_of(parse_framing(spec))
    framer.receive_data(b"DATA\r")
    assert framer.next_message() == b"DATA"
    framer.switch(parse_framing("chunk"))
    found: list[bytes] = []
    for read in reads:
        framer.receive_data(read)
        found += iter(framer.next_message, None)
    assert b"".join(found) == b"\n\0a"
    assert b"" not in found


@pytest.mark.parametrize("spec", ["line:ending=any", "line:ending=any,telnet=strip"])
@pytest.mark.parametrize("end", [b"\r\n", b"\r\0", b"\n"])
def test_the_whole_end_of_a_line_is_gone_before_a_switch(spec: str, end: bytes) -> None:
    """What came together with its CR is no more part of what comes next than the CR is."""
    framer = framer_of(parse_framing(spec))
    framer.receive_data(b"DATA" + end + b"\n\0a")
    assert framer.next_message() == b"DATA"
    framer.switch(parse_framing("chunk"))
    assert framer.next_message() == b"\n\0a"


def test_a_mark_that_may_have_begun_is_incomplete() -> None:
    """Until all of it is there, its bytes are left over, and nothing else is a message."""
    framer = framer_of(LINE)
    framer.receive_data(b"DATA\r\n.\r")
    framer.next_message()
    framer.switch(DOT)
    assert framer.next_message() is None
    assert (framer.buffered, framer.missing()) == (2, r"no '\r\n.\r\n' yet")
    framer.receive_data(b"x\r\n.\r\n")
    assert framer.next_message() == b".\rx"


def test_nothing_ended_before_the_first_message() -> None:
    """At the beginning of a connection, an end mark has to be there as a whole."""
    framer = framer_of(LINE)
    framer.receive_data(b".\r\na\r\n.\r\n")
    framer.switch(DOT)
    assert framer.next_message() == b".\r\na"


def test_nothing_is_cut_before_it_is_asked_for() -> None:
    """The bytes of a read are handed from framing to framing without a copy."""
    wire = b"ab\ncdef" * 100
    framer = framer_of(LINE, most=10_000)
    framer.receive_data(wire)
    for _ in range(99):
        assert framer.next_message() == b"ab"
        framer.switch(parse_framing("fixed:size=4"))
        assert framer.next_message() == b"cdef"
        framer.switch(None)
        assert framer._framer._data is wire
    assert framer.ready == ()
