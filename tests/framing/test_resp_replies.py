"""Redis's replies, as a client takes them from the stream."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sockreply.errors import FramingError, Malformed, MessageTooLong
from sockreply.framing import Resp
from sockreply.framing.resp_replies import ReplyFramer
from tests.framing.table import Outcome, receive
from tests.framing.test_all_framings import (
    byte_by_byte,
    cut,
    places_in,
    size_of,
    values,
    whole,
)

VALUES = (
    *(b"+OK\r\n", b"+\r\n", b"-ERR no\r\n", b":-1\r\n", b"_\r\n", b"#t\r\n", b",1.5\r\n"),
    *(b"(123456789012345678901234567890\r\n", b"$0\r\n\r\n", b"$4\r\n\r\n\r\n\r\n", b"$-1\r\n"),
    *(b"!5\r\nERR x\r\n", b"=7\r\ntxt:abc\r\n", b"*0\r\n", b"*-1\r\n", b"%0\r\n", b"~0\r\n"),
    *(b"*2\r\n$1\r\na\r\n*1\r\n:1\r\n", b"%1\r\n+a\r\n*2\r\n_\r\n_\r\n", b"~1\r\n+a\r\n"),
    b">2\r\n+invalidate\r\n*-1\r\n",
    b"|1\r\n+ttl\r\n:9\r\n$1\r\na\r\n",  # an attribute belongs to the value after it
    b"*1\r\n|1\r\n+ttl\r\n:9\r\n$1\r\na\r\n",
    b"|0\r\n|0\r\n+OK\r\n",
    b"+a\rb\nc\r\n",
)


def framer(limit: int = 1000) -> ReplyFramer:
    """What a client has."""
    made = Resp().mirrored().framer(limit)
    assert isinstance(made, ReplyFramer)
    return made


@pytest.mark.parametrize("value", VALUES)
def test_values(value: bytes) -> None:
    """Each value is handed out as it is, in one read and in single bytes."""
    for reads in (whole, byte_by_byte):
        assert receive(framer(), reads(value + b"+next\r\n" + value)) == Outcome(
            (value, b"+next\r\n", value)
        )


@pytest.mark.parametrize("value", VALUES)
def test_the_longest(value: bytes) -> None:
    """A value may have as many bytes as allowed, and not one more, however it comes."""
    for reads in (whole, byte_by_byte):
        assert receive(framer(len(value)), reads(value)) == Outcome((value,))
        assert receive(framer(len(value) - 1), reads(value)) == Outcome((), MessageTooLong)


@settings(max_examples=100)
@given(
    found=st.lists(st.one_of(st.sampled_from(VALUES), values(), st.binary(max_size=3)), max_size=4),
    limit=st.integers(1, 60),
    data=st.data(),
)
def test_any_split_of_any_stream(found: list[bytes], limit: int, data: st.DataObject) -> None:
    """What a stream gives, be it good or bad, does not depend on how it is cut."""
    wire = b"".join(found)
    in_one = receive(framer(limit), whole(wire))
    assert all(len(message) <= limit for message in in_one.messages)
    assert receive(framer(limit), byte_by_byte(wire)) == in_one
    assert receive(framer(limit), cut(wire, data.draw(places_in(wire)))) == in_one


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (b"HTTP", "expected the type of a value, found b'H'"),
        (b"\r\n", "expected the type of a value, found b'\\r'"),
        (b"*1\r\nx", "expected the type of a value, found b'x'"),
        (b"$x\r\n", "expected a length after $, found b'x'"),
        (b"$-2\r\n", "expected a length after $, found b'-2'"),
        (b"%-1\r\n", "expected a length after %, found b'-1'"),
        (b"*01\r\n", "expected a length after *, found b'01'"),
        (b"$?\r\n", "expected a length after $, found b'?'"),
        (b"$1\r\nabc", "expected CR LF after a string, found b'bc'"),
    ],
)
def test_what_is_wrong(wire: bytes, text: str) -> None:
    """An error says what should have been there."""
    made = framer()
    made.receive_data(wire)
    with pytest.raises(Malformed) as caught:
        made.next_message()
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "wire", [b"$999\r\n", b"*400\r\n", b"%200\r\n", b"*" + b"9" * 19 + b"\r\n"]
)
def test_too_long_by_its_counts(wire: bytes) -> None:
    """A value is refused as soon as its counts say that it is too long."""
    assert receive(framer(), whole(wire)).error is MessageTooLong


@pytest.mark.parametrize("reads", [whole, byte_by_byte], ids=["whole", "byte by byte"])
def test_values_in_values(reads: Callable[[bytes], list[bytes]]) -> None:
    """However deep values stand in others, it takes neither memory nor a stack."""
    made = framer(10**6)
    own = size_of(made)
    wire = b"*1\r\n" * 5000 + b":1\r\n"
    for read in reads(wire):
        made.receive_data(read)
        assert size_of(made) - own < 1.2 * len(wire)
        message = made.next_message()
    assert message == wire


def test_a_value_is_passed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values in a value that comes a byte at a time are not looked at again with each of them."""
    passed = 0
    begin = ReplyFramer._begin

    def counted(self: ReplyFramer, kind: bytes, digits: bytes) -> None:
        nonlocal passed
        passed += 1
        begin(self, kind, digits)

    monkeypatch.setattr(ReplyFramer, "_begin", counted)
    wire = b"*500\r\n" + b"$1\r\na\r\n" * 500
    assert receive(framer(10_000), byte_by_byte(wire)).messages == (wire,)
    assert passed == 501


def test_what_a_begun_value_lacks() -> None:
    """Each part that is missing is named."""
    lacking = {
        b"+OK": "no CR LF yet",
        b"*2\r\n+OK\r\n": "values that are missing: 1",
        b"*2\r\n$3\r\nab": "3 bytes of a string and its CR LF are missing",
    }
    for wire, missing in lacking.items():
        made = framer()
        made.receive_data(wire)
        assert made.next_message() is None
        assert made.missing() == missing
        assert made.rest() == wire


def test_nothing_is_kept_of_what_is_done() -> None:
    """An idle connection holds no memory for what its last read brought."""
    made = framer(10_000)
    own = size_of(made)
    made.receive_data(b"".join(VALUES) * 100)
    assert list(iter(made.next_message, None)) == [*VALUES] * 100
    assert size_of(made) - own < 100


def test_only_framing_errors() -> None:
    """A value that makes no sense is an error of the peer's, whatever it is."""
    for octet in range(256):
        for after in (b"", b"\r\n", b"1\r\n", b"-\r\n", b"1" * 30 + b"\r\n", b"\xff\r\n"):
            made = framer(100)
            made.receive_data(bytes([octet]) + after)
            try:
                made.next_message()
            except FramingError:
                continue
