"""PROXY headers, read in any chunking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockreply.errors import Malformed
from sockreply.server.proxy.header import Header, read_header
from tests.server.proxy.headers import LINE, RIGHT, SIGNATURE, WRONG, block, inet

REST = b"PROXY \r\n\r\n\0"


def read_in_parts(wire: bytes, cuts: list[int]) -> tuple[Header, int] | str | None:
    """What is read when `wire` comes cut there; of a wrong header, what is said of it."""
    data = bytearray()
    at = 0
    for cut in [*sorted(cuts), len(wire)]:
        data += wire[at:cut]
        at = cut
        try:
            found = read_header(data)
        except Malformed as error:
            return str(error)
        if found is not None:
            return found
    return None


@pytest.mark.parametrize("name", RIGHT)
def test_right(name: str) -> None:
    """A header says what it says, and where it ends."""
    wire, header = RIGHT[name]
    assert read_header(wire) == (header, len(wire))
    assert read_header(wire + REST) == (header, len(wire))


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name: str) -> None:
    """A wrong header is an error that says what should have been there."""
    wire, said = WRONG[name]
    with pytest.raises(Malformed) as caught:
        read_header(wire)
    assert said in str(caught.value)


@pytest.mark.parametrize("name", RIGHT)
def test_cut_at_every_byte(name: str) -> None:
    """A part of a header is neither a header nor an error."""
    wire, header = RIGHT[name]
    for at in range(0, len(wire), 1 if len(wire) < 1000 else 97):
        assert read_header(wire[:at]) is None, at
    assert read_in_parts(wire, list(range(1, len(wire)))) == (header, len(wire))


@given(
    wire=st.sampled_from([wire for wire, _ in (*RIGHT.values(), *WRONG.values())]),
    rest=st.binary(max_size=9),
    cuts=st.lists(st.integers(0, 16400), max_size=9),
)
def test_any_split(wire: bytes, rest: bytes, cuts: list[int]) -> None:
    """However a stream is cut, the header is the same, or the error is."""
    whole = wire + rest
    cuts = [cut for cut in cuts if cut < len(whole)]
    assert read_in_parts(whole, cuts) == read_in_parts(whole, [])


begins = st.sampled_from([b"", LINE[:11], SIGNATURE, SIGNATURE + b"\x21\x11", block(inet())[:16]])
texts = st.text("PROXY TCP46UNKNOWN :.%0123456789abf\r\n", max_size=60).map(str.encode)


@given(begin=begins, rest=st.one_of(st.binary(max_size=300), texts), at=st.integers(0, 300))
def test_any_bytes(begin: bytes, rest: bytes, at: int) -> None:
    """Whatever comes first, it is a header, a part of one, or an error of ours; cut or not."""
    wire = begin + rest
    cuts = [at] if at < len(wire) else []
    assert read_in_parts(wire, cuts) == read_in_parts(wire, [])


@given(
    wire=st.sampled_from([wire for wire, _ in RIGHT.values() if len(wire) < 1000]),
    at=st.integers(0, 999),
    bit=st.integers(0, 7),
)
def test_one_bit_wrong(wire: bytes, at: int, bit: int) -> None:
    """A header in which a bit has changed is never more than an error."""
    changed = bytearray(wire)
    changed[at % len(wire)] ^= 1 << bit
    found = read_in_parts(bytes(changed), [])
    assert found is None or isinstance(found, str | tuple)


def test_errors_are_short() -> None:
    """What is said of the longest header fits into a line of a log."""
    for wire, _ in WRONG.values():
        assert len(str(read_in_parts(wire, []))) < 600
