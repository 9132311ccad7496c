"""Which repeated alternatives can match the same bytes in several ways."""

from __future__ import annotations

from sockreply.config.regex_overlaps import repeats_overlapping

SLOW = [
    "(a|ab|b)*x",
    "(a|aa)+$",
    r"(?:\w|\w\d)+x",
    "(ab|a|b)*",
    "^(a|b|ab)*$",
    "((a|ab)(c|bc|b)?)*x",
    "(a|a)*b",
    r"(.|\n)*x",
    "(a|a?)+$",
]

FAST = [
    "(foo|bar)*x",
    "(a|b)*x",
    "(a|ab)?x",
    "(a|b|ab){3}",
    r"(\d+,|x)*y",
    "(ab|cd|ef)+",
    "(?:abc|abd)+x",
    r"(?:[^\\]|\\.)*x",
    "^(GET|PUT|POST)+$",
    "(a|b)*(a|c)*x",
    r"(?:\r\n|\n)*",
    r"(a|(b))\2*x",
    "(=[^=]|x)*",
    "(?:(?!x).|x)*",
    "(?:aa|bbb|cccc|ddddd|eeeeee|fffffff|gggggggg|hhhhhhhhh|aaaaaaaaaa|bbbbbbbbbbb|cccccccccccc|ddddddddddddd)*x",
]


def test_repeats_overlapping() -> None:
    """Alternatives that overlap are found, however they are written, and no others."""
    assert [pattern for pattern in SLOW if not repeats_overlapping(pattern.encode())] == []
    assert [pattern for pattern in FAST if repeats_overlapping(pattern.encode())] == []


def test_odd_regexes_are_no_error() -> None:
    """It never fails, whatever Python's parser says."""
    for odd in (b"(" * 5000 + b")" * 5000, b"(?u)x", b"[[a]", b"(a)(?(1)b+|c)*", b"((a)\\2*)+"):
        assert repeats_overlapping(odd) in (True, False)
