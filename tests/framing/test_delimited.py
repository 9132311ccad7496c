"""What only the framings with marks do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sockreply.errors import MessageTooLong
from sockreply.framing import Delimited, Enclosed, Line, parse_framing

CUTS_APART = 4096
"""From this limit on, messages that came together are cut apart at once."""


def test_messages_wait_to_be_asked_for() -> None:
    """Messages are handed out one at a time, and good ones before a bad one."""
    framer = Line().framer(3)
    framer.receive_data(b"one\ntwo\nthree\n")
    assert (framer.next_message(), framer.buffered) == (b"one", 10)
    assert (framer.next_message(), framer.buffered) == (b"two", 6)
    for _ in range(2):
        with pytest.raises(MessageTooLong):
            framer.next_message()
        assert (framer.rest(), framer.buffered) == (b"three\n", 6)  # so that it can be told


def test_reads_may_come_before_messages_are_asked_for() -> None:
    """A second read joins what was not yet asked for of the first, however long either is."""
    for first, second in ((b"one\ntw", b"o\n"), (b"o", b"ne\ntwo\n"), (b"one\n", b"two\n")):
        framer = Line().framer(100)
        framer.receive_data(first)
        framer.receive_data(second)
        assert list(iter(framer.next_message, None)) == [b"one", b"two"]
        assert framer.buffered == 0


def test_a_message_is_bytes_of_its_own() -> None:
    """What was handed out does not change with what comes later."""
    framer = Line().framer(100)
    for read in (b"on", b"e", b"\n"):
        framer.receive_data(read)
    one = framer.next_message()
    framer.receive_data(b"two\n")
    assert (type(one), one) == (bytes, b"one")


def test_no_silence_and_nothing_dropped() -> None:
    """Marks end messages, silence does not; all bytes belong to messages."""
    for framing in (Line(), Delimited(b"\0")):
        framer = framing.framer(10)
        assert (framer.silence, framer.dropped, framing.one_message_each_way) == (None, 0, False)


def test_line_of_the_longest_size_waits_for_its_end() -> None:
    """At the limit a CR may still be part of the line's end; a second one is not."""
    framer = Line().framer(4)
    for read in (b"1234", b"\r"):
        framer.receive_data(read)
        assert framer.next_message() is None
    framer.receive_data(b"\r")
    with pytest.raises(MessageTooLong):
        framer.next_message()


def test_delimited_of_the_longest_size_waits_for_its_end() -> None:
    """At the limit each byte of the mark may come by itself; any other is one too many."""
    framer = Delimited(b"\r\n.\r\n").framer(4)
    for octet in b"1234\r\n.\r":
        framer.receive_data(bytes([octet]))
        assert framer.next_message() is None
    framer.receive_data(b"\r")
    with pytest.raises(MessageTooLong):
        framer.next_message()


def test_too_long_before_its_end_comes() -> None:
    """Nobody has to send the end of a message for it to be too long."""
    for framing in (Line(), Delimited(b"END"), Enclosed(b"1", b"END")):
        framer = framing.framer(4)
        framer.receive_data(b"123456")
        with pytest.raises(MessageTooLong):
            framer.next_message()


def test_delimited_mirrored() -> None:
    """The client ends requests as the server expects and expects its replies' end."""
    server = Delimited(b";", b"\r\n")
    assert server.frame(b"reply") == b"reply\r\n"
    assert server.mirrored() == Delimited(b"\r\n", b";")
    assert server.mirrored().frame(b"request") == b"request;"
    assert Delimited(b";").mirrored() == Delimited(b";")


def test_delimited_mirrored_without_an_end() -> None:
    """Where nothing ends the replies the client takes each read for one, as `chunk` does."""
    client = Delimited(b";", b"").mirrored()
    assert client.frame(b"request") == b"request;"
    framer = client.framer(4)
    for read in (b"re;p", b"ly"):
        framer.receive_data(read)
    assert list(iter(framer.next_message, None)) == [b"re;p", b"ly"]


@settings(max_examples=300)
@given(
    spec=st.sampled_from(["line", "delimited:end=;", "delimited:end=;;", r"delimited:end=\n;"]),
    parts=st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", b";", b"bb" * 60]), max_size=20),
    times=st.integers(1, 200),
    reads=st.integers(1, 3),
)
def test_many_at_once(spec: str, parts: list[bytes], times: int, reads: int) -> None:
    """Messages that are cut apart many at once are those, one by one, that would be found singly.

    Nor is any less said to be buffered.
    """
    wire = b"".join(parts) * times
    at_once = parse_framing(spec).framer(CUTS_APART)
    singly = parse_framing(spec).framer(CUTS_APART - 1)
    size = len(wire) // reads + 1
    for start in range(0, len(wire), size):
        at_once.receive_data(wire[start : start + size])
        singly.receive_data(wire[start : start + size])
        message: bytes | None = b""
        while message is not None:
            try:
                message = singly.next_message()
            except MessageTooLong:
                return  # here the two limits differ
            assert at_once.next_message() == message
            assert at_once.buffered == singly.buffered


def test_read_that_ends_in_an_overlapping_mark() -> None:
    """A mark that overlaps with the one before it does not end a message."""
    framer = Delimited(b"abxyab").framer(99)
    assert framer.take(b"abxyabxyab") is None
    assert framer.take(b"1abxyab2abxyab") == [b"1", b"2"]
