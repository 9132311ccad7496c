"""Texts that are not TOML."""

from __future__ import annotations

import pytest

from tests.config.texts import SERVICE, problems_of

REFUSED_FILES = {
    "": "services: there is none; one begins with a line such as [services.default]",
    "[services]": "services: there is none; one begins with a line such as [services.default]",
    "a = ": "is not TOML: Invalid value (at end of document)",
    "a = 1\nb = x": "is not TOML: Invalid value (at line 2, column 5)",
    "a = 1\na = 2\n": "is not TOML: Cannot overwrite a value (at line 2, column 6)",
    "a = " + "9" * 5000: "is not TOML: Exceeds the limit (4300 digits) for integer string",
    "a = " + "[" * 100_000: "nests tables or lists too deeply",
    "a = " + "[" * 40 + "]" * 40: "has more than 32 tables or lists nested in each other",
    ".".join("a" * 40) + " = 1": "has more than 32 tables or lists nested in each other",
    ".".join("a" * 100_000) + " = 1": "has more than 32 tables or lists nested in each other",
    "x = 1\n["
    + " . ".join(["'a.b'"] * 99)
    + "]": "has more than 32 tables or lists nested in each other",
    'a = "\\d"': r"is not TOML: Unescaped '\' in a string (at line 1, column 8); between single",
    "[a]\n[a]": "is not TOML: Cannot declare ('a',) twice (at line 2, column 3); each of several",
    "a = yes": "is not TOML: Invalid value (at line 1, column 5); text must be in quotes",
    b"a = '\xff'": "is not UTF-8: byte 5 (from 0): invalid start byte",
}


@pytest.mark.parametrize("text", REFUSED_FILES, ids=lambda text: repr(text[:20]))
def test_what_is_no_toml(text: str | bytes) -> None:
    """A file that is not TOML, or holds nothing, has one problem, with its place."""
    (problem,) = problems_of(text)
    assert problem.startswith(REFUSED_FILES[text])


def test_long_lines_of_words_are_no_keys() -> None:
    """A text of several lines may look like a key of very many parts, if nothing is set to it."""
    text = ".".join("1" * 99)
    assert problems_of(f"{SERVICE}otherwise = '''\n{text}\n'''") == ()


def test_byte_order_mark() -> None:
    """A mark that an editor has put before the text is not part of it."""
    assert problems_of(b"\xef\xbb\xbf" + f"{SERVICE}otherwise = 'x'\r\n".encode()) == ()
