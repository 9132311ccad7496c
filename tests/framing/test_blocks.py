"""Lines that contain blocks of any bytes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sockreply.errors import MessageTooLong
from sockreply.framing import Line
from sockreply.framing.blocks import BlockFramer
from tests.framing.table import Outcome, receive

UPLOAD = b'MMEM:DATA "a",#16\n*IDN?'


def lines_in(wire: bytes) -> tuple[list[bytes], bytes]:
    """The lines of a stream, found byte by byte, and what is left."""
    lines, start, at, solid, inside = list[bytes](), 0, 0, 0, b""
    while at < len(wire):
        byte, at = wire[at : at + 1], at + 1
        if byte == b"\n":
            line = wire[start : at - 1]
            lines.append(line.removesuffix(b"\r") if at - 1 > solid else line)
            start, inside = at, b""
        elif inside:
            inside = b"" if byte == inside else inside
        elif byte in (b'"', b"'"):
            inside = byte
        elif byte == b"#" and wire[at : at + 1].isdigit():
            size = int(wire[at : at + 1])
            digits = wire[at + 1 : at + 1 + size]
            if not size:
                inside = b"to the end"
            elif digits.isdigit() and len(digits) == size:
                at = solid = at + 1 + size + int(digits)
            elif digits.isdigit() or not digits:
                break  # no more has come
    return lines, wire[start:]


PARTS = [
    b"#",
    b"0",
    b"1",
    b"2",
    b"3",
    b"01",
    b"x",
    b'"',
    b"'",
    b"\n",
    b"\r",
    b"\r\n",
    b"#0",
    b"#13",
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PARTS), max_size=40), st.sets(st.integers(0, 60)))
def test_as_byte_by_byte(parts: list[bytes], places: set[int]) -> None:
    """What is found in great steps is what is found in the smallest."""
    wire = b"".join(parts)
    lines, rest = lines_in(wire)
    ends = sorted({0, len(wire), *(place for place in places if place < len(wire))})
    reads = [wire[start:end] for start, end in pairwise(ends)]
    expected = Outcome(tuple(lines), left=len(rest))
    assert receive(BlockFramer(1 << 31), reads) == expected


def test_lines_without_blocks_are_taken_at_a_glance() -> None:
    """As those of `line`; where a block may be, each byte is looked at."""
    framer = BlockFramer(100)
    assert framer.take(b"*IDN?\r\nT 'a\r\n") == [b"*IDN?", b"T 'a"]
    assert framer.take(UPLOAD + b"\n") is None
    assert framer.take(b"A #H1\n") is None


@pytest.mark.parametrize("limit", [100, 5000])
def test_many_at_once(limit: int) -> None:
    """Uploads among thousands of queries are found as each by itself."""
    wire = (b"*IDN?\n" * 5 + UPLOAD + b"\n" + b"*OPC?\r\n" * 700) * 3
    messages = [b"*IDN?"] * 5 + [UPLOAD] + [b"*OPC?"] * 700
    assert receive(BlockFramer(limit), [wire]) == Outcome(tuple(messages * 3))


@pytest.mark.parametrize("wire", [b"#9000001000", b'A "x" #41000'])
def test_count_that_is_too_large(wire: bytes) -> None:
    """It is an error as soon as the count is known, and not a byte sooner."""
    framer = BlockFramer(1000)
    framer.receive_data(wire[:-1])
    assert framer.next_message() is None
    framer.receive_data(wire[-1:])
    with pytest.raises(MessageTooLong):
        framer.next_message()


@pytest.mark.parametrize("filling", [b"x", b"#", b"'", b'"', b"#9", b"#11x", b"#0", b"'\"'"])
@pytest.mark.parametrize("before", [b"", b"'", b"#0", b"#6000001"])
def test_no_byte_is_looked_at_again(before: bytes, filling: bytes) -> None:
    """However a long line comes, and whatever it is made of, each search goes on after the last."""
    framer = BlockFramer(1 << 20)
    framer.receive_data(before)
    for _ in range(500):
        for byte in filling:
            framer.receive_data(bytes([byte]))
            assert framer.next_message() is None
            assert framer.buffered - framer._searched <= len("#9") + 9


@pytest.mark.parametrize(
    ("wire", "missing"),
    [
        (b"#15ab", "3 bytes of a block are missing"),
        (b"#15abcd", "1 byte of a block is missing"),
        (b"#15abcde", "no LF yet"),
        (b"#1", "no LF yet"),
        (b"A 'b", "no LF yet"),
    ],
)
def test_missing(wire: bytes, missing: str) -> None:
    """Of a block, the bytes that are still to come are known."""
    framer = BlockFramer(100)
    framer.receive_data(wire)
    assert framer.next_message() is None
    assert framer.missing() == missing


def test_a_client_reads_a_block_whole() -> None:
    """A reply that is a block with line ends in it is one reply."""
    server = Line(blocks=True)
    wire = server.frame(b"#14a\nb\r") + server.frame(b"ok")
    assert receive(server.mirrored().framer(100), [wire]) == Outcome((b"#14a\nb\r", b"ok"))
