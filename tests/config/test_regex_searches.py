"""Which searches start over at each byte of a run."""

from __future__ import annotations

from sockreply.config.regex_searches import searches_long_runs

SLOW = [
    r"(a)\1*x",
    "a+$",
    r"\d+x",
    r"\s+$",
    ".*x",
    r"(?P<n>\d+) kg",
    "(a+)x",
    "x?a+$",
    "a*b*$",
    "[a-c]a*x",
    r"\w+@\w+",
    "(ab|c)+x",
    "a+$|b",
    "b|a+$",
    "q.*x",
    "a{2,}x",
    r"(?:\d+|a)x",
    "a+?x",
    r"\d+(kg|lb)",
    r"a+\Z",
    r"\w+\d",
]

FAST = [
    "^a+$",
    r"\Aa+x",
    ".*",
    ".+",
    "(?s).*$",
    ".*$",
    "a+",
    "a+b?",
    "hello.*x",
    "VOLT .*;",
    r"^MSH\|",
    "a{1,5}x",
    "x",
    "",
    "(",
    r"(?i)^VOLT 3\.30*$",
    "b.x",
    r"\w+\b",
    "ab+c",
    "xa*$",
    "(?>a+)x",
    "(?:(?=a)b)?c",
]


def test_searches_long_runs() -> None:
    """Runs from each of whose bytes a search goes on and fails are found, and no others."""
    assert [pattern for pattern in SLOW if not searches_long_runs(pattern.encode())] == []
    assert [pattern for pattern in FAST if searches_long_runs(pattern.encode())] == []


def test_odd_regexes_are_no_error() -> None:
    """It never fails, whatever Python's parser says."""
    for odd in (b"(" * 5000 + b")" * 5000, b"(?u)x", b"[[a]", b"(a)(?(1)b+|c)*", b"((a)\\2*)+"):
        assert searches_long_runs(odd) in (True, False)
