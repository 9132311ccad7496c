"""Framings as tables, with a head that says how much follows it."""

from __future__ import annotations

import re

import pytest

from sockreply.framing import Headed, parse_framing
from tests.config.texts import SERVICE, begins, problems_of, service, settings_of, short
from tests.framing.table import receive

LENGTH = r"length = 'n=(?P<length>\d+)'"
PLACE = "services.s.framing"
HEADS = [
    ("{ head = 'line' }", f"{PLACE}.length: is missing"),
    (f"{{ {LENGTH} }}", f"{PLACE}.head: is missing"),
    (
        f"{{ head = 'lines', {LENGTH} }}",
        f"{PLACE}.head: unknown framing 'lines'; known: chunk, line, ",
    ),
    (
        f"{{ head = 'fixed:size=3', {LENGTH} }}",
        (
            f"{PLACE}.head: a head has to end at a mark: use delimited, or line without "
            "ending=any, telnet and blocks"
        ),
    ),
    (
        r"{ head = 'line', length = '(\d+)' }",
        rf"{PLACE}.length: needs a group length, as in (?P<length>\d+)",
    ),
    ("{ head = 'line', length = '(?P<length' }", f"{PLACE}.length: "),
    (f"{{ head = 'line', {LENGTH}, base = 8 }}", f"{PLACE}.base: expected 10 or 16, found number"),
    (f"{{ head = 'line', {LENGTH}, adjust = 0.5 }}", f"{PLACE}.adjust: "),
    (f"{{ head = 'line', {LENGTH}, adjust = {2**31} }}", f"{PLACE}.adjust: "),
    (f"{{ head = 'line', {LENGTH}, end = 'x' }}", f"{PLACE}.end: unknown key; known: head, length"),
]


@pytest.mark.parametrize(("text", "problem"), HEADS, ids=short)
def test_refused_heads(text: str, problem: str) -> None:
    """What is wrong in a table has its place."""
    problems = problems_of(f"{SERVICE}framing = {text}\n")
    assert begins(problems, problem)
    assert len(problems) == 1


def test_all_that_is_wrong_with_a_head() -> None:
    """Both keys are looked at, and what depends on the framing is not complained about."""
    text = "framing = { head = 'eof', length = 'x' }\nrules = [{ when.equals = 'x', reply = 'y' }]"
    assert [problem.partition(":")[0] for problem in problems_of(f"{SERVICE}{text}\n")] == [
        f"{PLACE}.head",
        f"{PLACE}.length",
    ]


def test_a_head_with_its_body() -> None:
    """A table becomes a framing with bodies; what is left out has its default."""
    made = service(f"framing = {{ head = 'line', {LENGTH} }}").framing
    assert made == Headed(parse_framing("line"), re.compile(rb"n=(?P<length>\d+)"))
    assert receive(made.framer(9), [b"n=2\nabc\n"]).messages == (b"n=2\nab", b"c")
    more = f"framing = {{ head = 'line:ending=crlf', {LENGTH}, adjust = -1, base = 16 }}"
    made = service(more).framing
    assert isinstance(made, Headed)
    assert (made.head, made.adjust, made.base) == (parse_framing("line:ending=crlf"), -1, 16)


def test_the_expression_is_of_the_encoding() -> None:
    """Letters in the expression are bytes in the encoding of the service."""
    text = f"{SERVICE}encoding = 'latin-1'\nframing = {{ head = 'line', length = '€' }}"
    assert problems_of(text) == (f"{PLACE}.length: latin-1 cannot encode '€'",)
    table = r"{ head = 'line', length = 'é(?P<length>\d)' }"
    made = service(f"encoding = 'latin-1'\nframing = {table}").framing
    assert receive(made.framer(9), [b"\xe91\nab\n"]).messages == (b"\xe91\na", b"b")


def test_an_expression_that_surprises() -> None:
    """The expression is looked at as those of conditions are."""
    text = rf"{SERVICE}framing = {{ head = 'line', length = '(x+)+(?P<length>\d)' }}"
    (warning,) = settings_of(text).warnings
    assert warning.startswith(f"{PLACE}.length: a repeat within a repeat")


def test_the_shortest_messages() -> None:
    """A framing of a table has messages as short as any."""
    assert service(f"max_message = 1\nframing = {{ head = 'line', {LENGTH} }}").framing
