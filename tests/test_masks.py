"""Bytes of which some may be anything."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockreply.errors import ConfigError
from sockreply.masks import Mask


def test_bytes_as_they_are() -> None:
    """A mask of bytes has no place for others."""
    assert Mask.of(b"ab") == Mask(b"ab", frozenset())


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("", Mask(b"")),
        ("  ", Mask(b"")),
        ("02 ?? 03", Mask(b"\x02\0\x03", frozenset({1}))),
        ("02??03", Mask(b"\x02\0\x03", frozenset({1}))),
        (" aB\n0c\t", Mask(b"\xab\x0c")),
        ("????", Mask(b"\0\0", frozenset({0, 1}))),
    ],
)
def test_hex(text: str, mask: Mask) -> None:
    """Two digits are a byte, two question marks are any; space between bytes does not count."""
    assert Mask.from_hex(text) == mask


@pytest.mark.parametrize(
    ("text", "bad", "at"),
    [
        ("0", "0", 0),
        ("02 0", "0", 3),
        ("02 0g", "0g", 3),
        ("0 2", "0 ", 0),
        ("02 ?", "?", 3),
        ("?2", "?2", 0),
        ("02,03", ",0", 2),
        ("\u0661\u0661", "\u0661\u0661", 0),
    ],
)
def test_what_is_not_hex(text: str, bad: str, at: int) -> None:
    """Anything else is an error that names the place, and says how a byte is written."""
    with pytest.raises(ConfigError) as error:
        Mask.from_hex(text)
    assert str(error.value) == (
        f"'{bad}' at character {at} (from 0) of {text!r} is no byte:"
        " it is written as two hex digits, or as ?? for any"
    )


@given(st.text())
def test_any_text(text: str) -> None:
    """Whatever an operator writes is either a mask or a ConfigError."""
    with suppress(ConfigError):
        assert len(Mask.from_hex(text)) <= len(text) // 2


@given(st.binary(max_size=4), st.frozensets(st.integers(0, 3)), st.binary(max_size=4))
def test_patterns_fit(data: bytes, wild: frozenset[int], message: bytes) -> None:
    """The regular expression of a mask and the mask agree on what fits."""
    mask = Mask(data, wild)
    fits = len(data) == len(message) and all(map(mask.fits, range(len(data)), message))
    assert (mask.pattern().fullmatch(message) is not None) == fits


@pytest.mark.parametrize(
    ("mask", "shown"),
    [
        (Mask(b"a\n"), r"'a\n'"),
        (Mask.from_hex("61 ?? 0A"), "61 ?? 0a"),
    ],
)
def test_shown(mask: Mask, shown: str) -> None:
    """Bytes are shown as text; where some may be anything, as hex."""
    assert str(mask) == shown


def test_lower() -> None:
    """Only ASCII's letters have small ones, and what may be anything stays so."""
    assert Mask("ABÄ??".encode(), frozenset({4, 5})).lower() == Mask(
        "abÄ??".encode(), frozenset({4, 5})
    )


def test_long_hex() -> None:
    """However long: reading it takes time that grows with its length only."""
    assert Mask.from_hex("0a ?? " * 200_000).data == b"\n\0" * 200_000


@pytest.mark.parametrize(
    ("data", "at"),
    [
        (b"", None),
        (b"\x02", None),
        (b"\x02x\x03", None),
        (b"\x02x\x03y", None),
        (b"x", 0),
        (b"\x02xx", 2),
        (b"\x02xxy", 2),
    ],
)
def test_where_bytes_differ(data: bytes, at: int | None) -> None:
    """Only as many bytes are compared as both have, and a wild one differs from none."""
    assert Mask.from_hex("02 ?? 03").differs(data) == at


@pytest.mark.parametrize(
    ("one", "other", "covers"),
    [
        ("", "02", True),
        ("02", "02", True),
        ("02", "02 03", True),
        ("02 03", "02", False),
        ("02", "03", False),
        ("??", "02", True),
        ("02", "??", False),
        ("02 ?? 03", "02 04 03 05", True),
        ("02 04 03", "02 ?? 03", False),
        ("?? ??", "02", False),
    ],
)
def test_what_another_mask_begins_with(one: str, other: str, covers: bool) -> None:
    """A mask covers another one if it is no longer and asks for nothing else."""
    assert Mask.from_hex(one).covers(Mask.from_hex(other)) is covers
