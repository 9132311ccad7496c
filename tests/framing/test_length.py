"""What only `length` does."""

from __future__ import annotations

import re

import pytest

from sockreply.errors import CannotFrame, ConfigError, Malformed, MessageTooLong
from sockreply.framing import Length, parse_framing


@pytest.mark.parametrize(
    ("spec", "size", "least", "most"),
    [
        ("length:bytes=1", 256, 0, 255),
        ("length:bytes=2", 65536, 0, 65535),
        ("length:digits=2", 100, 0, 99),
        ("length:bytes=1,adjust=2", 1, 2, 257),
        ("length:bytes=1,adjust=2", 258, 2, 257),
        ("length:bytes=1,adjust=-5", 251, 0, 250),
        ("length:bytes=1,inclusive=yes", 255, 0, 254),
        ("length:digits=2,inclusive=yes", 98, 0, 97),
        ("length:bytes=2,inclusive=yes,adjust=4", 1, 2, 65537),
    ],
)
def test_cannot_frame(spec: str, size: int, least: int, most: int) -> None:
    """A reply that the length field cannot tell is an error with the sizes; the next one fits."""
    framing = parse_framing(spec)
    with pytest.raises(CannotFrame) as caught:
        framing.frame(b"x" * size)
    assert (caught.value.size, caught.value.least, caught.value.most) == (size, least, most)
    for fits in (least, most):
        framer = framing.framer(10**6)
        framer.receive_data(framing.frame(b"x" * fits))
        assert framer.next_message() == b"x" * fits


def test_header_that_stays_is_not_checked() -> None:
    """With strip=no a reply is the responder's own business."""
    framing = Length(octets=2, offset=4, strip=False)
    assert framing.frame(b"anything") == b"anything"


@pytest.mark.parametrize(
    ("spec", "wire", "expected", "found"),
    [
        ("length:digits=4", b"12x4", "4 digits", b"12x4"),
        ("length:digits=2,offset=1,strip=no", b"1-1..", "2 digits", b"-1"),
        ("length:bytes=2,inclusive=yes", b"\0\1a", "a count of at least 2", b"\0\1"),
        ("length:digits=2,adjust=-3", b"02", "a count of at least 3", b"02"),
    ],
)
def test_malformed_tells_what_was_found(
    spec: str, wire: bytes, expected: str, found: bytes
) -> None:
    """What no message can have is reported with what had to stand there."""
    framer = parse_framing(spec).framer(100)
    framer.receive_data(wire)
    with pytest.raises(Malformed, match=re.escape(f"expected {expected}, found {found!r}")) as e:
        framer.next_message()
    assert (e.value.expected, e.value.found) == (expected, found)


@pytest.mark.parametrize("spec", ["length:bytes=4", "length:digits=9"])
def test_header_tells_too_long_at_once(spec: str) -> None:
    """Not one byte of a message that is announced too long has to come."""
    framing = parse_framing(spec)
    wire = framing.frame(b"x" * 1001)
    framer = framing.framer(1000)
    with pytest.raises(MessageTooLong):  # noqa: PT012 - at which byte is the point
        for at in range(wire.index(b"x")):
            framer.receive_data(wire[at : at + 1])
            assert framer.next_message() is None


def test_header_that_stays_counts_against_the_limit() -> None:
    """With strip=no the limit is for header and body together."""
    framing = Length(octets=1, offset=1, strip=False)
    for size, fits in ((6, True), (7, False)):
        framer = framing.framer(8)
        framer.receive_data(b"#" + bytes([size]))
        if fits:
            assert framer.next_message() is None
        else:
            with pytest.raises(MessageTooLong):
                framer.next_message()


def test_limit_below_every_message() -> None:
    """A limit that no message can keep is a mistake of the operator's, not of the peers'."""
    framing = Length(octets=2, offset=7, strip=False)
    why = "length: a header of 9 bytes is more than max_message = 8"
    with pytest.raises(ConfigError, match=f"^{re.escape(why)}$"):
        framing.framer(8)
    framing.framer(9)


def test_header_that_goes_may_be_longer_than_the_limit() -> None:
    """With strip=yes only the body counts against the limit."""
    framer = Length(octets=8).framer(1)
    framer.receive_data(b"\0\0\0\0\0\0\0\1a")
    assert framer.next_message() == b"a"


def test_length_wants_one_kind_of_number() -> None:
    """A header without a number, or with two, cannot be made, nor one nobody could write."""
    for octets, digits in ((0, 0), (2, 4)):
        with pytest.raises(ConfigError, match="either bytes"):
            Length(octets=octets, digits=digits)
    with pytest.raises(ConfigError, match="offset needs strip=no"):
        Length(octets=2, offset=1)
