"""What only `json` does."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sockreply.errors import Malformed
from sockreply.framing import parse_framing
from sockreply.framing.json_values import JsonFramer
from tests.framing.table import Outcome, receive

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=9),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
SPACE = st.text(" \t\r\n", min_size=1, max_size=3).map(str.encode)


def framer(limit: int = 1000) -> JsonFramer:
    """Of a connection on which nothing has come yet."""
    made = parse_framing("json").framer(limit)
    assert isinstance(made, JsonFramer)
    return made


@settings(max_examples=100)
@given(
    values=st.lists(
        st.tuples(VALUES, st.sampled_from([None, 1]), st.booleans(), SPACE), max_size=4
    ),
    size=st.integers(1, 40),
)
def test_what_a_library_writes(
    values: list[tuple[object, int | None, bool, bytes]], size: int
) -> None:
    """Each value that Python's library writes is a message, however it is laid out and cut."""
    written, wire = [], b""
    for value, indent, only_ascii, space in values:
        written.append(json.dumps(value, indent=indent, ensure_ascii=only_ascii).encode())
        wire += written[-1] + space
    reads = [wire[at : at + size] for at in range(0, len(wire), size)]
    outcome = receive(framer(100_000), reads)
    assert (outcome.messages, outcome.error, outcome.left) == (tuple(written), None, 0)


@pytest.mark.parametrize("wire", [b"12", b"-0.5e-7", b"true", b"null"])
def test_the_end_of_the_stream_ends_a_number_or_a_name(wire: bytes) -> None:
    """Until then, more of it may come."""
    for reads in ([wire], [wire[:1], wire[1:]]):
        assert receive(framer(), reads) == Outcome((wire,))
    waiting = framer()
    waiting.receive_data(wire)
    assert waiting.next_message() is None
    assert receive(framer(len(wire)), [wire]) == Outcome((wire,))


@pytest.mark.parametrize("wire", [b'"12', b"[12", b'{"a"', b'"a\\"'])
def test_the_end_of_the_stream_ends_nothing_else(wire: bytes) -> None:
    """What has no end by then is a message cut off."""
    assert receive(framer(), [wire]) == Outcome((), left=len(wire))


@pytest.mark.parametrize(
    ("wire", "expected", "found"),
    [
        (b"x", "a JSON value at byte 0 (from 0)", b"x"),
        (b"[1]\n\n ]", "a JSON value at byte 0 (from 0)", b"]"),
        (b"1 ,", "a JSON value at byte 0 (from 0)", b","),
        (b"[1} ", "']' at byte 2 (from 0)", b"}"),
        (b'{"a": [{}, "}", 1}', "']' at byte 17 (from 0)", b"}"),
        (b"{ ]", "'}' at byte 2 (from 0)", b"]"),
    ],
)
def test_what_is_wrong_and_where(wire: bytes, expected: str, found: bytes) -> None:
    """The error says which byte it is, and what could be there."""
    for reads in ([wire], [wire[at : at + 1] for at in range(len(wire))]):
        broken = framer()
        with pytest.raises(Malformed) as caught:  # noqa: PT012 - any of the reads
            for read in reads:
                broken.receive_data(read)
                list(iter(broken.next_message, None))
        assert str(caught.value) == f"expected {expected}, found {found!r}"


def test_what_is_missing() -> None:
    """A value that has begun says what it waits for."""
    begun = framer()
    for read, missing in (
        (b"[1, ", "no ']' yet for a bracket that is open"),
        (b"{", "no '}' yet for a bracket that is open"),
        (b'"a\\', "a string has no '\"' at its end yet"),
        (b'"', "a string has no '\"' at its end yet"),
        (b'"', "no '}' yet for a bracket that is open"),
    ):
        begun.receive_data(read)
        assert begun.next_message() is None
        assert begun.missing() == missing
    number = framer()
    number.receive_data(b"12")
    assert number.next_message() is None
    assert number.missing() == "no white space after the value yet"


def test_one_line_end_goes_with_a_value() -> None:
    """It is not counted as dropped, whenever it comes; all other white space is."""
    for reads, dropped in (
        ([b"[]\n"], 0),
        ([b"[]", b"\r", b"\n"], 0),
        ([b"[]\r\n[]\n"], 0),
        ([b"[]", b"\n", b"\n"], 1),
        ([b"[] ", b"\n"], 2),
        ([b"\n[]"], 1),
    ):
        taken = framer()
        assert receive(taken, reads).dropped == dropped
        assert (taken.buffered, taken.empty) == (0, True)


def test_depth() -> None:
    """Brackets may be nested as deeply as a message is long."""
    deep = b"[" * 50_000 + b"]" * 50_000
    assert receive(framer(100_000), [deep]) == Outcome((deep,))


def test_half_of_an_escape_at_the_limit() -> None:
    """A backslash does not hide the quote after it from the next look."""
    assert receive(framer(6), [b'"a\\"b"']) == Outcome((b'"a\\"b"',))
    assert receive(framer(6), [b'"a\\', b'"b"']) == Outcome((b'"a\\"b"',))
