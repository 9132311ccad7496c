"""What only `length` does."""

from __future__ import annotations

import re
import subprocess
import sys

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
        ("length:digits=1,base=16", 16, 0, 15),
        ("length:digits=4,base=16,inclusive=yes", 65532, 0, 65531),
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


@pytest.mark.parametrize(
    ("spec", "least", "most"),
    [
        (r"length:until=\x20,adjust=2", 2, 10**18 + 1),
        (r"length:until=\x20,base=16,adjust=3", 3, 16**18 + 2),
        (r"length:until=\x20,adjust=5,inclusive=yes", 3, 10**18 + 2),
        ("length:form=leb128,adjust=2", 2, 2**70 + 1),
        ("length:form=leb128,adjust=3,inclusive=yes", 2, 2**70 + 1),
        ("length:form=ber,adjust=2", 2, 2**64 + 1),
    ],
)
def test_cannot_frame_so_few(spec: str, least: int, most: int) -> None:
    """A count of any size tells any number but one below 0; one byte more is sent."""
    framing = parse_framing(spec)
    with pytest.raises(CannotFrame) as caught:
        framing.frame(b"x" * (least - 1))
    assert (caught.value.size, caught.value.least, caught.value.most) == (least - 1, least, most)
    framer = framing.framer(10)
    framer.receive_data(framing.frame(b"x" * least))
    assert framer.next_message() == b"x" * least


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
        ("length:digits=4,base=16", b"00g1", "4 hexadecimal digits", b"00g1"),
        (r"length:until=\x20", b"<13>", "a digit at byte 0 (from 0)", b"<"),
        (r"length:until=\x20", b"12x4", "a digit or ' ' at byte 2 (from 0)", b"12x"),
        (r"length:until=\r\n,base=16", b"\r", "a hexadecimal digit at byte 0 (from 0)", b"\r"),
        (
            r"length:until=\r\n,base=16",
            b"1a;b",
            r"a hexadecimal digit or '\r\n' at byte 2 (from 0)",
            b"1a;",
        ),
        (r"length:until=\r\n", b"1\r\r\n", r"all of '\r\n' at byte 2 (from 0)", b"1\r\r"),
        (r"length:until=\x20", b"0" * 30, "at most 18 digits", b"0" * 19),
        ("length:until=:,offset=3,strip=no", b"abc1,", "a digit or ':' at byte 4 (from 0)", b"1,"),
        ("length:until=:,adjust=-3", b"2:ab", "a count of at least 3", b"2:"),
        (
            "length:form=leb128,offset=1,strip=no",
            b"0" + b"\x80" * 20,
            "the last byte of a varint, below 0x80, at byte 10 (from 0)",
            b"\x80" * 10,
        ),
        ("length:form=leb128,inclusive=yes", b"\0", "a count of at least 1", b"\0"),
        (
            "length:form=ber,offset=1,strip=no",
            b"0\x80..",
            "a definite length, not the indefinite form, at byte 1 (from 0)",
            b"\x80",
        ),
        (
            "length:form=ber",
            b"\xff..",
            "a length, not the reserved 0xff, at byte 0 (from 0)",
            b"\xff",
        ),
        ("length:form=ber", b"\x89..", "a length of at most 8 bytes at byte 0 (from 0)", b"\x89"),
    ],
)
def test_malformed_tells_what_was_found(
    spec: str, wire: bytes, expected: str, found: bytes
) -> None:
    """What no message can have is reported with what had to stand there."""
    framer = parse_framing(spec).framer(100)
    framer.receive_data(wire)
    with pytest.raises(Malformed, match=re.escape(f"expected {expected}, found {found!r}")):
        framer.next_message()


@pytest.mark.parametrize(
    "spec",
    [
        *("length:bytes=4", "length:digits=9", "length:digits=4,base=16"),
        *("length:until=:", "length:form=leb128", "length:form=ber"),
    ],
)
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
    """A header without a number, or with two, cannot be made."""
    for octets, digits in ((0, 0), (2, 4)):
        with pytest.raises(ConfigError, match=r"^needs one of bytes="):
            Length(octets=octets, digits=digits)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ("bytes=2,offset=1", "offset needs strip=no"),
        (r"until=\x20,offset=1", "offset needs strip=no"),
        ("digits=4,order=little", "order=little needs bytes=..."),
        ("form=leb128,order=little", "order=little needs bytes=..."),
        ("bytes=2,base=16", "base=16 needs digits=N or until=..."),
        ("form=ber,base=16", "base=16 needs digits=N or until=..."),
        ("until=0x", "until begins with a digit"),
        ("until=a,base=16", "until begins with a digit"),
        ("form=ber,inclusive=yes", "a length in BER never counts itself"),
        ("digits=2,padding=2,adjust=1,strip=no", "padding needs bytes=..."),
        ("form=ber,padding=0,offset=1,strip=no", "padding needs bytes=..."),
        ("bytes=2,padding=2,adjust=1", "padding needs strip=no"),
        ("bytes=2,padding=1,strip=no", "padding=1 is a byte of the number, which ends at byte 1"),
        (
            "bytes=2,offset=4,padding=4,strip=no",
            "padding=4 is a byte of the number, which ends at byte 5",
        ),
        (
            "bytes=2,offset=4,padding=6,strip=no",
            "padding=6 is not in every message, because the shortest one has 6 bytes; adjust=N",
        ),
        ("bytes=1,adjust=3,inclusive=yes,padding=3,strip=no", "padding=3 is not in every message"),
    ],
)
def test_keys_that_mean_nothing_together(keys: str, why: str) -> None:
    """Each such pair is refused, and why is said."""
    with pytest.raises(ConfigError, match=f"^framing length: {re.escape(why)}"):
        parse_framing(f"length:{keys}")


def test_mark_that_is_no_digit_of_its_base() -> None:
    """Letters may end decimal digits, and after its first byte a mark may have any."""
    for spec, wire in (("length:until=a", b"2ahi"), (r"length:until=\x201", b"2 1hi")):
        framer = parse_framing(spec).framer(100)
        framer.receive_data(wire)
        assert framer.next_message() == b"hi"


@pytest.mark.parametrize("size", [2, 127, 128, 129, 131, 16_384, 16_386, 16_388, 65_536])
def test_packets_of_mqtt(size: int) -> None:
    """The fixed header of MQTT stays with its packet, be the count one, two or three bytes long."""
    header = 2 if size <= 129 else 3 if size <= 16_386 else 4
    packet = b"\x30" + Length(form="leb128").frame(b"x" * (size - header))
    assert len(packet) == size
    framing = parse_framing("length:form=leb128,offset=1,strip=no")
    framer = framing.framer(size)
    framer.receive_data(packet * 2)
    assert [framer.next_message() for _ in range(3)] == [packet, packet, None]
    if size > 2:
        framer = framing.framer(size - 1)
        framer.receive_data(packet[:header])
        with pytest.raises(MessageTooLong):
            framer.next_message()


def test_varint_of_two_bytes() -> None:
    """`80 01` counts 128."""
    framer = Length(form="leb128").framer(1000)
    framer.receive_data(b"\x80\x01" + b"x" * 129)
    assert framer.next_message() == b"x" * 128
    assert framer.buffered == 1


def test_padding_is_a_part_of_the_message() -> None:
    """The record of FastCGI comes with what pads it, of which there can be 255 bytes."""
    framing = parse_framing("length:bytes=2,offset=4,adjust=2,padding=6,strip=no")
    record = b"\x01\x05\x00\x01\x01\x00\xff\x00" + b"x" * 256 + b"\0" * 255
    framer = framing.framer(len(record))
    framer.receive_data(record[:-1])
    assert framer.next_message() is None
    framer.receive_data(record[-1:] + record)
    assert [framer.next_message() for _ in range(3)] == [record, record, None]


@pytest.mark.parametrize(
    "spec", ["length:form=leb128", "length:form=ber", r"length:until=\x20", "length:bytes=2"]
)
def test_modules_are_loaded_when_they_are_needed(spec: str) -> None:
    """A framing whose count has a fixed size loads none of the others' modules."""
    code = f"import sys, sockreply.framing as f; f.parse_framing({spec!r}).framer(9)"
    shown = "print('sockreply.framing.numbers' in sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", f"{code}; {shown}"], capture_output=True, text=True, check=True
    )
    assert told.stdout == f"{'bytes' not in spec}\n"
