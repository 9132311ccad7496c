"""Redis's commands as text: how words are told apart, as `sdssplitargs` in its sds.c does it."""

from __future__ import annotations

import re

from sockreply.framing.marks import end_of

_BLANKS = re.compile(rb"[ \t\n\v\f\r]*")
_WORD = re.compile(
    rb"""([^ \t\n\r"']*+)                                   # a quote may begin within a word,
         (?: "([^"\\]*+(?:\\.[^"\\]*+)*+)"                  # but it ends there
           | '([^'\\]*+(?:(?:\\'|\\(?!'))[^'\\]*+)*+)' )?+
         (?=[ \t\n\v\f\r]|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(rb"\\x([0-9A-Fa-f]{2})|\\(.)", re.DOTALL)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}


def split_words(line: bytes) -> list[bytes] | None:
    r"""The words of an inline command; None: a quote does not end, or something follows its end.

    A word in double quotes may have the escapes `\n \r \t \b \a` and `\xNN`; one in single quotes,
    `\'`.
    """
    words = []
    at = end_of(_BLANKS, line, 0)
    while at < len(line):
        found = _WORD.match(line, at)
        if found is None:
            return None
        words.append(_unquoted(found))
        at = end_of(_BLANKS, line, found.end())
    return words


def words_to_send(message: bytes) -> list[bytes]:
    """The words of a message as somebody typed it.

    Where quotes are not in pairs, they are like other bytes, and each space ends a word. The same
    goes for a message without any word.
    """
    return split_words(message) or message.split(b" ")


def _unquoted(found: re.Match[bytes]) -> bytes:
    plain, double, single = found.groups()
    word: bytes = plain
    if double is not None:
        word += _ESCAPE.sub(_escaped, double)
    elif single is not None:
        word += single.replace(b"\\'", b"'")
    return word


def _escaped(found: re.Match[bytes]) -> bytes:
    digits, letter = found.groups()
    return bytes.fromhex(digits.decode()) if digits else _ESCAPES.get(letter, letter)
