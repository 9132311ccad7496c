"""How specs are written, and how their values are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockreply.errors import ConfigError
from sockreply.notation import (
    SIZE_LIMIT,
    Key,
    from_keys,
    mark,
    one_of,
    parse_notation,
    positive_seconds,
    seeming_escape,
    unescape,
    whole,
    yes_or_no,
)


@dataclass(frozen=True)
class Box:
    """Something that a spec can describe, all but its colour."""

    width: Annotated[int, Key(whole(1, 9))]
    height: Annotated[int, Key(whole(1, 9), name="high")]
    open: Annotated[bool, Key(yes_or_no)] = False
    colour: str = "red"

    def __post_init__(self) -> None:
        if self.width < self.height:
            raise ConfigError("a box that falls over")


def escape(value: bytes) -> str:
    """Any bytes in the notation."""
    return "".join(f"\\x{octet:02x}" for octet in value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", b""),
        ("plain = text: all of it", b"plain = text: all of it"),
        (r"\r", b"\r"),
        (r"\n", b"\n"),
        (r"\t", b"\t"),
        (r"\0", b"\0"),
        (r"\\", b"\\"),
        (r"\,", b","),
        (r"\x00\x7f\xff", b"\x00\x7f\xff"),
        (r"\xAb\xaB", b"\xab\xab"),
        (r"\x411\01\\n\\\n", b"A1\x001\\n\\\n"),
        ("응답\n", "응답\n".encode()),
        ("caf\udce9", b"caf\xe9"),
    ],
)
def test_unescape(text: str, value: bytes) -> None:
    """Each escape is its byte, and other text its UTF-8 or what the command line had there."""
    assert unescape(text) == value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\\", r"'\'"),
        (r"\q", r"'\q'"),
        (r"\R", r"'\R'"),
        (r"\u00e9", r"'\u'"),
        (r"\ ", r"'\ '"),
        ("\\\n", r"'\\n'"),
    ],
)
def test_unknown_escape(text: str, shown: str) -> None:
    """A backslash that begins no escape is an error that shows it as it was typed."""
    with pytest.raises(ConfigError) as caught:
        unescape(f"a{text}")
    assert str(caught.value) == rf"{shown} is not an escape; known: \r \n \t \0 \\ \, \xNN"


@pytest.mark.parametrize("text", [r"\x", r"\x4", r"\xg0", r"\x 4", r"\x4\n"])
def test_escape_without_its_digits(text: str) -> None:
    """A byte that is not written in full is an error that says how it is."""
    with pytest.raises(ConfigError) as caught:
        unescape(f"a{text}")
    assert str(caught.value) == r"\x needs two hexadecimal digits"


@given(st.binary())
def test_any_bytes_can_be_written(value: bytes) -> None:
    """Every byte string has a notation."""
    assert unescape(escape(value)) == value


@given(st.text(st.characters(exclude_characters="\\", exclude_categories=["Cs"])))
def test_text_is_utf_8(text: str) -> None:
    """Text without a backslash is its UTF-8."""
    assert unescape(text) == text.encode()


@given(st.binary())
def test_whatever_the_command_line_had(value: bytes) -> None:
    """Bytes that are no UTF-8 come through as the system hands them to Python."""
    given_there = value.replace(b"\\", b"/")
    assert unescape(given_there.decode("utf-8", "surrogateescape")) == given_there


@pytest.mark.parametrize(
    ("spec", "name", "values"),
    [
        ("line", "line", {}),
        ("", "", {}),
        ("a:b=c", "a", {"b": "c"}),
        ("a:b=c,d=e", "a", {"b": "c", "d": "e"}),
        ("a:b=,d=", "a", {"b": "", "d": ""}),
        ("a:b=c=d:e", "a", {"b": "c=d:e"}),
        (r"a:b=\,,c=\\,d=\\\,", "a", {"b": r"\,", "c": r"\\", "d": r"\\\,"}),
        ("a:b=\n,c=\n", "a", {"b": "\n", "c": "\n"}),
        ("a:b=\\", "a", {"b": "\\"}),
    ],
)
def test_parse_notation(spec: str, name: str, values: dict[str, str]) -> None:
    """A spec is a name and its keys, parted by commas that are not escaped."""
    assert parse_notation(spec) == (name, values)


@pytest.mark.parametrize(
    ("spec", "pair"),
    [
        ("a:", ""),
        ("a:b", "b"),
        ("a:=c", "=c"),
        ("a:b=c,", ""),
        ("a:,b=c", ""),
        ("a:b=c,,d=e", ""),
        ("a:b=c,d", "d"),
        (r"a:b\,c", r"b\,c"),
    ],
)
def test_not_key_and_value(spec: str, pair: str) -> None:
    """What stands between two commas and is not key=value is named."""
    with pytest.raises(ConfigError, match=re.escape(f"a: '{pair}' is not key=value")):
        parse_notation(spec)


def test_key_twice() -> None:
    """A key that comes twice is an error, even with the same value."""
    with pytest.raises(ConfigError, match="a: b is given twice"):
        parse_notation("a:b=1,c=2,b=1")


@given(st.dictionaries(st.sampled_from(["a", "b", "end", "key_2"]), st.binary()))
def test_any_values_come_back(values: dict[str, bytes]) -> None:
    """Values may be any bytes, commas and backslashes too."""
    pairs = ",".join(f"{key}={escape(value)}" for key, value in values.items())
    _, parsed = parse_notation(f"name:{pairs}" if values else "name")
    assert {key: unescape(value) for key, value in parsed.items()} == values


@given(st.text(st.sampled_from("ab=:,\\xn0"), max_size=12))
def test_nothing_but_config_errors(spec: str) -> None:
    """A spec is understood or is a ConfigError, whatever it is."""
    for parse in (parse_notation, unescape):
        with suppress(ConfigError):
            parse(spec)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (whole(1, 9), "1", 1),
        (whole(1, 9), "9", 9),
        (whole(-9, 9), "-9", -9),
        (whole(0, SIZE_LIMIT), "007", 7),
        (one_of(big="b", little="l"), "little", "l"),
        (yes_or_no, "yes", True),
        (yes_or_no, "no", False),
        (mark, r"\r\n", b"\r\n"),
        (positive_seconds, "1e-3", 0.001),
        (positive_seconds, "2", 2.0),
    ],
)
def test_values(read: Callable[[str], object], text: str, value: object) -> None:
    """A value is read as what it stands for."""
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text", "why"),
    [
        (whole(1, 9), "0", "'0' is not a whole number from 1 to 9"),
        (whole(1, 9), "10", "'10' is not a whole number from 1 to 9"),
        (whole(1, 9), "٤", "'٤' is not a whole number from 1 to 9"),
        (whole(1, 9), "1_0", "'1_0' is not a whole number from 1 to 9"),
        (whole(1, 9), "4.0", "'4.0' is not a whole number from 1 to 9"),
        (whole(1, 9), "1" * 5000, "'" + "1" * 5000 + "' is not a whole number from 1 to 9"),
        (one_of(big="b", little="l"), "", "'' is not one of big, little"),
        (yes_or_no, "true", "'true' is not one of yes, no"),
        (mark, "", "an empty mark ends nothing"),
        (mark, r"\x", r"\x needs two hexadecimal digits"),
        (positive_seconds, "0", "'0' is not a number of seconds above 0"),
        (positive_seconds, "nan", "'nan' is not a number of seconds above 0"),
        (positive_seconds, "inf", "'inf' is not a number of seconds above 0"),
        (positive_seconds, "soon", "'soon' is not a number of seconds above 0"),
    ],
)
def test_impossible_values(read: Callable[[str], object], text: str, why: str) -> None:
    """A value that cannot be is an error that shows it and says what can be."""
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value) == why


@pytest.mark.parametrize(
    ("values", "box"),
    [
        ({"width": "2", "high": "1"}, Box(2, 1)),
        ({"open": "yes", "high": "1", "width": "2"}, Box(2, 1, open=True)),
    ],
)
def test_from_keys(values: dict[str, str], box: Box) -> None:
    """Each key is a field, under a name of its own where it has one."""
    assert from_keys(Box, values) == box


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"width": "2", "height": "1"}, "unknown key 'height'; known: width, high, open"),
        ({"colour": "red"}, "unknown key 'colour'; known: width, high, open"),
        ({"width": "0"}, "width: '0' is not a whole number from 1 to 9"),
        ({"high": "x"}, "high: 'x' is not a whole number from 1 to 9"),
        ({}, "needs width=... and high=..."),
        ({"width": "2"}, "needs high=..."),
        ({"width": "1", "high": "2"}, "a box that falls over"),
    ],
)
def test_from_wrong_keys(values: dict[str, str], why: str) -> None:
    """Keys that are unknown, missing or cannot be are named."""
    with pytest.raises(ConfigError) as caught:
        from_keys(Box, values)
    assert str(caught.value) == why


def test_from_no_keys() -> None:
    """Where nothing can be set, that is what is said."""

    @dataclass(frozen=True)
    class Nothing:
        pass

    assert from_keys(Nothing, {}) == Nothing()
    with pytest.raises(ConfigError, match=r"^unknown key 'a'; known: none$"):
        from_keys(Nothing, {"a": "1"})


@pytest.mark.parametrize(
    ("text", "escape"),
    [
        (r"*IDN?\n", r"\n"),
        (r"a\x0Ab\n", r"\x0A"),
        (r"C:\users", None),
        (r"\xZZ", None),
        ("a\n", None),
    ],
)
def test_what_seems_to_be_an_escape(text: str, escape: str | None) -> None:
    """What a reader of other languages would take for one, but no other backslash."""
    assert seeming_escape(text) == escape
