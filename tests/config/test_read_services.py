"""Framings, rules and responders, made of what the file says, or refused."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from twisted.internet.address import IPv4Address

from sockreply.errors import ConfigError
from sockreply.replies import Close, Raw, Reply, Send, Step, Wait
from sockreply.rules.table import RuleTable
from sockreply.settings import ServiceSettings
from tests.config.refusals import CONDITIONS, FILES, LISTENS, REPLIES, RULES, SERVICES
from tests.config.texts import EVERYTHING, SERVICE, problems_of, settings_of
from tests.rules.stand_ins import session


def begins(problems: tuple[str, ...], expected: str) -> bool:
    """Is it among them, or the beginning of one?"""
    return any(problem.startswith(expected) for problem in problems)


def short(value: object) -> str:
    """A name for a case."""
    return repr(value)[:40]


@pytest.mark.parametrize(("text", "problem"), FILES, ids=short)
def test_refused_files(text: str, problem: str) -> None:
    """What is wrong outside of services has its place."""
    assert begins(problems_of(text), problem)


@pytest.mark.parametrize(("text", "problem"), SERVICES, ids=short)
def test_refused_services(text: str, problem: str) -> None:
    """What is wrong in a service has its place, and what is right there is no problem."""
    problems = problems_of(f"{SERVICE}{text}")
    assert begins(problems, problem)
    nothing = "services.s: nothing answers: it takes rules, otherwise, a greeting or a responder"
    assert len(set(problems) - {nothing}) <= 1 or "nothing answers" in problem


@pytest.mark.parametrize(("text", "problem"), LISTENS, ids=short)
def test_refused_listens(text: str, problem: str) -> None:
    """A service listens somewhere, on what can be and is not taken."""
    (only,) = problems_of(f"[services.s]\notherwise = []\n{text}")
    assert only.startswith(problem)


@pytest.mark.parametrize(("text", "problem"), RULES, ids=short)
def test_refused_rules(text: str, problem: str) -> None:
    """What is wrong in a rule has its place."""
    (only,) = problems_of(f"{SERVICE}keep_alive = true\n[[services.s.rules]]\n{text}")
    assert only.startswith(f"services.s.rules.rule-1{problem}")


@pytest.mark.parametrize(("text", "problem"), CONDITIONS, ids=short)
def test_refused_conditions(text: str, problem: str) -> None:
    """What is wrong in a condition has its place."""
    rule = f"[[services.s.rules]]\nname = 'a b'\nwhen = {text}\nreply = 'x'"
    (only,) = problems_of(f"{SERVICE}max_message = 8\n{rule}")
    assert only.startswith(f"services.s.rules.'a b'.when{problem}")


@pytest.mark.parametrize(("text", "problem"), REPLIES, ids=short)
def test_refused_replies(text: str, problem: str) -> None:
    """What is wrong in a reply has its place, wherever a reply can stand."""
    framing = f"{SERVICE}framing = 'length:bytes=1'\n"
    (only,) = problems_of(f"{framing}[[services.s.rules]]\nname = 'r'\nreply = {text}")
    assert only.startswith(f"services.s.rules.r.reply{problem}")
    (only,) = problems_of(f"{framing}otherwise = {text}")
    assert only.startswith(f"services.s.otherwise{problem}")
    (only,) = problems_of(f"{framing}otherwise = 'x'\ngreeting = {text}")
    assert only.startswith(f"services.s.greeting{problem}")
    rule = f"[[services.s.rules]]\nreplies = ['x', {text}]\nscope = 'service'"
    if not text.startswith("[["):
        (only, *_) = problems_of(f"{framing}{rule}")
        assert only.startswith(f"services.s.rules.rule-1.replies[2]{problem}")


def service(text: str, directory: Path | None = None) -> ServiceSettings:
    """The one service of a file that begins like SERVICE."""
    return settings_of(f"{SERVICE}keep_alive = true\n{text}", directory).services["s"]


def answer(built: ServiceSettings, message: bytes) -> bytes | Reply:
    """The reply to a connection's first message."""
    return built.responder.respond(message, session())


def rule(text: str) -> str:
    """One more rule."""
    return f"\n[[services.s.rules]]\n{text}\n"


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        ("'text\\n'", b"text\\n"),
        ('"caf\\u00e9\\n"', b"caf\xe9\n"),
        ("''", b""),
        ("{ hex = '00 ff\n 0A' }", None),
        ("{ hex = '00 ff 0A' }", b"\x00\xff\n"),
        ("{ hex = '' }", b""),
        ("{ base64 = 'QUI =' }", b"AB"),
        ("{ file = 'data/reply.bin' }", b"\x00from a file\r\n"),
        ("{ echo = true }", b"hello"),
        ("{ template = '<{{ message }}>' }", b"<hello>"),
        ("{ template = '{{ message }} 0d', as = 'hex' }", b"hello\r"),
    ],
    ids=short,
)
def test_data(data: str, sent: bytes | None, tmp_path: Path) -> None:
    """Data are text in the service's encoding, hex, base64, a file, a template or an echo."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "reply.bin").write_bytes(b"\x00from a file\r\n")
    text = f"{SERVICE}encoding = 'latin-1'\notherwise = {data}"
    if sent is None:
        assert problems_of(text, tmp_path)
        return
    assert answer(settings_of(text, tmp_path).services["s"], b"hello") == sent


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


def test_steps() -> None:
    """Each step of the file is a step of the reply."""
    steps = "['a', { raw = 'b' }, { delay = 0.5 }, { truncate = 'abc', at = 2 }, { drip = 'cd' }"
    reply = answer(service(f"otherwise = {steps}, {{ close = 'half' }}]"), b"")
    drips: list[Step] = [Raw(b"c"), Wait(0.05), Raw(b"d"), Wait(0.05), Raw(b"\n")]
    assert reply == Reply(b"a", Raw(b"b"), Wait(0.5), Raw(b"ab"), drips, Close("half"))
    assert answer(service("otherwise = { close = true }"), b"") == Reply(Close())
    assert answer(service("otherwise = { reset = true }"), b"") == Reply(Close("reset"))
    assert answer(service("otherwise = []"), b"") == Reply()
    assert answer(service("otherwise = ['']"), b"") == b""


def test_replies_in_turn() -> None:
    """`replies` take turns, on each connection or in the whole service."""
    for scope, second in (("connection", b"a"), ("service", b"b")):
        built = service(rule(f"replies = ['a', 'b']\nscope = '{scope}'"))
        assert answer(built, b"") == b"a"
        assert answer(built, b"") == second


def test_match_in_templates() -> None:
    """A template knows the groups that the regex has in any case; a wrong regex hides no more."""
    when = "when = [{ regex = '(?P<a>.)(?P<b>.)' }, { regex = '(?P<a>.)' }]"
    good = rule(f"{when}\nreply = {{ template = '{{{{ match.a }}}}' }}")
    assert answer(service(good), b"xy") == b"x"
    (problem,) = problems_of(f"{SERVICE}{good.replace('match.a', 'match.b')}")
    assert problem.startswith("services.s.rules.rule-1.reply.template: ")
    (problem,) = problems_of(f"{SERVICE}{good.replace('(?P<b>.)', '(')}")
    assert problem.startswith("services.s.rules.rule-1.when[1].regex: ")


def test_states_and_chances() -> None:
    """States, and chances that a seed repeats, reach the table."""
    first = rule("state = 'a'\nnext_state = 'b'\nreply = 'to b'")
    second = rule("state = ['b']\nchance = 0.5\nreply = 'sometimes'")
    text = f"seed = 5\ninitial_state = 'a'\n{first}{second}"
    runs = []
    for _ in range(2):
        built, connection = service(text), session()
        runs.append([built.responder.respond(b"", connection) for _ in range(50)])
    assert runs[0] == runs[1]
    assert runs[0][0] == b"to b"
    assert set(runs[0][1:]) == {b"sometimes", Reply()}


def test_greeting() -> None:
    """A greeting that is always the same is one; another is made for each connection."""
    assert service("otherwise = 'x'\ngreeting = 'hi'").greeting == b"hi"
    two = service("otherwise = 'x'\ngreeting = ['a', 'b']").greeting
    assert two == Reply(Send(b"a"), Send(b"b"))
    made = service("otherwise = 'x'\ngreeting = { template = 'hi {{ peer.host }}' }").greeting
    assert callable(made)
    assert made(session()) == b"hi 192.0.2.1"
    code = f"{SERVICE}responder = 'tests.config.texts:shout'\ngreeting = {{ echo = true }}"
    made = settings_of(code).services["s"].greeting
    assert callable(made)
    assert made(session()) == b""


def test_another_encoding(tmp_path: Path) -> None:
    """The same rules can be had in another encoding, even when their files are gone."""
    (tmp_path / "reply").write_bytes(b"from a file")
    text = rule("when = { equals = 'é' }\nreply = 'è'") + rule("reply = { file = 'reply' }")
    built = service(text, tmp_path)
    (tmp_path / "reply").unlink()
    assert built.responder_in is not None
    latin = built.responder_in("latin-1")
    assert isinstance(latin, RuleTable)
    assert latin.respond(b"\xe9", session()) == b"\xe8"
    assert latin.respond("é".encode(), session()) == b"from a file"
    with pytest.raises(ConfigError) as caught:
        built.responder_in("ascii")
    place = "services.s.rules.rule-1.when.equals"
    assert str(caught.value) == f"{place}: ascii cannot encode 'é'"
    code = settings_of(f"{SERVICE}responder = 'tests.config.texts:shout'").services["s"]
    assert code.responder_in is None


def test_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program is found on the PATH, or beside the file if its name has a slash."""
    program = tmp_path / "answer"
    program.write_text("#!/bin/sh\n")
    rules = rule("when = { equals = 'a' }\nreply = { command = ['./answer', 'x'] }")
    place = "services.s.rules.rule-1.reply.command"
    text = f"{SERVICE}{rules}"
    assert problems_of(text, tmp_path) == (f"{place}: {program} is not executable",)
    program.chmod(0o700)
    assert problems_of(text, tmp_path) == ()
    assert problems_of(text.replace("./", ""), tmp_path) != ()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert problems_of(text.replace("./", ""), tmp_path) == ()


def test_warnings_of_regexes() -> None:
    """A regex that may take for ever is legal, and told."""
    slow = rule("when = { regex = '(a+)+$' }\nreply = 'x'")
    (warning,) = settings_of(SERVICE + slow).warnings
    assert warning.startswith("services.s.rules.rule-1.when.regex: a repeat within a repeat")


def test_warning_of_byte_order_marks() -> None:
    """An encoding that marks each text would be a surprise in conditions."""
    text = f"{SERVICE}otherwise = 'x'\n"
    for encoding in ("utf-16", "utf-32", "utf-8-sig"):
        (warning,) = settings_of(f"{text}encoding = '{encoding}'").warnings
        assert warning.startswith(f"services.s.encoding: {encoding} puts a byte order mark before")
    assert settings_of(f"{text}encoding = 'utf-16-le'").warnings == ()


def test_warning_of_text_that_looks_like_a_template() -> None:
    """Text is sent as it is, also if it was meant to be filled in."""
    text = "'a {{ message }}'"
    (warning,) = settings_of(f"{SERVICE}otherwise = {text}").warnings
    assert warning.startswith(f"services.s.otherwise: {text} is sent as it is written; ")
    for quiet in ("{ template = 'a {{ message }}' }", """'{"a": {"b": {}}}'""", "'{{}} {'"):
        assert settings_of(f"{SERVICE}otherwise = {quiet}").warnings == ()


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


def test_warnings_of_python_do_not_leak() -> None:
    """What Python warns of in a regex is not for the operator."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        settings_of(SERVICE + rule("when = { regex = '[[a]' }\nreply = 'x'"))


def test_places_are_in_every_text() -> None:
    """Each key that stands in the file can be said to be wrong by its place."""
    wrong = EVERYTHING.replace("max_message = 900", "max_message = 0")
    assert problems_of(wrong) == (
        "services.scale.max_message: 0 is not a whole number from 1 to 2147483647",
    )
