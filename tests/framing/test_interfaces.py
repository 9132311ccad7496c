"""What a framing says of itself, so that nobody has to ask for its class."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import sockreply
from sockreply.framing import Framing, parse_framing
from tests.framing.stand_ins import Stop
from tests.framing.table import SPECS, receive

SOURCE = Path(sockreply.__file__).parent
ELSEWHERE = sorted(set(SOURCE.rglob("*.py")) - set(SOURCE.glob("framing/*.py")))


def subclasses_of(framing: type[object]) -> Iterator[str]:
    """The names of the framings of ours that derive from one."""
    for each in framing.__subclasses__():
        if each.__module__.startswith("sockreply."):
            yield each.__name__
            yield from subclasses_of(each)


for _path in SOURCE.glob("framing/*.py"):
    import_module(f"sockreply.framing.{_path.stem}")  # else the class does not know of them all
FRAMINGS = frozenset(subclasses_of(Framing))


def imported_names(tree: ast.AST) -> dict[str, str]:
    """What the names that a module imports stand for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Import):
            names |= {each.asname: each.name for each in node.names if each.asname}
    return names


def framings_in(node: ast.AST, names: dict[str, str]) -> Iterator[str]:
    """The framing classes that an expression names."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name | ast.Attribute):
            first, dot, rest = ast.unparse(part).partition(".")
            whole = names.get(first, first) + dot + rest
            if whole.startswith("sockreply.framing.") and whole.split(".")[-1] in FRAMINGS:
                yield whole.split(".")[-1]


def asks_for_class(node: ast.AST) -> ast.AST | None:
    """Where a node compares something with classes, the part that names them."""
    match node:
        case ast.Call(func=ast.Name("isinstance" | "issubclass"), args=[_, classes]):
            return classes
        case ast.MatchClass(cls=named):
            return named
        case ast.Compare() if "type(" in ast.unparse(node) or ".__class__" in ast.unparse(node):
            return node
    return None


def questions(code: str) -> list[str]:
    """Where a module asks whether something is a certain framing."""
    tree = ast.parse(code)
    names = imported_names(tree)
    return [
        f"line {getattr(node, 'lineno', 0)}: {framing}"
        for node in ast.walk(tree)
        if (asked := asks_for_class(node)) is not None
        for framing in framings_in(asked, names)
    ]


@pytest.mark.parametrize("path", ELSEWHERE, ids=lambda path: str(path.relative_to(SOURCE)))
def test_nobody_asks_a_framing_for_its_class(path: Path) -> None:
    """Outside of framing/, what a framing can do is asked of the framing."""
    assert questions(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "code",
    [
        "from sockreply.framing import Chunk\nisinstance(x, Chunk)",
        "from sockreply.framing import Chunk, Gap\nisinstance(x, Chunk | Gap)",
        "from sockreply.framing import Chunk\nisinstance(x, (int, Chunk))",
        "from sockreply.framing import Line as L\nissubclass(x, L)",
        "from sockreply.framing.counted import Fixed\nmatch x:\n case Fixed(size=3): pass",
        "from sockreply.framing import Line\nmatch x:\n case [Line() as y]: pass",
        "from sockreply import framing\nisinstance(x, framing.Chunk)",
        "from sockreply.framing import delimited\nisinstance(x, delimited.Undelimited)",
        "import sockreply.framing\nisinstance(x, sockreply.framing.Chunk)",
        "import sockreply.framing.stream as s\nisinstance(x, s.Chunk)",
        "def f(x):\n from sockreply.framing import Chunk\n return type(x) is Chunk",
        "from sockreply.framing import Chunk\nx.__class__ in (Chunk,)",
    ],
)
def test_a_question_is_found(code: str) -> None:
    """Whichever way it is put, and whatever the class is called there."""
    assert len(set(questions(code))) == 1 + ("|" in code)


@pytest.mark.parametrize(
    "code",
    [
        "from sockreply.rules.conditions import Length\nisinstance(x, Length)",
        "from sockreply.config import form\nisinstance(x, form.Fixed)",
        "from sockreply.framing import Framing\nisinstance(x, Framing)",
        "from sockreply.framing import Chunk\nChunk()",
        "from sockreply.framing import Line\nx == Line()",
    ],
)
def test_other_code_is_not_a_question(code: str) -> None:
    """Classes of the same name, making a framing, and asking whether something is any framing."""
    assert questions(code) == []


@pytest.mark.parametrize("spec", SPECS)
def test_name(spec: str) -> None:
    """A framing has the name that specs have for it, on either side."""
    framing = parse_framing(spec)
    assert framing.name == framing.mirrored().name == spec.partition(":")[0]


@pytest.mark.parametrize(
    ("spec", "server", "client"),
    [
        ("chunk", True, True),
        ("gap", True, True),
        ("eof", False, False),
        ("line", False, False),
        ("netstring", False, False),
        ("delimited:end=;", False, False),
        ("delimited:end=;,reply_end=", False, True),
    ],
)
def test_may_run_together(spec: str, server: bool, client: bool) -> None:
    """Where nothing in the bytes ends a message, two in a row may be one; each side has its own."""
    framing = parse_framing(spec)
    assert (framing.may_run_together, framing.mirrored().may_run_together) == (server, client)


@pytest.mark.parametrize(
    ("spec", "size"), [("fixed:size=3", 3), ("line", None), ("length:bytes=2", None)]
)
def test_message_size(spec: str, size: int | None) -> None:
    """Only where all messages have the same size is there one."""
    assert parse_framing(spec).message_size == size


@pytest.mark.parametrize(
    ("spec", "data", "found"),
    [
        ("line:ending=crlf", b"a\nb", b"\n"),
        ("line", b"a\rb", None),
        ("line:ending=any", b"a\rb", b"\r"),
        ("line:ending=any", b"a\0b", None),
        ("line:blocks=yes", b"a\nb", None),
        ("line:telnet=strip", b"a\xff\xf1\rb", None),
        ("delimited:end=END", b"BENDS", b"END"),
        ("delimited:end=END,reply_end=;", b"EN;D", None),
        ("enclosed:start=<,end=>", b"a>b", b">"),
        ("enclosed:start=<,end=>", b"a<b", None),
        ("delimited:end=END", b"", None),
        ("netstring", bytes(range(256)), None),
        ("length:digits=4", bytes(range(256)), None),
        ("fixed:size=3", bytes(range(256)), None),
        ("chunk", bytes(range(256)), None),
        ("gap", bytes(range(256)), None),
        ("eof", bytes(range(256)), None),
    ],
)
def test_never_in(spec: str, data: bytes, found: bytes | None) -> None:
    """A mark that ends a message cannot be in one."""
    assert parse_framing(spec).never_in(data) == found


def test_defaults() -> None:
    """A framing that says nothing of itself is taken for one whose bytes keep messages apart."""
    framing = Stop()
    assert framing.name == "stop"
    assert framing.mirrored() is framing
    assert framing.affixes is None
    assert framing.message_size is None
    assert framing.never_in(b"a STOP b") is None
    assert framing.received_as(b"a") == b"a"
    assert framing.mark_after(b"a") == b""
    assert receive(framing.framer_after(b"ST", 9), [b"OPSTOP"]).messages == (b"OP",)
    assert list(framing.describe()) == []
    assert framing.facts_of(b"a") == {}
    assert not framing.one_message_each_way
    assert not framing.may_run_together
    assert not framing.binary
    assert not framing.fits_datagrams
    assert not framing.varies
    assert not framing.speaks
    assert not framing.switches


def test_a_framing_has_to_frame_both_ways() -> None:
    """Without `framer` or `frame` there is no framing."""

    class Half(Framing):
        def frame(self, message: bytes) -> bytes:
            return message

    with pytest.raises(TypeError, match=r"abstract method '?framer"):
        Half()  # type: ignore[abstract] # that is what is tested
