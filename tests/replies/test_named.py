"""Responders by name, from modules and from installed distributions."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sockreply.errors import ConfigError
from sockreply.replies import Reply, Session
from sockreply.replies.named import ENTRY_POINT_GROUP, load_responder
from tests.replies.stand_ins import StandInConnection

SESSION = Session(StandInConnection())

RESPONDERS = """
from sockreply.replies import Reply

def shout(message, session):
    return message.upper()

class Shouting:
    def respond(self, message, session):
        return message.upper() + b"!"

class Wanting:
    def __init__(self, wanted):
        self.wanted = wanted

shouting = Shouting()
number = 3

def make(sep="", end="."):
    def respond(message, session):
        return message + sep.encode() + end.encode()
    return respond

def make_nothing():
    return None
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current directory of the test's own; what is imported from it is forgotten again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def load_failing(spec: str) -> str:
    """What the operator is told of a spec that names no responder."""
    with pytest.raises(ConfigError) as caught:
        load_responder(spec)
    assert str(caught.value).startswith(f"responder {spec}: ")
    return str(caught.value).removeprefix(f"responder {spec}: ")


@pytest.mark.parametrize(
    ("name", "reply"), [("shout", b"HI"), ("Shouting", b"HI!"), ("shouting", b"HI!")]
)
def test_module(here: Path, name: str, reply: bytes) -> None:
    """A function, a class or an object of a module in the current directory answers."""
    (here / "responders.py").write_text(RESPONDERS)
    assert load_responder(f"responders:{name}").respond(b"hi", SESSION) == reply


def test_package(here: Path) -> None:
    """Modules of packages and names inside of names are found."""
    (here / "mine" / "inner").mkdir(parents=True)
    (here / "mine" / "__init__.py").touch()
    (here / "mine" / "inner" / "__init__.py").touch()
    (here / "mine" / "inner" / "responders.py").write_text(RESPONDERS)
    responder = load_responder("mine.inner.responders:shouting.respond")
    assert responder.respond(b"hi", SESSION) == b"HI!"


def test_installed_module() -> None:
    """A module that Python finds anyway needs no file in the current directory."""
    assert load_responder("sockreply.replies:Echo").respond(b"hi", SESSION) == b"hi"


def test_current_directory_is_searched_once(here: Path) -> None:
    """Loading many responders does not lengthen the search path each time."""
    for _ in range(2):
        load_responder("sockreply.replies:Echo")
    assert sys.path.count(str(here)) == 1


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("nowhere_to_be_found:shout", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("responders.deeper:shout", "ModuleNotFoundError: No module named 'responders.deeper'"),
        ("responders:missing", "AttributeError: module 'responders' has no attribute 'missing'"),
        ("responders:number", "3 is neither a function of (message, session) nor a responder"),
        ("responders:Wanting", "TypeError: Wanting.__init__() missing 1 required"),
        ("broken:shout", "ZeroDivisionError: division by zero"),
        ("unreadable:shout", "SyntaxError: "),
        ("leaving:shout", "SystemExit: 3"),
    ],
)
def test_module_that_does_not_do(here: Path, spec: str, why: str) -> None:
    """What cannot be imported, found or called is an error that names the spec and says why."""
    (here / "responders.py").write_text(RESPONDERS)
    (here / "broken.py").write_text("1 / 0\n")
    (here / "unreadable.py").write_text("def shout(:\n")
    (here / "leaving.py").write_text("import sys\nsys.exit(3)\n")
    assert load_failing(spec).startswith(why)


@pytest.mark.parametrize("spec", ["responders:", ":shout", ":", "responders:shout:x", "a b:c"])
def test_no_name_of_code(here: Path, spec: str) -> None:
    """A spec with a colon that names no code is told what would."""
    (here / "responders.py").write_text(RESPONDERS)
    assert load_failing(spec) == "code is named package.module:callable"


def test_module_instead_of_code(here: Path) -> None:
    """A module is not what answers, but something in it is."""
    (here / "mine").mkdir()
    (here / "mine" / "__init__.py").write_text("from mine import responders\n")
    (here / "mine" / "responders.py").write_text(RESPONDERS)
    said = load_failing("mine:responders")
    assert said == "mine.responders is a module; code is named package.module:callable"


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("\n\n{}['k']\n", "KeyError: 'k' (broken.py, line 3)"),
        ("import json\njson.loads('')\n", "JSONDecodeError: .* (broken.py, line 2)"),
        ("from sockreply.replies import Reply\nReply('')\n", "TypeError: .* (broken.py, line 2)"),
        ("import deep.deeper\n", "ZeroDivisionError: .* (deep/deeper.py, line 2)"),
        ("import nowhere_to_be_found\n", "ModuleNotFoundError: .* (broken.py, line 1)"),
        ("import unreadable\n", "SyntaxError: .* (unreadable.py, line 1)"),
        ("raise OSError('two\\n lines')", "OSError: two lines (broken.py, line 1)"),
        ("assert False", "AssertionError (broken.py, line 1)"),
        (
            "class shout:\n def __init__(self):\n  1 / 0",
            "ZeroDivisionError: .* (broken.py, line 3)",
        ),
        ("import library", "ValueError: bad (broken.py, line 1)"),
    ],
)
def test_where_a_module_fails(here: Path, broken: str, why: str) -> None:
    """What goes wrong inside of a module is told with the innermost line of its author's."""
    (here / "deep").mkdir()
    (here / "deep" / "deeper.py").write_text("\n1 / 0\n")
    (here / "unreadable.py").write_text("def shout(:\n")
    (here / "site-packages").mkdir()
    (here / "site-packages" / "library.py").write_text("raise ValueError('bad')\n")
    sys.path.append(str(here / "site-packages"))
    (here / "broken.py").write_text(broken)
    pattern = re.escape(why).replace(r"\.\*", "[^()]*")
    assert re.fullmatch(pattern, load_failing("broken:shout").replace(" (char 0)", ""))


def test_where_an_installed_module_fails(here: Path) -> None:
    """When no line is the author's own, it is the library's."""
    (here / "site-packages").mkdir()
    (here / "site-packages" / "library.py").write_text("raise ValueError('bad')\n")
    sys.path.append(str(here / "site-packages"))
    said = load_failing("library:shout")
    assert said == "ValueError: bad (site-packages/library.py, line 1)"


def test_the_cause_is_kept(here: Path) -> None:
    """Who debugs a module of his own can get at its exception."""
    (here / "broken.py").write_text("1 / 0\n")
    with pytest.raises(ConfigError) as caught:
        load_responder("broken:shout")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_entry_point(here: Path, install: Callable[..., None]) -> None:
    """A name of an installed distribution's is called without keys to make the responder."""
    (here / "responders.py").write_text(RESPONDERS)
    install(ENTRY_POINT_GROUP, ending="responders:make", loud="responders:Shouting")
    assert load_responder("ending").respond(b"hi", SESSION) == b"hi."
    assert load_responder("loud").respond(b"hi", SESSION) == b"HI!"


@pytest.mark.parametrize(
    ("spec", "reply"),
    [
        ("ending:end=!", b"hi!"),
        (r"ending:sep=\,\x20,end=", b"hi, "),
        ("ending:end=a=b:c", b"hia=b:c"),
        ("ending:end=끝", "hi끝".encode()),
    ],
)
def test_entry_point_with_keys(
    here: Path, install: Callable[..., None], spec: str, reply: bytes
) -> None:
    """The keys of the spec are given as text, with their escapes undone."""
    (here / "responders.py").write_text(RESPONDERS)
    install(ENTRY_POINT_GROUP, ending="responders:make")
    assert load_responder(spec).respond(b"hi", SESSION) == reply


def test_unknown_entry_point(install: Callable[..., None]) -> None:
    """An unknown name is an error that lists the installed ones, of our group only."""
    install(ENTRY_POINT_GROUP, lines="responders:make", ending="responders:make")
    hint = "code is named package.module:callable"
    for spec in ("missing", "missing:end=!", "elsewhere", "responders.shout"):
        said = load_failing(spec)
        assert said == f"no such entry point (installed: ending, lines); {hint}"
    install(ENTRY_POINT_GROUP)
    assert load_failing("missing") == f"no such entry point (none is installed); {hint}"


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("ending:colour=red", "TypeError: make() got an unexpected keyword argument 'colour'"),
        ("ending:end=a,b", "ending: 'b' is not key=value"),
        ("ending:end=a,end=b", "ending: end is given twice"),
        (r"ending:end=\q", r"'\q' is not an escape; known: \r \n \t \0 \\ \, \xNN"),
        (r"ending:end=\xff", "UnicodeDecodeError: "),
        ("nothing", "None is neither a function of (message, session) nor a responder"),
        ("gone", "ModuleNotFoundError: No module named 'gone'"),
    ],
)
def test_entry_point_that_does_not_do(
    here: Path, install: Callable[..., None], spec: str, why: str
) -> None:
    """What cannot be loaded or made is an error that names the spec and says why."""
    (here / "responders.py").write_text(RESPONDERS)
    install(
        ENTRY_POINT_GROUP,
        ending="responders:make",
        nothing="responders:make_nothing",
        gone="gone:make",
    )
    assert re.match(re.escape(why), load_failing(spec))


def test_replies_of_steps(here: Path) -> None:
    """What a named function gives is made a reply like any other's."""
    (here / "silent.py").write_text("def respond(message, session): pass\n")
    assert load_responder("silent:respond").respond(b"hi", SESSION) == Reply()
