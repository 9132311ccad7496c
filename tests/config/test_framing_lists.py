"""Lists of framings, made of what a file says, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockreply.framing import Choice, Entry, parse_framing
from sockreply.masks import Mask
from tests.config.texts import SERVICE, problems_of, service, short

LINE = parse_framing("line")


def test_a_list() -> None:
    """Its entries have their beginnings as conditions have data, in the service's encoding."""
    built = service("""
        encoding = "latin-1"
        framing = [
            { starts_with = "é", framing = "fixed:size=3" },
            { starts_with = ["a", { hex = "62 ??" }, { base64 = "Yw==" }], framing = "netstring" },
            { framing = "line" },
        ]
    """)
    assert built.framing == Choice(
        (
            Entry(parse_framing("fixed:size=3"), (Mask(b"\xe9"),)),
            Entry(
                parse_framing("netstring"),
                (Mask(b"a"), Mask(b"b\0", frozenset({1})), Mask(b"c")),
            ),
            Entry(LINE),
        )
    )


def test_an_entry_with_a_table() -> None:
    """An entry may have a head that says how much follows it; its errors have their place."""
    text = r"""
        [[services.s.framing]]
        starts_with = "P"
        framing = { head = "line", length = 'P(?P<length>\d)' }
        [[services.s.framing]]
        framing = "fixed:size=1"
    """
    framer = service(text).framing.framer(9)
    framer.receive_data(b"P2\nabcP0\n")
    assert list(iter(framer.next_message, None)) == [b"P2\nab", b"c", b"P0\n"]
    (problem,) = problems_of(SERVICE + text.replace('"line"', '"eof"'))
    assert problem.startswith("services.s.framing[1].framing.head: a head has to end at a mark")


def test_beginnings_from_files(tmp_path: Path) -> None:
    """A file beside the configuration can hold what messages begin with."""
    (tmp_path / "magic").write_bytes(b"\x89A\r\n")
    built = service(
        "framing = [{ starts_with.file = 'magic', framing = 'netstring' }, { framing = 'line' }]",
        tmp_path,
    )
    (first, _) = built.framing.entries  # type: ignore[attr-defined]  # it is a list
    assert first.starts_with == (Mask(b"\x89A\r\n"),)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", ": an empty list; it needs at least one framing"),
        ("['line']", "[1]: expected a table, found text 'line'"),
        ("[{}]", "[1].framing: is missing"),
        ("[{ starts_with = 'a' }]", "[1].framing: is missing"),
        ("[{ framing = 5 }]", "[1].framing: expected text or a table, found number 5"),
        ("[{ framing = [] }]", "[1].framing: expected text or a table, found a list"),
        ("[{ framing = 'lines' }]", "[1].framing: unknown framing 'lines'; known: "),
        ("[{ framing = 'line', start = 'a' }]", "[1].start: unknown key"),
        ("[{ framing = 'chunk' }]", "[1].framing: chunk cannot be in a list, because its bytes do"),
        ("[{ framing = 'gap' }]", "[1].framing: gap cannot be in a list, because its bytes do"),
        ("[{ framing = 'eof' }]", "[1].framing: eof cannot be in a list, because its bytes do not"),
        (
            "[{ framing = 'fixed:size=9' }]",
            "[1].framing: fixed: size=9 is more than max_message = 8",
        ),
        (
            "[{ starts_with = [], framing = 'line' }]",
            "[1].starts_with: an empty list; leave it out for all messages",
        ),
        (
            "[{ starts_with = '', framing = 'line' }]",
            "[1].starts_with: is empty; leave it out for all messages",
        ),
        (
            "[{ starts_with = ['a', { hex = '' }], framing = 'line' }]",
            "[1].starts_with[2]: is empty; leave it out for all messages",
        ),
        (
            "[{ starts_with = { hex = '4' }, framing = 'line' }]",
            "[1].starts_with.hex: '4' at character 0",
        ),
        (
            "[{ starts_with = '123456789', framing = 'line' }]",
            "[1].starts_with: 9 bytes, but no message has more than max_message = 8",
        ),
        (
            "[{ starts_with = { echo = true }, framing = 'line' }]",
            "[1].starts_with: expected a table with hex, base64 or file, found one with echo",
        ),
        (
            "[{ framing = 'line' }, { starts_with = 'a', framing = 'netstring' }]",
            "[2]: unreachable: entry 1 already takes every message",
        ),
        (
            "[{ starts_with = 'a', framing = 'line' }, { starts_with = 'ab', framing = 'line' }]",
            "[2].starts_with: unreachable: entry 1 already takes every such message",
        ),
        (
            "[{starts_with={hex='??61'},framing='line'},{starts_with=['ca','b'],framing='line'}]",
            "[2].starts_with[1]: unreachable: entry 1 already takes every such message",
        ),
    ],
    ids=short,
)
def test_refused_lists(text: str, problem: str) -> None:
    """What is wrong in a list has its place, and is one problem."""
    (only,) = problems_of(f"{SERVICE}max_message = 8\nframing = {text}")
    assert only.startswith(f"services.s.framing{problem}")


def test_all_that_is_wrong_in_a_list() -> None:
    """An entry with a wrong framing still takes its messages from those after it."""
    problems = problems_of(
        f"{SERVICE}framing = [{{ starts_with = 'a', framing = 'x' }}, {{ framing = 'gap' }}, "
        "{ framing = 'line' }]"
    )
    assert [problem.partition(": ")[0] for problem in problems] == [
        "services.s.framing[1].framing",
        "services.s.framing[2].framing",
        "services.s.framing[3]",
    ]


LISTED = f"{SERVICE}keep_alive = true\nframing = ["


@pytest.mark.parametrize(
    ("framing", "when", "problem"),
    [
        ("{ starts_with = 'a', framing = 'line' }, { framing = 'fixed:size=3' }", "'a\\n'", ""),
        (
            "{ starts_with = 'a', framing = 'line' }, { framing = 'delimited:end=\\n\\n' }",
            '"a\\n\\n"',
            r"no message has 'a\n\n' in it: the framing ends it there",
        ),
        (
            "{ starts_with = 'a', framing = 'fixed:size=3' }, { framing = 'fixed:size=3' }",
            "'ab'",
            "2 bytes, but every message of the framing has 3",
        ),
        (
            "{ starts_with = 'a', framing = 'fixed:size=2' }, { framing = 'fixed:size=3' }",
            "'ab'",
            "",
        ),
    ],
)
def test_conditions_that_no_framing_of_a_list_allows(framing: str, when: str, problem: str) -> None:
    """Only what is impossible in every entry is refused."""
    text = f"{LISTED}{framing}]\nrules = [{{ when.equals = {when}, reply = [] }}]"
    assert problems_of(text) == (
        (f"services.s.rules.rule-1.when.equals: {problem}",) if problem else ()
    )


def test_replies_that_a_list_can_carry() -> None:
    """A reply is refused if no entry can carry it; a greeting, if the last one cannot."""
    both = (
        f"{LISTED}{{ starts_with = 'a', framing = 'length:bytes=2' }}, "
        "{ framing = 'length:bytes=1' }]\n"
    )
    long, longer = "x" * 300, "x" * 70_000
    assert problems_of(f"{both}otherwise = '{long}'") == ()
    (wrong,) = problems_of(f"{both}otherwise = '{longer}'")
    assert wrong.startswith("services.s.otherwise: the framing cannot carry it: 70000 bytes")
    (wrong,) = problems_of(f"{both}greeting = '{long}'")
    assert wrong.startswith("services.s.greeting: the framing cannot carry it: 300 bytes")
