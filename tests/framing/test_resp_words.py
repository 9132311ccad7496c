"""The words of inline commands."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sockreply.framing.resp_words import split_words, words_to_send


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", []),
        (b" \t\v\f\r", []),
        (b"PING", [b"PING"]),
        (b"  set\ta \r b  ", [b"set", b"a", b"b"]),
        (b"a\vb c\fd", [b"a\vb", b"c\fd"]),  # they end no word, though they may stand between two
        (b"a\0b", [b"a\0b"]),
        (b'""', [b""]),
        (b"'' \"\"", [b"", b""]),
        (b"\"a b\"\v'c d'", [b"a b", b"c d"]),
        (b'a"b c" d', [b"ab c", b"d"]),
        (b"a'b c'", [b"ab c"]),
        (rb'"\n\r\t\b\a\\\"\q\x4a\xzz"', [b'\n\r\t\b\a\\"qJxzz']),
        (rb"'\n\'\\ '", [rb"\n'\\ "]),
        (rb"'\n\'\\'", None),
        (rb"a\n\"", None),
        (rb"a\n", [rb"a\n"]),
        (b'"a\'b"', [b"a'b"]),
        (b"'a\"b'", [b'a"b']),
        ("무게".encode(), ["무게".encode()]),
        (b'"', None),
        (b"'", None),
        (b'a "b', None),
        (b'"a\\"', None),
        (b"'a\\'", None),
        (b'"a"b', None),
        (b"'a'b", None),
        (b"'a'\"b\"", None),
        (b'a"b"c', None),
    ],
)
def test_words(line: bytes, words: list[bytes] | None) -> None:
    """Lines are taken apart as Redis takes them apart, or refused as it refuses them."""
    assert split_words(line) == words


@settings(max_examples=100)
@given(st.lists(st.binary(max_size=9), max_size=5))
def test_any_word_in_quotes(words: list[bytes]) -> None:
    """Whatever a word is, it can be written in double quotes."""
    quoted = [b'"%b"' % b"".join(b"\\x%02x" % octet for octet in word) for word in words]
    assert split_words(b" ".join(quoted)) == words
    escaped = [word.replace(b"\\", b"\\\\").replace(b'"', b'\\"') for word in words]
    assert split_words(b"\t".join(b'"%b"' % word for word in escaped)) == words


def test_long_words() -> None:
    """A word of many escapes or quotes needs no deep stack, and no long time."""
    assert split_words(b'"' + b"\\x41" * 100_000 + b'"') == [b"A" * 100_000]
    assert split_words(b"'" + b"\\'" * 100_000 + b"'") == [b"'" * 100_000]
    assert split_words(b'"' + b"\\\\" * 100_000) is None
    assert split_words(b"'" + b"\\" * 100_000) is None


def test_words_to_send() -> None:
    """What is not in Redis's notation is taken as it is, from space to space."""
    assert words_to_send(b"SET 'a b'  1") == [b"SET", b"a b", b"1"]
    assert words_to_send(b"SET 'a b  1") == [b"SET", b"'a", b"b", b"", b"1"]
    assert words_to_send(b"") == [b""]
    assert words_to_send(b" ") == [b"", b""]
