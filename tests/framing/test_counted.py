"""What only the framings that count do, but for `length`."""

from __future__ import annotations

import re

import pytest

from sockreply.errors import ConfigError, Malformed, MessageTooLong
from sockreply.framing import Fixed, Length, Netstring


@pytest.mark.parametrize(
    ("wire", "expected", "found"),
    [
        (b"3:abc;", "a comma", b";"),
        (b"x", "a length and a colon", b"x"),
        (b":,", "a length and a colon", b":,"),
        (b"007:", "a length without leading zeros", b"007"),
    ],
)
def test_malformed_tells_what_was_found(wire: bytes, expected: str, found: bytes) -> None:
    """What no netstring can have is reported with what had to stand there."""
    framer = Netstring().framer(100)
    framer.receive_data(wire)
    with pytest.raises(Malformed, match=re.escape(f"expected {expected}, found {found!r}")) as e:
        framer.next_message()
    assert (e.value.expected, e.value.found) == (expected, found)


def test_header_tells_too_long_at_once() -> None:
    """Not one byte of a message that is announced too long has to come."""
    framer = Netstring().framer(1000)
    framer.receive_data(b"100")
    assert framer.next_message() is None
    framer.receive_data(b"1:")
    with pytest.raises(MessageTooLong):
        framer.next_message()


def test_limit_below_every_message() -> None:
    """A limit that no message can keep is a mistake of the operator's, not of the peers'."""
    with pytest.raises(ConfigError, match=r"^fixed: size=9 is more than max_message = 8$"):
        Fixed(9).framer(8)
    Fixed(9).framer(9)


def test_netstring_of_the_longest_size() -> None:
    """The limit is for the bytes between colon and comma, and its digits may all come."""
    for limit in (9, 10, 99, 100):
        framer = Netstring().framer(limit)
        framer.receive_data(b"%d:%b,%d" % (limit, b"x" * limit, limit))
        assert framer.next_message() == b"x" * limit
        assert framer.next_message() is None
        framer.receive_data(b"0")
        with pytest.raises(MessageTooLong):
            framer.next_message()


def test_replies_of_a_fixed_size_are_not_checked() -> None:
    """A reply goes out as it is, though it be no record."""
    assert Fixed(3).frame(b"longer") == b"longer"


def test_nothing_dropped_and_no_silence() -> None:
    """All bytes belong to messages, and a count ends them."""
    for framing in (Length(octets=1), Netstring(), Fixed(3)):
        framer = framing.framer(10)
        assert (framer.silence, framer.dropped, framing.one_message_each_way) == (None, 0, False)
