"""Which regular expressions can take for ever."""

from __future__ import annotations

from sockreply.config.regex_repeats import repeats_within_repeats

SLOW = [
    "(a+)+",
    "(a*)*b",
    "((a|b)+)*",
    "(?:a+b?)+?",
    "(a|b+)+",
    "(?i:a+)+",
    "(?i:(a+A)+)",
    "(?=(a+)+)",
    r"(.*,)*x",
    r"(\w+\s?)+$",
    r"(\d+\d+,)*x",
    r"((\d+,)*\d*;?)*x",
    r"((a+){2})+b",
    "(a{2,5})+$",
    "(a?a)*x",
    "(a+){10}",
    "(.*a){12}",
    "(a{1,30}){1,30}b",
]
FAST = [
    "a+b+",
    "(ab)+",
    "(a|b)*",
    "(a+){3}",
    "(a+)?",
    "([0-9a-f]{1,4}:?){8}",
    "(,a+){10}",
    "[ab+]+",
    "",
    "(",
    "((a+)b)?",
    "(foo|bar)*x",
    "(ab?)*x",
    "(?>a+)x",
    "(?:ab+)+c",
    "(x(a+)?)+",
    r"(\d+,)*\d+",
    r"^(-?\d+\.\d+,)*x",
    r"(\w+\s+)*x",
    r"((\d+,)*;)*x",
    r"(?:[^,]*,)+x",
]


def test_repeats_within_repeats() -> None:
    """Repeats that can share bytes out in many ways are found, however they are written."""
    assert [pattern for pattern in SLOW if not repeats_within_repeats(pattern.encode())] == []
    assert [pattern for pattern in FAST if repeats_within_repeats(pattern.encode())] == []


def test_odd_regexes_are_no_error() -> None:
    """Looking for repeats never fails, whatever Python's parser says."""
    for odd in (b"(" * 5000 + b")" * 5000, b"(?u)x", b"[[a]", b"(a)(?(1)b+|c)*", b"((a)\\2*)+"):
        assert repeats_within_repeats(odd) in (True, False)
