"""What only the framings do whose messages nothing in the bytes marks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockreply.errors import MessageTooLong
from sockreply.framing import Chunk, Eof, Framing, Gap


@given(st.lists(st.binary(min_size=1), max_size=6))
def test_chunk_is_a_read(reads: list[bytes]) -> None:
    """Each read is a message, whether it is asked for at once or later."""
    framer = Chunk().framer(100)
    at_once = []
    for read in reads:
        framer.receive_data(read)
        at_once.append(framer.next_message())
    assert at_once == reads
    for read in reads:
        framer.receive_data(read)
    assert framer.buffered == sum(map(len, reads))
    assert list(iter(framer.next_message, None)) == reads


@given(st.lists(st.binary(min_size=1), max_size=4), st.integers(1, 10))
def test_chunk_is_cut_at_the_limit(reads: list[bytes], limit: int) -> None:
    """A longer read gives several messages, and never one with the bytes of two reads."""
    framer = Chunk().framer(limit)
    for read in reads:
        framer.receive_data(read)
    parts = [read[at : at + limit] for read in reads for at in range(0, len(read), limit)]
    for number, part in enumerate(parts):
        assert framer.buffered == sum(map(len, parts[number:]))
        assert framer.next_message() == part
    assert framer.next_message() is None
    assert framer.buffered == 0


def test_chunk_ends_with_nothing() -> None:
    """The end of the stream and silence add no message."""
    framer = Chunk().framer(10)
    framer.receive_eof()
    framer.receive_silence()
    assert framer.next_message() is None
    assert (framer.silence, framer.dropped, Chunk().one_message_each_way) == (None, 0, False)


@given(st.lists(st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=3), max_size=4))
def test_gap_ends_with_silence(messages: list[list[bytes]]) -> None:
    """What came up to a silence is a message, in as many reads as it came."""
    framer = Gap().framer(27)
    received = []
    for reads in messages:
        for read in reads:
            framer.receive_data(read)
            assert framer.next_message() is None
        framer.receive_silence()
        received.append(framer.next_message())
    assert received == [b"".join(reads) for reads in messages]
    assert framer.buffered == 0


def test_gap_keeps_messages_until_asked() -> None:
    """Messages that were not asked for stay apart, in order, and count as held."""
    framer = Gap().framer(10)
    for read in (b"one", b"two"):
        framer.receive_data(read)
        framer.receive_silence()
    framer.receive_data(b"three")
    assert framer.buffered == 11
    assert list(iter(framer.next_message, None)) == [b"one", b"two"]
    assert framer.buffered == 5
    framer.receive_eof()
    assert framer.next_message() == b"three"
    assert framer.buffered == 0


def test_silence_without_bytes_is_no_message() -> None:
    """A line that stays silent says nothing."""
    framer = Gap().framer(10)
    framer.receive_silence()
    framer.receive_eof()
    assert framer.next_message() is None


@pytest.mark.parametrize("framing", [Gap(), Eof()])
def test_too_long_before_its_end_comes(framing: Framing) -> None:
    """The byte after the last that may come is told at once, and so it is after the end."""
    framer = framing.framer(4)
    framer.receive_data(b"1234")
    assert framer.next_message() is None
    framer.receive_data(b"5")
    for end in (lambda: None, framer.receive_eof):
        end()
        with pytest.raises(MessageTooLong):
            framer.next_message()


def test_gap_gives_good_messages_before_a_bad_one() -> None:
    """A message that is too long takes no earlier one with it."""
    framer = Gap().framer(4)
    framer.receive_data(b"good")
    framer.receive_silence()
    framer.receive_data(b"too long")
    framer.receive_silence()
    assert framer.next_message() == b"good"
    with pytest.raises(MessageTooLong):
        framer.next_message()


def test_gap_tells_its_silence() -> None:
    """The seconds of the spec are what the protocol is asked to wait for."""
    assert Gap().framer(10).silence == 0.05
    assert Gap(2.5).framer(10).silence == 2.5
    assert not Gap().one_message_each_way


def test_eof_ends_with_the_stream_only() -> None:
    """However long a peer pauses, its message is what it sends until it half-closes."""
    framer = Eof().framer(10)
    assert (framer.silence, framer.dropped, Eof().one_message_each_way) == (None, 0, True)
    for read in (b"one\n", b"\n", b"two"):
        framer.receive_data(read)
        assert framer.next_message() is None
    assert framer.buffered == 8
    framer.receive_eof()
    assert framer.next_message() == b"one\n\ntwo"
    assert (framer.next_message(), framer.buffered) == (None, 0)


def test_a_stream_without_bytes_is_no_message() -> None:
    """A peer that only opens and ends its side asked nothing."""
    framer = Eof().framer(10)
    framer.receive_eof()
    assert framer.next_message() is None
