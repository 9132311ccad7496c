"""Bytes that a template uses like text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockreply.rules.templates.octets import Bytes, bytes_in

UTF8 = bytes_in("utf-8", False)
HEX = bytes_in("utf-8", True)

ENCODINGS = ("utf-8", "latin-1", "ascii", "cp949", "cp500", "utf-16-le")


@pytest.mark.parametrize(
    ("encoding", "data", "text"),
    [
        ("utf-8", b"\xec\x9d\x91!", "응!"),
        ("utf-8", b"\xff", "\udcff"),
        ("latin-1", b"\xe9\xff", "éÿ"),
        ("cp949", b"\xc0\xc0", "응"),
        ("cp500", b"\xc1\xf1", "A1"),
        ("utf-16-le", b"A\0", "A"),
        ("utf-16", b"\xff\xfeA\0", "A"),
    ],
)
def test_prints_as_text(encoding: str, data: bytes, text: str) -> None:
    """They print as the text that they are; what is none prints as what becomes them again."""
    value: Any = bytes_in(encoding, False)(data)
    assert str(value) == f"{value}" == "%s" % value == text  # noqa: UP031 - as templates have it


def test_prints_as_hex() -> None:
    """In a template of hex digits they print as such, and are the same text all the same."""
    value = HEX(b"A1")
    assert (str(value), repr(value), value.text()) == ("4131", "'4131'", "A1")
    assert value == "A1"


def test_prints_in_a_format() -> None:
    """A width in a format counts characters of text."""
    assert f"{UTF8('응'.encode()):>3}" == "  응"


@pytest.mark.parametrize("encoding", [*ENCODINGS, "utf-16"])
def test_equals_the_same_text(encoding: str) -> None:
    """They equal the same text and the same bytes, and hash as the text does."""
    kind = bytes_in(encoding, False)
    value = kind.of("abc")
    assert value == "abc"
    assert "abc" == value  # noqa: SIM300 - the other way round is another method
    assert value == bytes(value)
    assert value != "abd"
    assert value != 3
    assert value != "\ud800"
    assert {"abc": 1}[value] == 1  # type: ignore[index]  # a dict of a template, which has no types


@given(st.sampled_from(["utf-8", "latin-1", "ascii"]), st.binary())
def test_nothing_is_lost(encoding: str, data: bytes) -> None:
    """What they print becomes the same bytes, whatever these are."""
    kind = bytes_in(encoding, False)
    assert kind.of(str(kind(data))) == data


@given(st.sampled_from(ENCODINGS), st.binary())
def test_can_always_be_shown(encoding: str, data: bytes) -> None:
    """An error message can quote any bytes, also those that are no text of the encoding."""
    assert repr(bytes_in(encoding, False)(data))


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("value.upper()", b"KG, 12;\xff"),
        ("value.split(', ')", [b"kg", b"12;\xff"]),
        ("value.split(UTF8(b', '))", [b"kg", b"12;\xff"]),
        ("value.split(sep=UTF8(b', '), maxsplit=0)", [b"kg, 12;\xff"]),
        ("value.partition(', ')", (b"kg", b", ", b"12;\xff")),
        ("value.replace('kg', UTF8(b'lb'))", b"lb, 12;\xff"),
        ("value.startswith('kg')", True),
        ("value.startswith(UTF8(b'lb'))", False),
        ("value.find('1')", 4),
        ("value.find('x')", -1),
        ("value.find('g', 1)", 1),
        ("value.find('g', -3)", -1),
        ("value.find('1', None, 3)", -1),
        ("value.rindex(UTF8(b' '))", 3),
        ("value.count('k')", 1),
        ("value[:2]", b"kg"),
        ("value[:2].upper()", b"KG"),
        ("value[0]", 0x6B),
        ("value + '!'", b"kg, 12;\xff!"),
        ("'!' + value", b"!kg, 12;\xff"),
        ("value[:1] + value[1:]", b"kg, 12;\xff"),
        ("'g, ' in value", True),
        ("b'\\xff' in value", True),
        ("0xff in value", True),
        ("'lb' in value", False),
        ("len(value)", 8),
    ],
)
def test_methods(expression: str, result: object) -> None:
    """Methods and operators take bytes and text, and give bytes that have the same methods."""
    given_names: dict[str, Any] = {"value": UTF8(b"kg, 12;\xff"), "UTF8": UTF8}
    found = eval(expression, given_names)
    assert found == result
    for piece in found if isinstance(found, (list, tuple)) else [found]:
        assert isinstance(piece, Bytes) or not isinstance(piece, (bytes, str))


def test_case_is_the_encodings() -> None:
    """What is a letter, a space or a character is told by the encoding."""
    assert bytes_in("cp500", False)(b"\x81\x40").strip().upper() == b"\xc1"
    assert bytes_in("latin-1", False)(b"\xe9").upper() == b"\xc9"
    utf16: Any = bytes_in("utf-16-le", False)("a b".encode("utf-16-le"))
    assert utf16.split() == ["a", "b"]
    cp949: Any = bytes_in("cp949", False)("갂A".encode("cp949"))
    assert cp949 == b"\x81\x41A"
    assert cp949.split("A") == ["갂", ""]
    assert cp949.find("A") == 2


def test_of_neither_bytes_nor_text() -> None:
    """Other values are no bytes."""
    with pytest.raises(TypeError, match="expected bytes or text, not int"):
        UTF8.of(3)


def test_unknown_encoding() -> None:
    """There are no bytes in an encoding that there is not, or that is not of text."""
    for name in ("nope", "hex"):
        with pytest.raises(LookupError, match=name):
            bytes_in(name, False)
