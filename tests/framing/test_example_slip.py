"""The framing of examples/slip, which is found as code beside a file is."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sockreply.errors import ConfigError, Malformed, MessageTooLong
from sockreply.framing import Framing, parse_framing
from tests.framing.table import Outcome, receive

SOURCE = Path(__file__).parents[2] / "examples" / "slip" / "src"


@pytest.fixture(scope="module")
def slip() -> Framing:
    """One without keys."""
    return parse_framing("slip:Slip", SOURCE)


STREAMS = [
    (b"", Outcome(())),
    (b"hello\xc0", Outcome((b"hello",))),
    (b"\xc0hello\xc0", Outcome((b"hello",))),
    (b"\xc0a\xc0\xc0b\xc0\xc0\xc0c\xc0", Outcome((b"a", b"b", b"c"))),
    (b"a\xdb\xdcb\xdb\xddc\xc0", Outcome((b"a\xc0b\xdbc",))),
    (b"\xdb\xdd\xdc\xc0", Outcome((b"\xdb\xdc",))),
    (b"a\xc0b\xdb\xdc", Outcome((b"a",), left=3)),
    (b"a\xc0b\xdbc\xc0d\xc0", Outcome((b"a",), Malformed)),
    (b"a\xdb\xc0", Outcome((), Malformed)),
    (b"12345678\xc0", Outcome((b"12345678",))),
    (b"\xdb\xdc" * 8 + b"\xc0", Outcome((b"\xc0" * 8,))),
    (b"123456789\xc0", Outcome((), MessageTooLong)),
    (b"a\xc0" + b"x" * 18, Outcome((b"a",), MessageTooLong)),
]


@pytest.mark.parametrize(("wire", "outcome"), STREAMS)
def test_streams(slip: Framing, wire: bytes, outcome: Outcome) -> None:
    """What comes of a stream, in one read and byte by byte."""
    assert receive(slip.framer(8), [wire] if wire else []) == outcome
    assert receive(slip.framer(8), [wire[at : at + 1] for at in range(len(wire))]) == outcome


@settings(max_examples=50)
@given(st.lists(st.binary(min_size=1, max_size=9), max_size=5), st.sets(st.integers(0, 99)))
def test_any_messages_in_any_reads(messages: list[bytes], cuts: set[int]) -> None:
    """What one side sends, the other one receives, however the stream is cut."""
    framing = parse_framing("slip:Slip:ends=after", SOURCE)
    wire = b"".join(map(framing.frame, messages))
    ends = sorted({0, len(wire), *(at for at in cuts if at < len(wire))})
    reads = [wire[start:end] for start, end in pairwise(ends)]
    assert receive(framing.framer(9), reads) == Outcome(tuple(messages))


def test_what_is_sent(slip: Framing) -> None:
    """Both ends, or only the last one."""
    assert slip.frame(b"a\xc0\xdb") == b"\xc0a\xdb\xdc\xdb\xdd\xc0"
    assert parse_framing("slip:Slip:ends=after", SOURCE).frame(b"a") == b"a\xc0"
    with pytest.raises(ConfigError, match="framing slip:Slip: ends=none: known are both and after"):
        parse_framing("slip:Slip:ends=none", SOURCE)


@pytest.mark.parametrize(
    ("wire", "messages"),
    [(b"\xdb\xdd" * 32_000 + b"\xc0", 1), (b"x" * 64_000 + b"\xc0", 1), (b"\xc0" * 64_000, 0)],
)
def test_one_byte_at_a_time(slip: Framing, wire: bytes, messages: int) -> None:
    """No byte is looked at over and over: what was searched is remembered."""
    framer = slip.framer(65_536)
    looked = 0

    class Counting(bytearray):
        def find(self, what: bytes, start: int = 0) -> int:  # type: ignore[override] # as it is called
            nonlocal looked
            looked += len(self) - start
            return super().find(what, start)

    found = 0
    for at in range(0, len(wire), 8):
        framer.receive_data(wire[at : at + 8])
        framer._data = Counting(framer._data)  # type: ignore[attr-defined] # it is a BufferedFramer
        while framer.next_message() is not None:
            found += 1
    assert found == messages
    assert looked <= 10 * len(wire)
