"""Joined templates give what Jinja2 gives, in every case, and fail as it does."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from zope.interface import implementer

from sockreply.errors import ConfigError, TemplateFailed
from sockreply.rules.asked import Asked
from sockreply.rules.replies.data import Data
from sockreply.rules.templates.bounds import LONGEST
from sockreply.rules.templates.joined import Joined
from sockreply.rules.templates.template import Template, compile_template
from tests.rules.stand_ins import PEER, asked, session

ROOT = Path(__file__).resolve().parents[3]

ENCODINGS = (
    *("ascii", "utf-8", "utf-8-sig", "latin-1", "cp037", "cp500", "cp932", "cp949", "gb18030"),
    *("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "iso2022_jp", "iso2022_kr", "hz"),
)


@implementer(IAddress)
class OddAddress:
    """An address as somebody else may write one."""

    host = "höst"

    @property
    def port(self) -> int:
        raise RuntimeError("no port")

    def __str__(self) -> str:
        return "öd\ud800d"


PEERS: tuple[IAddress, ...] = (
    PEER,
    IPv4Address("TCP", "høst", 0),
    IPv6Address("TCP", "fe80::1%eth0", 65535),
    UNIXAddress(None),
    UNIXAddress("/run/ä"),
    OddAddress(),
)
REGEXES = (None, rb"(?s)(?P<unit>..)?(?P<_kind>.)?(?P<items>.*)", rb"(?s).?", rb"nothing|")
"""Those of rules whose groups are the ones that templates name, and of rules with fewer."""

FOUND = re.match(rb"(?P<unit>k)(g)(x)?", b"kg")
GROUPS = ("unit", "_kind", "items", "mro", 1, 2, 3)
VALUES = (
    *("message", "match", "match[1]", "match.unit", "count", "state", "peer", "peer.host"),
    *("peer.port", "peer.nope", "(message)", "match[0]", "match[3]", "match[true]"),
    *("match['unit']", "match.items", "match._kind", "match['_kind']", "match.mro"),
    *("local", "local.host", "local.port", "local.nope"),
)
MESSAGES = (
    *(b"", b"kg", b"\xff\xfe", b"\xff\xfeA\0", b"A\0", b"A", b"\xef\xbb\xbfA", b"\x00\xd8"),
    *(b"\x1b$B", b"~{", b"+AGE", b"%s%%", b"{{ message }}", b"\r\n", b"\xb4", b"\xed\xa0\x80"),
    *("é".encode(), "응".encode("cp949"), bytes(range(256))),
)
SIZES = (LONGEST - 1, LONGEST, LONGEST + 1, LONGEST // 2)


def both(source: str, **named: Any) -> tuple[Data, Data]:
    """A template as it is used, and as Jinja2 fills it in.

    Raises:
        ConfigError: It is none.
    """
    return (
        compile_template(source, join=True, **named),
        compile_template(source, join=False, **named),
    )


def outcome(template: Data, of: Asked) -> tuple[object, float]:
    """What a template makes or how it fails, and what is drawn after it."""
    try:
        made: object = template.bytes_for(of)
        assert type(made) is bytes
    except TemplateFailed as error:
        made = str(error)
    return made, of.random.random()


def assert_same(used: Data, general: Data, *of: Any) -> None:
    """See that both make the same of a message, or fail alike."""
    first, second = (
        Asked(message, session(peer, count=count), state, Random(1), match=match)
        for message, peer, count, state, match in (of, of)
    )
    assert outcome(used, first) == outcome(general, second)


def written(value: str) -> st.SearchStrategy[str]:
    """A value as it stands in a template, with or without the signs that strip white space."""
    return st.sampled_from(("{{ %s }}", "{{%s}}", "{{- %s -}}", "{{+ %s }}", "{{\r\n%s\t}}")).map(
        lambda braces: braces % value
    )


texts = st.one_of(
    st.text(st.characters(max_codepoint=127, exclude_characters="{"), max_size=4),
    st.text(max_size=4),
    st.sampled_from(["01", "0 a\n", "fF 00"]),
    st.sampled_from(
        ["\r\n", "\n", " ", "%", "%b", "00", "0", "random", "é", "응", "日本", "\ufeff"]
    ),
    st.sampled_from(["{# nothing #}", "{#- -#}", "{% raw %}{{ x }}{% endraw %}"]),
)
templates = st.lists(st.sampled_from(VALUES).flatmap(written) | texts, max_size=6).map("".join)
messages = st.one_of(
    st.sampled_from(MESSAGES),
    st.binary(max_size=8),
    st.sampled_from(SIZES).map(lambda size: b"\xe9" * size),
)
states = st.sampled_from(["start", "", "é", "\ud800", "\udcff", "応"])


@settings(max_examples=300)
@given(
    templates,
    st.sampled_from(ENCODINGS),
    st.sampled_from([False, False, False, True]),
    messages,
    st.sampled_from(PEERS),
    st.integers(0, 10**30),
    states,
    st.sampled_from(REGEXES),
)
@example("{{ message }}é{{ state }}", "ascii", False, b"", PEER, 1, "", None)
@example("日{# #}本{{ count }}", "iso2022_jp", False, b"", PEER, 1, "", None)
@example("0{{ message }}0", "utf-8", True, b"", PEER, 1, "", None)
@example("{{ count }}{{ count }}", "utf-8", True, b"", PEER, 1, "", None)
@example("random {{ message }}", "utf-8", False, b"", PEER, 1, "", None)
@example("{{ message }}{{ state }}", "ascii", False, b"x" * (LONGEST + 1), PEER, 1, "é", None)
@example("{{ state }}{{ message }}", "ascii", False, b"x" * (LONGEST + 1), PEER, 1, "é", None)
@example("\n{{ message }}", "utf-8", True, b"x" * LONGEST, PEER, 1, "", None)
@example("{{ match }}", "utf-16", False, b"\xff\xfeA\0", PEER, 1, "", rb".*")
@example("{{ peer.port }}", "ascii", False, b"", OddAddress(), 1, "", None)
def test_any_template(
    source: str,
    encoding: str,
    as_hex: bool,
    message: bytes,
    peer: IAddress,
    count: int,
    state: str,
    regex: bytes | None,
) -> None:
    """Whatever text and names a template has, and whatever it is filled in with."""
    try:
        used, general = both(source, encoding=encoding, as_hex=as_hex, groups=GROUPS)
    except ConfigError:
        reject()
    found = None if regex is None else re.search(regex, message)
    assert_same(used, general, message, peer, count, state, found)


@cache
def published() -> frozenset[str]:
    """All templates of the examples, the documentation and the tests."""
    files = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*.toml")]
    sources = {source for file in files for source in _of_toml(file)}
    for file in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                sources.add(node.value)
    return frozenset(source for source in sources if "{{" in source)


def _of_toml(file: Path) -> Iterator[str]:
    text = file.read_text("utf-8")
    blocks = re.findall(r"^```toml[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    for block in blocks if file.suffix == ".md" else [text]:
        yield from _templates_in(tomllib.loads(block))


def _templates_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("template"), str):
            yield value["template"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _templates_in(each)


def words_in(source: str) -> list[str]:
    """What may be the name of a group of a rule's expression."""
    return re.findall(r"[A-Za-z_]\w*", source, re.ASCII)


def joined(source: str, encoding: str, *, as_hex: bool) -> Joined | None:
    """A template as it is used; None: it is none, or Jinja2 fills it in anyway."""
    groups = [*words_in(source), *range(10)]
    try:
        used = compile_template(source, join=True, encoding=encoding, as_hex=as_hex, groups=groups)
    except ConfigError:
        return None
    return used if isinstance(used, Joined) else None


@cache
def published_and_joined() -> frozenset[str]:
    """Those that are joined as UTF-8, which has all characters; compiling all takes its time."""
    return frozenset(each for each in published() if joined(each, "utf-8", as_hex=False))


@pytest.mark.parametrize("as_hex", [False, True])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_published_templates(encoding: str, as_hex: bool) -> None:
    """All templates that are shown or tested anywhere, with messages that are hard to print."""
    count = 0
    for source in published_and_joined():
        used = joined(source, encoding, as_hex=as_hex)
        if used is None:
            continue
        count += 1
        words = words_in(source)
        groups = [*words, *range(10)]
        general = compile_template(
            source, join=False, encoding=encoding, as_hex=as_hex, groups=groups
        )
        regex = b"(?s)" + b"".join(b"(?P<%b>.)?" % word.encode() for word in dict.fromkeys(words))
        for message in MESSAGES:
            match = re.match(regex, message)
            assert_same(used, general, message, PEER, 7, "ready", match)
            assert_same(used, general, message, UNIXAddress("/run/ä"), 10**20, "é", None)
    assert count > (3 if as_hex else 20)


@pytest.mark.parametrize(
    ("source", "as_hex"),
    [
        ("+{{ message }}", False),
        ("{{ match[1] }} {{ match.unit }}{{ match['unit'] }}{{ match }}", False),
        ("{{ count }} {{ state }} {{ peer }} {{ peer.host }}:{{ peer.port }}\r\n", False),
        ("{{ local }} {{ local.host }}:{{ local.port }}", False),
        ("a{# nothing #}b{{- message -}} {% raw %}{{{% endraw %}", False),
        ("01 0\n2{{ message }}{{ match }}{{ match[1] }}", True),
    ],
)
def test_what_is_joined(source: str, as_hex: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text, and names that stand for plain values; Jinja2 is not asked for the result."""
    used, general = both(source, encoding="utf-8", as_hex=as_hex, groups=GROUPS)
    made = [general.bytes_for(asked(b"kg", match=found)) for found in (None, FOUND)]
    monkeypatch.delattr(Template, "bytes_for")
    assert [used.bytes_for(asked(b"kg", match=found)) for found in (None, FOUND)] == made


@pytest.mark.parametrize(
    ("source", "as_hex"),
    [
        ("text", False),
        ("{{ message | upper }}", False),
        ("{{ message.upper() }}{{ message[0] }}", False),
        ("{{ message ~ count }}", False),
        ("{% if message %}{{ message }}{% endif %}", False),
        ("{{ message }}{% set x = 1 %}", False),
        ("{{ now }}", False),
        ("{{ uuid }}", False),
        ("{{ random }}", False),
        ("{{ range }}", False),
        ("{{ match._kind }}", False),
        ("0{{ message }}0", True),
        ("{{ count }}", True),
        ("{{ peer.port }}", True),
        ("xy{{ message }}", True),
    ],
)
def test_what_is_not(source: str, as_hex: bool) -> None:
    """Everything else, and what has to be the same wherever a reply prints it."""
    used, _ = both(source, encoding="utf-8", as_hex=as_hex, groups=GROUPS)
    assert not isinstance(used, Joined)
