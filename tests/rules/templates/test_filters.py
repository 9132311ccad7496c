"""The filters of templates."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockreply.rules.templates.filters import filters_for, from_hex, known_filters, wrong_format
from sockreply.rules.templates.octets import Bytes, bytes_in

UTF8 = bytes_in("utf-8", False)
FILTERS = filters_for(UTF8)
LATIN1 = filters_for(bytes_in("latin-1", False))


@pytest.mark.parametrize(
    ("name", "value", "arguments", "result"),
    [
        ("crc16_modbus", b"123456789", (), 0x4B37),
        ("crc16_modbus", "123456789", (), 0x4B37),
        ("crc8", "응".encode(), (), FILTERS["crc8"]("응")),
        ("lrc", b"\x01", (), 0xFF),
        ("xor", b"\x41\x42", (), 3),
        ("hex", b"\xab\x01", (), "ab01"),
        ("hex", b"\xab\x01", (0, True), "AB01"),
        ("hex", "응", (), "ec9d91"),
        ("hex", 10, (), "a"),
        ("hex", 10, (4,), "000a"),
        ("hex", 0xABCDE, (4, True), "ABCDE"),
        ("hex", 1, (10**9,), "1".zfill(64)),
        ("unhex", "AB 01\n", (), b"\xab\x01"),
        ("unhex", b"ab01", (), b"\xab\x01"),
        ("base64", b"\xff\xfe", (), "//4="),
        ("unbase64", "//4=\n", (), b"\xff\xfe"),
        ("bytes", "응", (), b"\xec\x9d\x91"),
        ("text", b"\xec\x9d\x91", (), "응"),
        ("pack", 258, (">H",), b"\x01\x02"),
        ("pack", 258, ("<i",), b"\x02\x01\x00\x00"),
        ("pack", -1, ("b",), b"\xff"),
        ("pack", 1.5, (">f",), b"\x3f\xc0\x00\x00"),
        ("unpack", b"\x02\x01", ("<H",), 258),
        ("unpack", b"\x3f\xc0\x00\x00", (">f",), 1.5),
        ("int", UTF8(b"1f"), (0, 16), 31),
        ("int", "12", (), 12),
        ("float", UTF8(b"1.5"), (), 1.5),
        ("reverse", UTF8("응답".encode()), (), "답응"),
        ("urlencode", UTF8(b"a b"), (), "a%20b"),
        ("center", "x", (3,), " x "),
        ("format", "%03d", (7,), "007"),
    ],
)
def test_filters(name: str, value: Any, arguments: tuple[Any, ...], result: object) -> None:
    """Each filter takes bytes or text, and gives a number, text or bytes."""
    found = FILTERS[name](value, *arguments)
    assert found == result
    assert isinstance(found, Bytes) == isinstance(result, bytes)


def test_text_is_encoded() -> None:
    """Text stands for its bytes in the service's encoding."""
    assert LATIN1["hex"]("é") == "e9"
    assert LATIN1["text"](b"\xe9") == "é"


@pytest.mark.parametrize(
    ("name", "value", "arguments", "reason"),
    [
        ("crc32", 3, (), "expected bytes or text, not int"),
        ("hex", -1, (), "hex: a negative number has no size of its own; use pack"),
        ("hex", 1.5, (), "expected bytes or text, not float"),
        ("unhex", "4x", (), "expected hex digits, found 'x'"),
        ("unhex", "4", (), "an odd number of hex digits: 1"),
        ("unbase64", "!", (), "not base64: "),
        ("pack", 65536, (">H",), "pack: 65536 does not fit into '>H'"),
        ("pack", 1.5, (">H",), "pack: 1.5 does not fit into '>H'"),
        ("pack", 1e300, (">f",), "pack: 1e[+]300 does not fit into '>f'"),
        ("pack", "1", (">H",), "pack: expected a number, not str"),
        ("pack", 1, ("H",), "pack: 'H' is not the format of one number, such as '>H'"),
        ("unpack", b"\x01", ("<2B",), "unpack: '<2B' is not the format of one number"),
        ("unpack", b"\x01", ("<H",), "unpack: '<H' is of 2 bytes, and there are 1"),
        ("center", "x", (10**9,), "a width of more than"),
        ("format", "%10000d", (1,), "at most four digits"),
    ],
)
def test_what_cannot_be(name: str, value: Any, arguments: tuple[Any, ...], reason: str) -> None:
    """A value that a filter cannot take is an error that says what is wrong with it."""
    with pytest.raises((TypeError, ValueError), match=reason):
        FILTERS[name](value, *arguments)


@pytest.mark.parametrize("layout", ["b", "B", ">B", "<h", "!Q", ">e", "<d"])
def test_formats(layout: str) -> None:
    """One number is packed in as many bytes as its letter says, in an order that is told."""
    assert wrong_format(layout) is None


@pytest.mark.parametrize(
    "layout", ["", "H", "@H", "=H", ">2H", ">HH", ">s", ">x", ">?", ">", " >H", 3]
)
def test_no_formats(layout: object) -> None:
    """Several numbers, no number, and an order that depends on the machine are none."""
    assert wrong_format(layout)


@given(st.binary(), st.sampled_from(["", " ", "\n\t"]))
def test_hex(data: bytes, between: str) -> None:
    """Hex digits spell bytes, whatever white space stands between any of them."""
    assert from_hex(between.join(data.hex())) == data
    assert from_hex(between.join(data.hex().upper())) == data


@given(st.text(st.sampled_from("ghi \n\r\x1b\udc80"), min_size=1))
def test_no_hex(text: str) -> None:
    """Anything else is an error of one line, which drives no screen."""
    if not text.isspace():
        with pytest.raises(ValueError, match="expected hex digits") as caught:
            from_hex(text)
        assert str(caught.value).isprintable()


def test_known_filters() -> None:
    """Who misses a CRC is shown all of them, and others what is ours."""
    assert "crc16_modbus" in known_filters("crc16")
    assert "hex" not in known_filters("crc16")
    known = known_filters("hexx")
    assert "hex" in known
    assert "crc16_modbus" not in known
