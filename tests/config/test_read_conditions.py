"""Conditions, made of what a configuration says, or refused."""

from __future__ import annotations

import pytest
from twisted.internet.address import IPv4Address

from sockreply.replies import Reply
from sockreply.rules import RuleTable
from tests.config.refusals import CONDITIONS
from tests.config.texts import (
    SERVICE,
    answer,
    begins,
    problems_of,
    rule,
    service,
    settings_of,
    short,
)
from tests.rules.stand_ins import session


@pytest.mark.parametrize(("text", "problem"), CONDITIONS, ids=short)
def test_refused_conditions(text: str, problem: str) -> None:
    """What is wrong in a condition has its place."""
    rule = f"[[services.s.rules]]\nname = 'a b'\nwhen = {text}\nreply = 'x'"
    (only,) = problems_of(f"{SERVICE}max_message = 8\n{rule}")
    assert only.startswith(f"services.s.rules.'a b'.when{problem}")


@pytest.mark.parametrize(
    ("when", "holds", "does_not"),
    [
        ("{ equals = 'ab' }", b"ab", b"AB"),
        ("{ equals = 'ab', ignore_case = true }", b"AB", b"abc"),
        ("{ starts_with = { hex = '41 ?? 43' } }", b"AxCx", b"ABD"),
        ("{ ends_with = { base64 = 'QQ==' } }", b"xA", b"Ax"),
        ("{ contains = 'b' }", b"abc", b"ac"),
        ("{ regex = '^a.$' }", b"ab", b"bab"),
        ("{ regex = 'A', ignore_case = true }", b"bab", b"b"),
        ("{ regex = 'é' }", "é".encode(), b"\xe9"),
        ("{ length = 2 }", b"ab", b"a"),
        ("{ length = { min = 2 } }", b"abc", b"a"),
        ("{ length = { max = 2 } }", b"", b"abc"),
        ("{ peer = '192.0.2.0/24' }", b"", None),
        ("{ peer = ['10.0.0.0/8', '192.0.2.1'] }", b"", None),
        ("{ not = { equals = 'a' } }", b"A", b"a"),
        ("{ not = { equals = 'a' }, ignore_case = true }", b"b", b"A"),
        ("{ not = { equals = 'a', ignore_case = false }, ignore_case = true }", b"A", b"a"),
        ("{ not = [{ equals = 'a' }, { equals = 'b' }] }", b"c", b"b"),
        ("{ not = { length = 100000 } }", b"c", None),
        ("[{ equals = 'a' }, { equals = 'b' }]", b"b", b"c"),
        ("{ starts_with = 'a', ends_with = 'c', length = 3 }", b"abc", b"abbc"),
    ],
    ids=short,
)
def test_conditions(when: str, holds: bytes, does_not: bytes | None) -> None:
    """Each condition holds for what it says, and not for other messages."""
    built = service(rule(f"when = {when}\nreply = 'yes'"))
    assert answer(built, holds) == b"yes"
    if does_not is not None:
        assert answer(built, does_not) == Reply()


def test_peer_elsewhere() -> None:
    """A peer outside of the networks is not in them."""
    built = service(rule("when = { peer = '10.0.0.0/8' }\nreply = 'yes'"))
    assert built.responder.respond(b"", session(IPv4Address("TCP", "10.1.2.3", 1))) == b"yes"
    assert built.responder.respond(b"", session()) == Reply()


@pytest.mark.parametrize(
    ("framing", "when", "problem"),
    [
        (
            "line",
            'equals = "A\\n"',
            r"equals: no message has '\n' in it: the framing ends it there",
        ),
        ("line:ending=crlf", 'contains = "\\n"', r"contains: no message has '\n' in it"),
        ("delimited:end=||", "ends_with = '||'", "ends_with: no message has '||' in it"),
        ("delimited:end=z", "contains = 'xz'", "contains: no message has 'z' in it"),
        ("enclosed:start=<,end=>", "equals = { hex = '3e' }", "equals: no message has '>' in it"),
        (
            "fixed:size=3",
            "equals = 'ab'",
            "equals: 2 bytes, but every message of the framing has 3",
        ),
        ("fixed:size=3", "equals = 'abcd'", "equals: 4 bytes, but every message of the framing"),
        ("fixed:size=3", "ends_with = 'abcd'", "ends_with: 4 bytes, but every message of the"),
        ("fixed:size=3", "length = 2", "length: every message of the framing has 3 bytes"),
        ("fixed:size=3", "length.min = 4", "length: every message of the framing has 3 bytes"),
        ("fixed:size=3", "length = { min = 1, max = 2 }", "length: every message of the framing"),
    ],
)
def test_messages_that_the_framing_cannot_have(framing: str, when: str, problem: str) -> None:
    """A condition that no message of the framing can fulfil is an error."""
    text = f"{SERVICE}framing = '{framing}'\n" + rule(f"when = {{ {when} }}\nreply = 'x'")
    (only,) = problems_of(text)
    assert only.startswith(f"services.s.rules.rule-1.when.{problem}")
    assert problems_of(text.replace(f"{{ {when} }}", f"{{ not = {{ {when} }} }}")) == ()


@pytest.mark.parametrize(
    ("framing", "when"),
    [
        ("line", 'equals = "A\\r"'),  # CR CR LF ends it
        ("line", "contains = { hex = '41 ??' }"),
        ("delimited:end=z", "contains = 'Z', ignore_case = true"),
        ("delimited:end=Z", "contains = 'Z', ignore_case = true"),
        ("delimited:end=||", "contains = '|'"),
        ("enclosed:start=<,end=>", "equals = '<'"),
        ("fixed:size=3", "starts_with = 'ab'"),
        ("fixed:size=3", "equals = 'abc'"),
        ("fixed:size=3", "length = { min = 3, max = 3 }"),
        ("fixed:size=3", "length.min = 2"),
        ("chunk", 'equals = "A\\n"'),
        ("netstring", 'equals = "A\\n"'),
    ],
)
def test_messages_that_the_framing_can_have(framing: str, when: str) -> None:
    """What a peer can send in some way can be asked for."""
    text = f"{SERVICE}framing = '{framing}'\n" + rule(f"when = {{ {when} }}\nreply = 'xyz'")
    assert problems_of(text) == ()


@pytest.mark.parametrize("encoding", ["cp037", "utf-16-le"])
def test_case_in_an_encoding_that_is_not_like_ascii(encoding: str) -> None:
    """Case cannot be told where letters have other bytes; without it all is well."""
    text = f"{SERVICE}encoding = '{encoding}'\n"
    rule_ = rule("when = { equals = 'a', ignore_case = true }\nreply = 'x'")
    (problem,) = problems_of(text + rule_)
    place = "services.s.rules.rule-1.when.ignore_case"
    assert problem.startswith(f"{place}: {encoding} has other bytes for letters than ASCII; ")
    settings_of(text + rule_.replace(", ignore_case = true", ""))


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("when = { equals = '{{ x }}' }\nreply = 'x'", "when.equals"),
        ("when = { not = { contains = '{{ x }}' } }\nreply = 'x'", "when.not.contains"),
        ("when = { regex = '^{{ x }}$' }\nreply = 'x'", "when.regex"),
        ("next_state = '{{ x }}'\nreply = 'x'", "next_state"),
        ("reply = { command = ['true', '{{ x }}'] }", "reply.command[2]"),
    ],
)
def test_templates_where_there_are_none(written: str, place: str) -> None:
    """Text that looks like a template, and is none, is warned of wherever it is written."""
    (warning,) = settings_of(f"{SERVICE}keep_alive = true\n{rule(written)}").warnings
    text = "^{{ x }}$" if "regex" in place else "{{ x }}"
    assert warning == (
        f"services.s.rules.rule-1.{place}: '{text}' is taken literally; "
        "only what a reply sends can be a template"
    )


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("true", "TLS"),
        ("false", "no TLS"),
        ("{ version = '1.3', sni = ['a', '*.b'] }", "TLS with sni a or *.b and version 1.3"),
        ("{ subject = 'CN=*' }", "TLS with subject CN=*"),
    ],
)
def test_tls(when: str, told: str) -> None:
    """That there is TLS, or none, or what is known of it."""
    rule = f"rules = [{{ when = {{ tls = {when} }}, reply = 'x' }}]"
    table = service(rule).responder
    assert isinstance(table, RuleTable)
    assert str(table.rules[0].when) == told


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ("{}", ".tls: no condition; tls = true is for any connection over TLS"),
        ("{ sni = [] }", ".tls.sni: is empty; tls = true is for any"),
        ("{ version = '3' }", ".tls.version: expected "),
        ("{ name = 'x' }", ".tls.name: unknown key"),
        ("'x'", ".tls: expected true or false or a table, found text 'x'"),
    ],
)
def test_refused_tls(when: str, problem: str) -> None:
    """What asks for nothing, or for what nobody knows, is an error."""
    problems = problems_of(f"{SERVICE}rules = [{{ when = {{ tls = {when} }}, reply = 'x' }}]")
    assert begins(problems, f"services.s.rules.rule-1.when{problem}")
